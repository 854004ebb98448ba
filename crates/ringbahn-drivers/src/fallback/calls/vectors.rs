//! The buffers of an entry, without what has been transferred of them.
//!
//! # Safety
//!
//! V1. An entry of a vectored transfer names so many `iovec`s as it says, and each names memory of
//!     its length; one with a single buffer names that. All of it is valid until the terminal CQE
//!     (`S1` of `ringbahn_core::Sqe`).
#![allow(unsafe_code)]

use libc::iovec;

use crate::fallback::opcodes::VECTORS_MAX;

/// The most bytes that a call transfers (`MAX_RW_COUNT`), and so an operation.
pub(super) const BYTES_MAX: usize = 0x7fff_f000;

/// The buffers of an entry that are still to be filled or emptied.
pub(super) enum Vectors {
    One(iovec),
    Several(Vec<iovec>),
}

impl Vectors {
    /// One buffer, without its first `done` bytes, of which there are so many.
    pub(super) fn one(base: *mut libc::c_void, length: usize, done: usize) -> Vectors {
        let length = length.min(BYTES_MAX);
        // SAFETY: V1; `done` bytes of it have been transferred, so it has as many.
        let base = unsafe { base.byte_add(done) };
        Vectors::One(iovec { iov_base: base, iov_len: length - done })
    }

    /// `count` buffers without their first `done` bytes. `None` where the call would refuse them.
    pub(super) fn several(first: *const iovec, count: usize, mut done: usize) -> Option<Vectors> {
        if count > VECTORS_MAX as usize {
            return None;
        }
        let mut vectors = Vec::with_capacity(count);
        let mut room = BYTES_MAX;
        for n in 0..count {
            // SAFETY: V1; the entry names `count` of them.
            let vector = unsafe { first.add(n) };
            // SAFETY: V1, as above.
            let iovec { iov_base, iov_len } = unsafe { vector.read() };
            let iov_len = iov_len.min(room);
            room -= iov_len;
            let skipped = done.min(iov_len);
            done -= skipped;
            // SAFETY: V1; the buffer has `iov_len` bytes, which are no fewer.
            let iov_base = unsafe { iov_base.byte_add(skipped) };
            vectors.push(iovec { iov_base, iov_len: iov_len - skipped });
        }
        Some(Vectors::Several(vectors))
    }

    pub(super) fn as_slice(&self) -> &[iovec] {
        match self {
            Vectors::One(vector) => std::slice::from_ref(vector),
            Vectors::Several(vectors) => vectors,
        }
    }

    /// How many bytes there are.
    pub(super) fn len(&self) -> usize {
        self.as_slice().iter().fold(0, |sum, vector| sum.saturating_add(vector.iov_len))
    }
}
