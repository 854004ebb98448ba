//! [`ProvidedBuffer`]: a buffer that the kernel has chosen and filled.
#![allow(unsafe_code)]

use std::fmt;
use std::ops::{Deref, DerefMut};

use super::BufferGroup;
use crate::buf::IoBuf;

/// A buffer that the kernel has taken out of a [`BufferGroup`] and filled, or a part of one out of
/// a [`BufferQueue`](super::BufferQueue).
///
/// Reads as the bytes received. It goes back to its group when it is dropped, on any thread, and
/// wakes those who wait for one; so it is better dropped soon. It may be sent as it is.
pub struct ProvidedBuffer {
    group: BufferGroup,
    index: u16,
    /// Where the data begins: what comes before it has been taken off.
    start: u32,
    length: u32,
}

impl ProvidedBuffer {
    /// The buffer `index` of `group`, with `length` bytes of data from `start` on.
    ///
    /// # Safety
    ///
    /// These bytes of the buffer are nobody else's, by PB1 of [`provided`](super), and lie within
    /// the group's size.
    pub(super) unsafe fn new(
        group: BufferGroup,
        index: u16,
        start: u32,
        length: u32,
    ) -> ProvidedBuffer {
        ProvidedBuffer { group, index, start, length }
    }

    /// The group that it goes back to. That of a queue is refused by events that would share it.
    pub fn group(&self) -> &BufferGroup {
        &self.group
    }

    /// Takes `count` bytes off the front.
    ///
    /// # Panics
    ///
    /// Panics where there are fewer.
    pub fn advance(&mut self, count: usize) {
        assert!(count <= self.length as usize, "{count} of {} bytes", self.length);
        self.start += count as u32;
        self.length -= count as u32;
    }

    /// Leaves no more than the first `length` bytes.
    pub fn truncate(&mut self, length: usize) {
        self.length = u32::try_from(length).map_or(self.length, |length| length.min(self.length));
    }

    fn data(&self) -> *mut u8 {
        let buffer = self.group.address(self.index).as_ptr();
        // SAFETY: GM1 of `memory`; the start is within the buffer.
        unsafe { buffer.add(self.start as usize) }
    }
}

impl Deref for ProvidedBuffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: PB1: these bytes are this one's alone; GM1 of `memory`: they are initialised, and
        // there are as many.
        unsafe { std::slice::from_raw_parts(self.data(), self.length as usize) }
    }
}

impl DerefMut for ProvidedBuffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: PB1 and GM1 as for `deref`; it is borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(self.data(), self.length as usize) }
    }
}

impl AsRef<[u8]> for ProvidedBuffer {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

// SAFETY: PB1: the memory is this buffer's alone and stays where it is, also when this moves; its
// length changes only by what takes `&mut self`.
unsafe impl IoBuf for ProvidedBuffer {
    fn bytes_ptr(&self) -> *const u8 {
        self.data()
    }

    fn bytes_len(&self) -> usize {
        self.length as usize
    }
}

impl fmt::Debug for ProvidedBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProvidedBuffer").field("length", &self.length).finish_non_exhaustive()
    }
}

impl Drop for ProvidedBuffer {
    fn drop(&mut self) {
        // SAFETY: PB1: it is this one's, whose end this is.
        unsafe { self.group.give_back(self.index) };
    }
}
