//! [`RefillRing`]: the ring in which memory goes back to a network card.
//!
//! | word | written by | read by |
//! |---|---|---|
//! | head | kernel | this |
//! | tail | this | kernel |
//! | entries | this, from the tail on | kernel, up to the tail |
//!
//! # Safety
//!
//! RR1. The pointers lead to a head, a tail, and `count` entries, a power of two of them, which the
//!      kernel shares and nobody else does. They are aligned, and stay mapped (ZR2 of
//!      [`receive_queue`](super)).
//!
//! RR2. An entry at or behind the tail, and less than `count` from the head, is this side's.
#![allow(unsafe_code)]

use std::collections::VecDeque;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering};

/// An entry: `struct io_uring_zcrx_rqe`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct RefillEntry {
    /// Which area, and where in it.
    offset: u64,
    /// How many bytes: as many as the CQE said.
    length: u32,
    padding: u32,
}

const _: () = assert!(size_of::<RefillEntry>() == 16);

impl RefillEntry {
    /// Gives back the `length` bytes at `offset`.
    pub(super) fn new(offset: u64, length: u32) -> RefillEntry {
        RefillEntry { offset, length, padding: 0 }
    }
}

/// Where the words and entries of a refill ring are.
#[derive(Debug)]
pub struct RefillMemory {
    /// The counter of the next entry that the kernel will take.
    pub head: NonNull<AtomicU32>,
    /// The counter of the next entry to be written.
    pub tail: NonNull<AtomicU32>,
    /// The first entry.
    pub entries: NonNull<RefillEntry>,
    /// How many there are: a power of two.
    pub count: u32,
}

/// The side of a refill ring that gives memory back.
#[derive(Debug)]
pub(super) struct RefillRing {
    memory: RefillMemory,
    /// The counter of the next entry to be written; what is before it may not be published yet.
    tail: u32,
}

impl RefillRing {
    /// The ring in `memory`.
    ///
    /// # Safety
    ///
    /// RR1 holds.
    pub(super) unsafe fn new(memory: RefillMemory) -> RefillRing {
        // SAFETY: RR1.
        let tail = unsafe { memory.tail.as_ref() };
        // Relaxed: this side alone writes it.
        let tail = tail.load(Ordering::Relaxed);
        RefillRing { memory, tail }
    }

    /// Writes an entry, which the kernel sees when it is published. `false` where all places are
    /// taken.
    fn push(&mut self, entry: RefillEntry) -> bool {
        // SAFETY: RR1.
        let head = unsafe { self.memory.head.as_ref() };
        // Acquire: pairs with the kernel's `smp_store_release` of the head, before which it has
        // read the entries.
        let used = self.tail.wrapping_sub(head.load(Ordering::Acquire));
        if used >= self.memory.count {
            return false;
        }
        let place = (self.tail & (self.memory.count - 1)) as usize;
        // SAFETY: RR1: there are so many.
        let place = unsafe { self.memory.entries.add(place) };
        // SAFETY: RR2, as has just been seen.
        unsafe { place.write(entry) };
        self.tail = self.tail.wrapping_add(1);
        true
    }

    /// Lets the kernel see what has been written.
    fn publish(&self) {
        // SAFETY: RR1.
        let tail = unsafe { self.memory.tail.as_ref() };
        // Release: pairs with the kernel's `smp_load_acquire` of the tail, and publishes the
        // entries, and that their memory is not touched any more.
        tail.store(self.tail, Ordering::Release);
    }
}

/// Entries that wait for room in the ring, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    entries: VecDeque<RefillEntry>,
}

impl Backlog {
    pub(super) fn push(&mut self, entry: RefillEntry) {
        self.entries.push_back(entry);
    }

    /// Moves as many as fit into the ring, and publishes them.
    pub(super) fn move_to(&mut self, ring: &mut RefillRing) {
        while let Some(&entry) = self.entries.front() {
            if !ring.push(entry) {
                break;
            }
            self.entries.pop_front();
        }
        ring.publish();
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::queue;
    use super::*;

    #[test]
    fn an_entry_has_the_kernels_layout() {
        let entry = RefillEntry::new(0x1122_3344_5566_7788, 0x99aa_bbcc);
        // SAFETY: an entry is 16 bytes without padding of the compiler's.
        let bytes = unsafe { std::mem::transmute::<RefillEntry, [u8; 16]>(entry) };
        assert_eq!(bytes[..8], 0x1122_3344_5566_7788_u64.to_ne_bytes());
        assert_eq!(bytes[8..12], 0x99aa_bbcc_u32.to_ne_bytes());
        assert_eq!(bytes[12..], [0; 4]);
    }

    #[test]
    fn counters_wrap_and_a_full_ring_keeps_the_rest_in_order() {
        let (queue, mut card) = queue(64, 4, u32::MAX - 1);
        for number in 0..10 {
            let mut refill = queue.queue.lock();
            let super::super::Refill { ring, backlog, .. } = &mut *refill;
            backlog.push(RefillEntry::new(number, number as u32));
            backlog.move_to(ring);
        }
        let told =
            |range: std::ops::Range<u64>| range.map(|it| (it, it as u32)).collect::<Vec<_>>();
        assert_eq!(card.refilled(), told(0..4), "there are four places");
        assert_eq!(card.refilled(), [], "nobody has looked since");
        let mut backlogged = 4;
        while backlogged < 10 {
            {
                let mut refill = queue.queue.lock();
                let super::super::Refill { ring, backlog, .. } = &mut *refill;
                backlog.move_to(ring);
            }
            let next = 10.min(backlogged + 4);
            assert_eq!(card.refilled(), told(backlogged..next));
            backlogged = next;
        }
        assert!(queue.queue.lock().backlog.entries.is_empty());
    }
}
