//! Buffers of a fixed length: `Box<[u8]>` and `[u8; N]`.
#![allow(unsafe_code)]

use super::{IoBuf, IoBufMut};

// SAFETY: B1, B2: the box owns its memory, which changes only through `&mut`.
unsafe impl IoBuf for Box<[u8]> {
    fn bytes_ptr(&self) -> *const u8 {
        self.as_ptr()
    }

    fn bytes_len(&self) -> usize {
        self.len()
    }
}

// SAFETY: B1, B2: the target is all of the box, and always initialised.
unsafe impl IoBufMut for Box<[u8]> {
    fn target_ptr(&mut self) -> *mut u8 {
        self.as_mut_ptr()
    }

    fn target_len(&self) -> usize {
        self.len()
    }

    unsafe fn set_filled(&mut self, _count: usize) {}
}

// SAFETY: B1: the array lies in the event, and the pointer is good until the event moves. B2.
unsafe impl<const N: usize> IoBuf for [u8; N] {
    fn bytes_ptr(&self) -> *const u8 {
        self.as_ptr()
    }

    fn bytes_len(&self) -> usize {
        N
    }
}

// SAFETY: B1, B2: the target is all of the array, and always initialised.
unsafe impl<const N: usize> IoBufMut for [u8; N] {
    fn target_ptr(&mut self) -> *mut u8 {
        self.as_mut_ptr()
    }

    fn target_len(&self) -> usize {
        N
    }

    unsafe fn set_filled(&mut self, _count: usize) {}
}
