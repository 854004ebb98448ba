//! [`Buffers`]: memory that the kernel chooses from when something is received.
//!
//! # Safety
//!
//! RB1. The ring of buffers and the buffers are never freed.
//!
//! RB2. An entry is written by this thread only, and is one that the kernel does not look at: it
//!      lies behind the tail.
#![allow(unsafe_code)]

use std::io;
use std::sync::atomic::{AtomicU16, Ordering};

use io_uring::types::BufRingEntry;

use super::ring::Ring;
use crate::laboratory::contenders::memory;

/// Memory that the kernel chooses from when something is received.
pub(super) struct Buffers {
    entries: *mut BufRingEntry,
    number: u16,
    length: u32,
    memory: *mut u8,
    tail: u16,
    /// How many the kernel does not have.
    taken: u16,
}

impl Buffers {
    /// So many buffers, a power of two, of `length` bytes each, all of which the kernel may have.
    ///
    /// # Errors
    ///
    /// Those of registering.
    pub(super) fn new(ring: &Ring, number: u16, length: u32) -> io::Result<Buffers> {
        let entries = memory::pages(usize::from(number) * size_of::<BufRingEntry>());
        let entries = entries.as_mut_ptr().cast();
        let memory = memory::pages(usize::from(number) * length as usize).as_mut_ptr();
        // SAFETY: RB1: it has so many entries, at the beginning of a page.
        unsafe { ring.register_buffer_ring(entries, number) }?;
        let mut buffers = Buffers { entries, number, length, memory, tail: 0, taken: number };
        (0..number).for_each(|index| buffers.put(index));
        buffers.publish();
        Ok(buffers)
    }

    /// Where a buffer begins.
    pub(super) fn at(&self, index: u16) -> *mut u8 {
        self.memory.wrapping_add(usize::from(index) * self.length as usize)
    }

    /// How many there are.
    pub(super) fn number(&self) -> u16 {
        self.number
    }

    /// Whether the kernel has a buffer to choose, once what was put back is published.
    pub(super) fn is_any_left(&self) -> bool {
        self.taken < self.number
    }

    /// The kernel has chosen a buffer.
    pub(super) fn take(&mut self) {
        self.taken += 1;
    }

    /// Puts a buffer back that the kernel had chosen. It is told by [`publish`](Buffers::publish).
    pub(super) fn put(&mut self, index: u16) {
        let address = self.at(index).expose_provenance() as u64;
        let place = usize::from(self.tail & (self.number - 1));
        // SAFETY: RB1: the place is one of the ring's.
        let entry = unsafe { self.entries.add(place) };
        // SAFETY: RB2: there are no more entries than buffers.
        let entry = unsafe { &mut *entry };
        entry.set_addr(address);
        entry.set_len(self.length);
        entry.set_bid(index);
        self.tail = self.tail.wrapping_add(1);
        self.taken -= 1;
    }

    /// Tells the kernel of the buffers that were put back.
    pub(super) fn publish(&mut self) {
        // SAFETY: RB1: the ring has a first entry, in which the tail is.
        let tail = unsafe { BufRingEntry::tail(self.entries) };
        // SAFETY: RB2: it is aligned, and used as an atomic by both sides.
        let tail = unsafe { AtomicU16::from_ptr(tail.cast_mut()) };
        // Release: pairs with the kernel's `smp_load_acquire(&br->tail)`.
        tail.store(self.tail, Ordering::Release);
    }
}
