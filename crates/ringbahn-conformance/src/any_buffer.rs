//! [`AnyBuffer`]: a buffer that is registered with a driver's ring, of whatever type.
//!
//! # Safety
//!
//! AB1. The methods of the buffer within are passed on as they are. It lies in a box, and so is not
//!      even moved where this one is; nobody else has it.
#![allow(unsafe_code)]

use std::fmt;

use ringbahn_core::{IoBuf, IoBufMut, Registration};

/// A buffer that is registered with a driver's ring.
pub(crate) struct AnyBuffer(Box<dyn IoBufMut>);

impl AnyBuffer {
    pub(crate) fn new(buffer: Box<dyn IoBufMut>) -> AnyBuffer {
        AnyBuffer(buffer)
    }
}

// SAFETY: AB1: what is promised of the buffer within is true of this one.
unsafe impl IoBuf for AnyBuffer {
    fn bytes_ptr(&self) -> *const u8 {
        self.0.bytes_ptr()
    }

    fn bytes_len(&self) -> usize {
        self.0.bytes_len()
    }

    fn registration(&self) -> Option<Registration> {
        self.0.registration()
    }
}

// SAFETY: AB1, as above.
unsafe impl IoBufMut for AnyBuffer {
    fn target_ptr(&mut self) -> *mut u8 {
        self.0.target_ptr()
    }

    fn target_len(&self) -> usize {
        self.0.target_len()
    }

    unsafe fn set_filled(&mut self, count: usize) {
        // SAFETY: AB1; our caller has promised what the buffer within asks of its own.
        unsafe { self.0.set_filled(count) };
    }
}

impl fmt::Debug for AnyBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnyBuffer").field("length", &self.bytes_len()).finish_non_exhaustive()
    }
}
