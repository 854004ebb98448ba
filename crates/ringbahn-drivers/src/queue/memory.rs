//! [`Memory`]: a ring on the heap, and the kernel's side of it.
//!
//! Where no kernel shares memory with the queues, an engine inside the process does, or a test. It
//! obeys the kernel's protocol: entries are read before the head moves past them, and CQEs are
//! written before the tail does.
//!
//! # Safety
//!
//! H1. One thread at a time takes entries, and one at a time posts CQEs: those who call see to it.
//!
//! H2. There are seven words, and as many entries and CQEs as the indices say. The vectors are not
//!     touched after the pointers have been taken, except through these.
//!
//! H3. As in a ring of the kernel, a place of the submission queue is the taker's from the tail
//!     that publishes it until the head that gives it back, and one of the completion queue is the
//!     poster's from that head until that tail. Bits that are left in a place given back are
//!     nobody's entry any more; the submission half overwrites them.
#![allow(unsafe_code)]

use std::ptr::NonNull;

use ringbahn_core::{Cqe, Sqe};

use super::index::Index;
use super::place::{Place, Size, Word};
use super::rings::{CompletionMemory, SubmissionMemory};
use super::width::CompletionWidth as Width;
use crate::sync::{AtomicU32, Ordering};
use crate::sys::uapi::SQ_CQ_OVERFLOW;

/// A ring's words and arrays on the heap.
#[derive(Debug)]
pub(crate) struct Memory {
    pub(super) submission: SubmissionMemory,
    pub(super) completion: CompletionMemory,
    _words: Vec<AtomicU32>,
    _entries: Vec<Sqe>,
    _cqes: Vec<Cqe>,
    /// Tells the model checker who uses which place; the entries themselves have the kernel's
    /// layout, which its cells have not.
    #[cfg(loom)]
    places: Vec<loom::cell::UnsafeCell<()>>,
}

// SAFETY: the memory belongs to the process, not to a thread. The words are atomics; who may touch
// which place of the arrays is H1 and H3.
unsafe impl Send for Memory {}
// SAFETY: H1 and H3, as for `Send`.
unsafe impl Sync for Memory {}

impl Memory {
    /// Queues of these sizes with all counters at `start`. `None` unless the sizes are powers of
    /// two.
    pub(crate) fn new(start: u32, entries: u32, completion_entries: u32) -> Option<Memory> {
        let (submission_index, completion_index) =
            (Index::new(entries)?, Index::new(completion_entries)?);
        let starts = [start, start, 0, 0, start, start, 0];
        let mut words: Vec<AtomicU32> = starts.into_iter().map(AtomicU32::new).collect();
        let mut sqes: Vec<Sqe> = (0..entries).map(|_| Sqe::nop()).collect();
        let mut cqes = vec![Cqe::default(); completion_entries as usize];
        let first_word = start_of(&mut words);
        // SAFETY: H2; every caller names one of the seven words.
        let word = |n| Word::new(unsafe { first_word.add(n) });
        Some(Memory {
            submission: SubmissionMemory {
                size: Size::new(submission_index),
                head: word(0),
                tail: word(1),
                flags: word(2),
                dropped: word(3),
                entries: Place::new(start_of(&mut sqes)),
            },
            completion: CompletionMemory {
                size: Size::new(completion_index),
                head: word(4),
                tail: word(5),
                overflow: word(6),
                entries: Place::new(start_of(&mut cqes)),
                width: Width::Narrow,
            },
            _words: words,
            _entries: sqes,
            _cqes: cqes,
            #[cfg(loom)]
            places: (0..entries).map(|_| loom::cell::UnsafeCell::new(())).collect(),
        })
    }

    /// How many entries are published and not taken.
    pub(crate) fn published(&self) -> u32 {
        let memory = &self.submission;
        // Relaxed: only this side writes it (H1).
        let head = memory.head.load(Ordering::Relaxed);
        // Acquire: pairs with the Release in `publish`.
        memory.size.index().used(head, memory.tail.load(Ordering::Acquire))
    }

    /// Takes the next published entry out of its place.
    pub(crate) fn take_entry(&self) -> Option<Sqe> {
        if self.published() == 0 {
            return None;
        }
        let memory = &self.submission;
        // Relaxed: only this side writes it (H1).
        let head = memory.head.load(Ordering::Relaxed);
        let place = memory.size.index().place(head);
        #[cfg(loom)]
        self.places[place as usize].with(|_| ());
        // SAFETY: the array has as many elements as the index says (H2).
        let entry = unsafe { memory.entries.get().add(place as usize) };
        // SAFETY: H3; the entry was published, and is given back by the store below.
        let entry = unsafe { entry.read() };
        // Release: pairs with the Acquire in `SubmissionQueue::reserve`.
        memory.head.store(head.wrapping_add(1), Ordering::Release);
        Some(entry)
    }

    /// Posts a CQE; `false` where the queue is full.
    pub(crate) fn post(&self, cqe: Cqe) -> bool {
        let memory = &self.completion;
        if self.completed() == memory.size.index().entries() {
            return false;
        }
        // Relaxed: only this side writes it (H1).
        let tail = memory.tail.load(Ordering::Relaxed);
        // SAFETY: the array has as many elements as the index says (H2).
        let place = unsafe { memory.entries.get().add(memory.size.index().place(tail) as usize) };
        // SAFETY: H3; the place is free, so the completion half does not read it.
        unsafe { place.write(cqe) };
        // Release: pairs with the Acquire in `CompletionQueue::ready`.
        memory.tail.store(tail.wrapping_add(1), Ordering::Release);
        true
    }

    /// How many CQEs are in the queue.
    pub(crate) fn completed(&self) -> u32 {
        let memory = &self.completion;
        // Acquire: pairs with the Release at the end of `reap`; the places before it are free.
        let head = memory.head.load(Ordering::Acquire);
        // Relaxed: only this side writes it (H1).
        memory.size.index().used(head, memory.tail.load(Ordering::Relaxed))
    }

    /// The counters of the completion queue's head and tail.
    pub(crate) fn completion_counters(&self) -> (u32, u32) {
        let memory = &self.completion;
        // Relaxed: whoever asks compares the numbers, and reads no CQE.
        (memory.head.load(Ordering::Relaxed), memory.tail.load(Ordering::Relaxed))
    }

    /// How many CQEs fit into the queue.
    pub(crate) fn completion_entries(&self) -> u32 {
        self.completion.size.index().entries()
    }

    /// Says whether there are CQEs that did not fit in.
    pub(crate) fn set_overflowed(&self, overflowed: bool) {
        let flags = if overflowed { SQ_CQ_OVERFLOW } else { 0 };
        // Relaxed: a hint that publishes nothing, as in a ring of the kernel; no other flag is
        // ever set here.
        self.submission.flags.store(flags, Ordering::Relaxed);
    }

    /// Whether there are CQEs that did not fit in.
    pub(crate) fn overflowed(&self) -> bool {
        // Relaxed: as above.
        self.submission.flags.load(Ordering::Relaxed) & SQ_CQ_OVERFLOW != 0
    }

    /// Tells the model checker that the submission half is about to write to `place`.
    #[cfg(loom)]
    pub(super) fn track_fill(&self, place: u32) {
        self.places[place as usize].with_mut(|_| ());
    }
}

fn start_of<T>(vector: &mut Vec<T>) -> NonNull<T> {
    NonNull::new(vector.as_mut_ptr()).expect("a vector has an address")
}
