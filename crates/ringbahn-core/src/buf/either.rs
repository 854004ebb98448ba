//! [`EitherBuffer`]: one of two kinds of buffers, chosen while the program runs.
#![allow(unsafe_code)]

use super::{IoBuf, IoBufMut, Registration};

/// A buffer of one of two kinds: for events whose buffers come from a pool, or from the heap where
/// the pool is empty.
///
/// ```
/// use ringbahn_core::{AlignedBuffer, EitherBuffer, IoBuf};
///
/// let mut pool = vec![AlignedBuffer::new(4096, 4096)];
/// let mut take = || pool.pop().map_or(EitherBuffer::Second(Vec::new()), EitherBuffer::First);
/// let (first, second) = (take(), take());
/// assert!(matches!((&first, &second), (EitherBuffer::First(_), EitherBuffer::Second(_))));
/// assert_eq!((first.as_bytes(), second.as_bytes()), (&b""[..], &b""[..]));
/// ```
#[derive(Clone, Debug)]
pub enum EitherBuffer<A, B> {
    /// One of the first kind.
    First(A),
    /// One of the second kind.
    Second(B),
}

// SAFETY: B1, B2, B4: what the buffer within promises.
unsafe impl<A: IoBuf, B: IoBuf> IoBuf for EitherBuffer<A, B> {
    fn bytes_ptr(&self) -> *const u8 {
        match self {
            EitherBuffer::First(buffer) => buffer.bytes_ptr(),
            EitherBuffer::Second(buffer) => buffer.bytes_ptr(),
        }
    }

    fn bytes_len(&self) -> usize {
        match self {
            EitherBuffer::First(buffer) => buffer.bytes_len(),
            EitherBuffer::Second(buffer) => buffer.bytes_len(),
        }
    }

    fn registration(&self) -> Option<Registration> {
        match self {
            EitherBuffer::First(buffer) => buffer.registration(),
            EitherBuffer::Second(buffer) => buffer.registration(),
        }
    }
}

// SAFETY: B1, B2: what the buffer within promises; its kind does not change.
unsafe impl<A: IoBufMut, B: IoBufMut> IoBufMut for EitherBuffer<A, B> {
    fn target_ptr(&mut self) -> *mut u8 {
        match self {
            EitherBuffer::First(buffer) => buffer.target_ptr(),
            EitherBuffer::Second(buffer) => buffer.target_ptr(),
        }
    }

    fn target_len(&self) -> usize {
        match self {
            EitherBuffer::First(buffer) => buffer.target_len(),
            EitherBuffer::Second(buffer) => buffer.target_len(),
        }
    }

    unsafe fn set_filled(&mut self, count: usize) {
        match self {
            // SAFETY: B3: by the contract of this method, of the buffer within.
            EitherBuffer::First(buffer) => unsafe { buffer.set_filled(count) },
            // SAFETY: B3: by the contract of this method, of the buffer within.
            EitherBuffer::Second(buffer) => unsafe { buffer.set_filled(count) },
        }
    }
}
