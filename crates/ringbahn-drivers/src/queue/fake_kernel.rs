//! Rings over ordinary memory, for tests and models to play the kernel on.
//!
//! Counters start just short of their wrap.

use std::sync::Arc;

use ringbahn_core::Cqe;

use super::completion::CompletionQueue;
use super::memory::Memory;
use super::rings::{Backing, Rings};
use super::submission::SubmissionQueue;

/// Where the counters start, unless a test says otherwise: they wrap at the fourth entry.
pub(crate) const START: u32 = u32::MAX - 3;

/// Both halves over ordinary memory, and the memory for the test to play the kernel on.
pub(crate) fn over_memory(
    entries: u32,
    completion_entries: u32,
) -> (SubmissionQueue, CompletionQueue, Arc<Rings>) {
    over_memory_from(START, entries, completion_entries)
}

/// As [`over_memory`], with all counters at `start`.
pub(crate) fn over_memory_from(
    start: u32,
    entries: u32,
    completion_entries: u32,
) -> (SubmissionQueue, CompletionQueue, Arc<Rings>) {
    let memory = Memory::new(start, entries, completion_entries).expect("powers of two");
    let (submission, completion) = (memory.submission.clone(), memory.completion.clone());
    let backing = Backing::Heap(memory);
    Rings::over(submission, completion, backing, None).halves(ringbahn_core::Metering::Off)
}

impl Rings {
    /// Takes the next published entry as the kernel does, and says its length word.
    pub(crate) fn take_entry(&self) -> Option<u32> {
        self.heap()?.take_entry().map(|entry| entry.get_length())
    }

    /// Posts a CQE as the kernel does; `false` where the queue is full.
    pub(crate) fn post(&self, cqe: Cqe) -> bool {
        self.heap().is_some_and(|memory| memory.post(cqe))
    }

    /// Tells the model checker that the submission half is about to write to `place`.
    #[cfg(loom)]
    pub(super) fn track_fill(&self, place: u32) {
        if let Some(memory) = self.heap() {
            memory.track_fill(place);
        }
    }

    fn heap(&self) -> Option<&Memory> {
        match &self.backing {
            Backing::Heap(memory) => Some(memory),
            _ => None,
        }
    }
}
