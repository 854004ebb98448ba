//! The kernel's side of a ring over ordinary memory, for tests and models.
//!
//! It obeys the protocol as the kernel does: entries are read before the head moves past them, and
//! CQEs are written before the tail does. Counters start just short of their wrap.
//!
//! # Safety
//!
//! H1. One thread at a time plays the kernel.
//!
//! H2. There are seven words, and as many entries and CQEs as the indices say. The vectors are not
//!     touched after the `Rings` have been made of them, except through the pointers.
//!
//! H3. As in a real ring, a place of the submission queue is the kernel's from the tail that
//!     publishes it until the head that gives it back, and one of the completion queue from that
//!     head until that tail.
#![allow(unsafe_code)]

use std::ptr::NonNull;
use std::sync::Arc;

use ringbahn_core::{Cqe, Sqe};

use super::completion::CompletionQueue;
use super::index::Index;
use super::rings::{Backing, CompletionMemory, Rings, SubmissionMemory, Word};
use super::submission::SubmissionQueue;
use crate::sync::{AtomicU32, Ordering};

/// Where the counters start, unless a test says otherwise: they wrap at the fourth entry.
pub(crate) const START: u32 = u32::MAX - 3;

/// The memory.
#[derive(Debug)]
pub(crate) struct Heap {
    _words: Vec<AtomicU32>,
    _entries: Vec<Sqe>,
    _cqes: Vec<Cqe>,
    /// Tells the model checker who uses which place; the entries themselves have the kernel's
    /// layout, which its cells have not.
    #[cfg(loom)]
    places: Vec<loom::cell::UnsafeCell<()>>,
}

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
    let index = |entries| Index::new(entries).expect("a power of two");
    let starts = [start, start, 0, 0, start, start, 0];
    let mut words: Vec<AtomicU32> = starts.into_iter().map(AtomicU32::new).collect();
    let mut sqes: Vec<Sqe> = (0..entries).map(|_| Sqe::nop()).collect();
    let mut cqes = vec![Cqe::default(); completion_entries as usize];
    let first_word = start_of(&mut words);
    // SAFETY: H2; every caller names one of the seven words.
    let word = |n| Word(unsafe { first_word.add(n) });
    let submission = SubmissionMemory {
        index: index(entries),
        head: word(0),
        tail: word(1),
        flags: word(2),
        dropped: word(3),
        entries: start_of(&mut sqes),
    };
    let completion = CompletionMemory {
        index: index(completion_entries),
        head: word(4),
        tail: word(5),
        overflow: word(6),
        entries: start_of(&mut cqes),
    };
    let heap = Heap {
        _words: words,
        _entries: sqes,
        _cqes: cqes,
        #[cfg(loom)]
        places: (0..entries).map(|_| loom::cell::UnsafeCell::new(())).collect(),
    };
    Rings { submission, completion, backing: Backing::Heap(heap) }.halves()
}

fn start_of<T>(vector: &mut Vec<T>) -> NonNull<T> {
    NonNull::new(vector.as_mut_ptr()).expect("a vector has an address")
}

impl Rings {
    /// Takes the next published entry as the kernel does, and says its length word.
    pub(crate) fn take_entry(&self) -> Option<u32> {
        let memory = &self.submission;
        // Relaxed: only this side writes it (H1).
        let head = memory.head.load(Ordering::Relaxed);
        // Acquire: pairs with the Release in `publish`.
        let tail = memory.tail.load(Ordering::Acquire);
        if tail == head {
            return None;
        }
        let place = memory.index.place(head);
        #[cfg(loom)]
        self.track_read(place);
        // SAFETY: the array has as many elements as the index says (H2).
        let entry = unsafe { memory.entries.add(place as usize) };
        // SAFETY: H3; the entry was published and is not given back before the store below.
        let number = unsafe { entry.as_ref() }.get_length();
        // Release: pairs with the Acquire in `SubmissionQueue::reserve`.
        memory.head.store(head.wrapping_add(1), Ordering::Release);
        Some(number)
    }

    /// Posts a CQE as the kernel does; `false` where the queue is full.
    pub(crate) fn post(&self, cqe: Cqe) -> bool {
        let memory = &self.completion;
        // Acquire: pairs with the Release at the end of `reap`.
        let head = memory.head.load(Ordering::Acquire);
        // Relaxed: only this side writes it (H1).
        let tail = memory.tail.load(Ordering::Relaxed);
        if memory.index.used(head, tail) == memory.index.entries() {
            return false;
        }
        // SAFETY: the array has as many elements as the index says (H2).
        let place = unsafe { memory.entries.add(memory.index.place(tail) as usize) };
        // SAFETY: H3; the place is free, so the completion half does not read it.
        unsafe { place.write(cqe) };
        // Release: pairs with the Acquire in `CompletionQueue::ready`.
        memory.tail.store(tail.wrapping_add(1), Ordering::Release);
        true
    }

    #[cfg(loom)]
    fn places(&self) -> &[loom::cell::UnsafeCell<()>] {
        match &self.backing {
            Backing::Heap(heap) => &heap.places,
            Backing::Kernel(_) => &[],
        }
    }

    /// Tells the model checker that the submission half is about to write to `place`.
    #[cfg(loom)]
    pub(super) fn track_fill(&self, place: u32) {
        self.places()[place as usize].with_mut(|_| ());
    }

    #[cfg(loom)]
    fn track_read(&self, place: u32) {
        self.places()[place as usize].with(|_| ());
    }
}
