//! [`ReceivedPiece`]: data where a network card has put it.
#![allow(unsafe_code)]

use std::fmt;
use std::ops::Deref;

use super::{Place, ReceiveQueue};
use crate::buf::IoBuf;

/// Data that a network card has put into the memory of a [`ReceiveQueue`], and that nobody has
/// copied.
///
/// Reads as the bytes received. The memory goes back to the card when it is dropped, on any thread:
/// better soon, for what is kept the card lacks. It may be sent as it is.
pub struct ReceivedPiece {
    queue: ReceiveQueue,
    /// As the kernel has named it, and is to be given it back.
    place: Place,
    /// How many bytes have been taken off the front.
    start: u32,
}

impl ReceivedPiece {
    /// The piece at `place`.
    ///
    /// # Safety
    ///
    /// It is nobody else's, by ZR1 of [`receive_queue`](super), and lies within the area.
    pub(super) unsafe fn new(queue: ReceiveQueue, place: Place) -> ReceivedPiece {
        ReceivedPiece { queue, place, start: 0 }
    }

    /// The queue whose memory it is.
    pub fn queue(&self) -> &ReceiveQueue {
        &self.queue
    }

    /// Takes `count` bytes off the front.
    ///
    /// # Panics
    ///
    /// Panics where there are fewer.
    pub fn advance(&mut self, count: usize) {
        let left = self.length();
        assert!(count <= left, "{count} of {left} bytes");
        self.start += count as u32;
    }

    fn length(&self) -> usize {
        (self.place.length - self.start) as usize
    }

    fn data(&self) -> *const u8 {
        let piece = self.queue.address(self.place).as_ptr();
        // SAFETY: ZR2; the start is within the piece.
        unsafe { piece.add(self.start as usize) }
    }
}

impl Deref for ReceivedPiece {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: ZR1: the bytes are this piece's alone; ZR4: they are initialised.
        unsafe { std::slice::from_raw_parts(self.data(), self.length()) }
    }
}

impl AsRef<[u8]> for ReceivedPiece {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

// SAFETY: ZR1: the memory is this piece's alone and stays where it is, also when this moves; its
// length changes only by what takes `&mut self`.
unsafe impl IoBuf for ReceivedPiece {
    fn bytes_ptr(&self) -> *const u8 {
        self.data()
    }

    fn bytes_len(&self) -> usize {
        self.length()
    }
}

impl fmt::Debug for ReceivedPiece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReceivedPiece").field("length", &self.length()).finish_non_exhaustive()
    }
}

impl Drop for ReceivedPiece {
    fn drop(&mut self) {
        // SAFETY: ZR1: it is this one's, whose end this is.
        unsafe { self.queue.give_back(self.place) };
    }
}
