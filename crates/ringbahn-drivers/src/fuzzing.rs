//! What the fuzz targets of the workspace reach of the queues, which are private: both halves over
//! ordinary memory, and the kernel's side of it. No part of the interface; it may change at any
//! time.

use std::ops::Range;
use std::sync::Arc;

use ringbahn_core::{Batch, Cqe, Sqe};

use crate::queue::completion::{CompletionQueue, Reaped};
use crate::queue::fake_kernel::over_memory_from;
use crate::queue::index::Index;
use crate::queue::rings::Rings;
use crate::queue::submission::SubmissionQueue;

/// Both halves of a ring, and its memory to play the kernel on.
#[derive(Debug)]
pub struct Halves {
    submission: SubmissionQueue,
    completion: CompletionQueue,
    rings: Arc<Rings>,
}

impl Halves {
    /// Queues of these sizes, all counters of which begin with `start`. `None` unless the sizes
    /// are powers of two.
    pub fn new(start: u32, entries: u32, completion_entries: u32) -> Option<Halves> {
        (Index::new(entries).is_some() && Index::new(completion_entries).is_some()).then(|| {
            let (submission, completion, rings) =
                over_memory_from(start, entries, completion_entries);
            Halves { submission, completion, rings }
        })
    }

    /// Fills one place with an entry of this number. `false` where there is no room.
    pub fn push(&mut self, number: u32) -> bool {
        matches!(self.submission.push_raw(Sqe::nop().length(number)), Ok(Ok(())))
    }

    /// Whether `count` places can be reserved; they are let go at once. How many there are is
    /// looked at, too.
    pub fn can_reserve(&mut self, count: u32) -> bool {
        let reservation = self.submission.reserve(count).ok().flatten();
        reservation.is_some_and(|reservation| reservation.capacity() == count)
    }

    /// How many places are free.
    pub fn free(&self) -> u32 {
        self.submission.free()
    }

    /// Lets the kernel see what is filled, and says how many entries that is.
    pub fn publish(&mut self) -> u32 {
        self.submission.publish()
    }

    /// Takes the next entry as the kernel does, and says its number.
    pub fn take(&self) -> Option<u32> {
        self.rings.take_entry()
    }

    /// Posts a CQE as the kernel does. `false` where there is no room.
    pub fn post(&self, cqe: Cqe) -> bool {
        self.rings.post(cqe)
    }

    /// Takes a CQE out of its queue.
    pub fn pop(&mut self) -> Option<Cqe> {
        self.completion.pop_raw()
    }

    /// Takes up to `limit` CQEs out of their queue, none of which belongs to an operation.
    pub fn reap(&mut self, limit: usize) -> Reaped {
        let mut batch = Batch::default();
        let reaped = self.completion.reap(&mut batch, limit);
        drop(batch.run());
        reaped
    }

    /// Whether there is no CQE.
    pub fn is_empty(&self) -> bool {
        self.completion.is_empty()
    }
}

/// How many of `entries` places are in use by these counters, whatever they are. `None` where that
/// is no size of a queue.
pub fn used(entries: u32, head: u32, tail: u32) -> Option<u32> {
    Index::new(entries).map(|index| index.used(head, tail))
}

/// The free places, in order, that an operation of `count` entries would get.
pub fn free(entries: u32, head: u32, tail: u32, count: u32) -> Option<[Range<u32>; 2]> {
    let span = Index::new(entries)?.free(head, tail, count)?;
    Some([span.first, span.wrapped])
}
