//! Owned buffers: what an event may give to the kernel, and how it comes back.
//!
//! An operation in flight owns its buffer, so there is no `&mut [u8]` here: a buffer goes in by
//! value and comes back with the result.
//!
//! | buffer | may be sent ([`IoBuf`]) | may be read into ([`IoBufMut`]) | after a read of `n` bytes |
//! |---|---|---|---|
//! | `Vec<u8>`, `BytesMut`¹ | what it holds | up to its capacity | holds exactly these `n` |
//! | `Box<[u8]>`, `[u8; N]` | all of it | all of it | keeps its length; the first `n` are new |
//! | `String`, `Arc<[u8]>`, `Arc<Vec<u8>>`, `Bytes`¹ | what it holds | no | – |
//! | `&'static [u8]`, `&'static str` | what it refers to | no | – |
//! | [`AlignedBuffer`], for `O_DIRECT` | what it holds | up to its capacity | holds exactly these `n` |
//! | [`Slice<B>`] | a range of `B` | a range of `B` | `B` as above, counted from its start |
//!
//! ¹ with the feature `bytes`
//!
//! A read always fills from the start of the buffer; to append, read into its
//! [`spare_capacity`](IoBufMut::spare_capacity).
//!
//! Where an operation fails, the buffer comes back as it was. One operation moves at most
//! 0x7fff_f000 bytes and 1024 buffers, the kernel's own limits; of more, it moves the first ones
//! and reports a short count, as std does.
//!
//! # Safety
//!
//! What the traits promise, and events build on:
//!
//! B1. A pointer got from a buffer is valid (for reads of its bytes, or writes of its target)
//!     until the buffer is touched, moved or dropped. Nothing but its owner can make it invalid.
//!
//! B2. The lengths stay the same while the buffer is not touched, moving it included. The bytes
//!     are initialised, and are the beginning of the target.
//!
//! B3. [`IoBufMut::set_filled`] is called only when as many bytes at the target's start are
//!     initialised, and no more than fit.
//!
//! B4. Where a buffer says that it is registered, all of its target and of its bytes lies in what
//!     the ring has under that index, until the buffer is dropped.
//!
//! B5. An [`IoBufs`] gives out the same buffers each time, and they are touched only through it.
#![allow(unsafe_code)]

mod aligned;
mod direct_io;
mod either;
mod fixed;
mod growable;
mod ranges;
mod readable;
mod registration;
mod result;
mod slice;
mod vectored;

pub use aligned::AlignedBuffer;
pub use direct_io::{DirectIo, Misaligned};
pub use either::EitherBuffer;
pub(crate) use ranges::Ranges;
pub use registration::Registration;
pub use result::{BufError, BufResult, BufResultExt};
pub use slice::Slice;
pub(crate) use vectored::IoVecs;
pub use vectored::{BUFFERS_MAX, IoBufs};

use std::ops::RangeBounds;

/// The most bytes that one operation moves: the kernel's `MAX_RW_COUNT` with pages of 4 KiB.
pub const TRANSFER_MAX: u32 = 0x7fff_f000;

/// The length to ask for: `length` bytes, or as many as one operation can move.
#[inline]
pub(crate) fn entry_length(length: usize) -> u32 {
    u32::try_from(length).map_or(TRANSFER_MAX, |length| length.min(TRANSFER_MAX))
}

/// An owned buffer whose bytes may be sent or written.
///
/// *Bytes* are what the buffer holds, all initialised; they are what an operation sends. What an
/// operation may overwrite is the *target* of [`IoBufMut`].
///
/// # Examples
///
/// ```
/// use ringbahn_core::IoBuf;
///
/// assert_eq!("hello".bytes_len(), 5);
/// assert_eq!(Vec::<u8>::with_capacity(64).bytes_len(), 0);
/// ```
///
/// # Safety
///
/// - `bytes_ptr` is valid for reads of `bytes_len` initialised bytes, which nobody changes, until
///   the buffer is touched through `&mut`, moved or dropped. It need not survive a move: events
///   stay where they are while in flight, so even an inline array is fine.
/// - `bytes_len` answers the same until the buffer is touched through `&mut`, also after a move.
/// - Where `registration` names a ring, that ring has the memory of the bytes, and of the target
///   of an [`IoBufMut`], under that index until the buffer is dropped.
pub unsafe trait IoBuf: Send + 'static {
    /// Where the bytes are.
    fn bytes_ptr(&self) -> *const u8;

    /// How many bytes the buffer holds.
    fn bytes_len(&self) -> usize;

    /// Where the buffer's memory is registered with a ring, as that of most buffers is not.
    ///
    /// Operations on that ring then use the registration by themselves, and those on other rings
    /// do without.
    fn registration(&self) -> Option<Registration> {
        None
    }

    /// The bytes.
    ///
    /// # Examples
    ///
    /// ```
    /// use ringbahn_core::IoBuf;
    ///
    /// assert_eq!(IoBuf::as_bytes(&[1, 2]), [1, 2]);
    /// ```
    fn as_bytes(&self) -> &[u8] {
        let (bytes, length) = (self.bytes_ptr(), self.bytes_len());
        if length == 0 {
            // An empty buffer may have no place at all.
            return &[];
        }
        // SAFETY: B1, B2: so many initialised bytes, which nobody changes while `self` is borrowed.
        unsafe { std::slice::from_raw_parts(bytes, length) }
    }

    /// The part of the buffer in `range` (bytes, counted from its start), as a buffer.
    ///
    /// The range may go beyond what the buffer holds, and beyond what it can hold: see [`Slice`].
    ///
    /// `Bytes` has a method of this name, which makes a `Bytes` that shares the memory. Where this
    /// trait is imported `bytes.slice(…)` is the one here; write `Bytes::slice(&bytes, …)` for the
    /// other.
    ///
    /// # Examples
    ///
    /// ```
    /// use ringbahn_core::IoBuf;
    ///
    /// let part = b"hello world".slice(6..);
    /// assert_eq!(&*part, b"world");
    /// ```
    ///
    /// # Panics
    ///
    /// Panics where the range begins behind its end.
    fn slice(self, range: impl RangeBounds<usize>) -> Slice<Self>
    where
        Self: Sized,
    {
        Slice::new(self, range)
    }
}

/// An owned buffer that may be read into.
///
/// Its *target* is what a read may overwrite: of a growable buffer the capacity, of a fixed one
/// all of it. The buffer's [bytes](IoBuf) are the beginning of its target.
///
/// # Examples
///
/// ```
/// use ringbahn_core::IoBufMut;
///
/// let mut buffer = vec![1, 2, 3];
/// assert!(buffer.target_len() >= 3);
/// // What an event does after it has read two bytes:
/// // SAFETY: the first two bytes are initialised.
/// unsafe { buffer.set_filled(2) };
/// assert_eq!(buffer, [1, 2]);
/// ```
///
/// # Safety
///
/// - `target_ptr` is valid for reads and writes of `target_len` bytes until the buffer is touched
///   again, moved or dropped; nobody else has access to them.
/// - `target_len` answers the same until `set_filled` or other code touches the buffer through
///   `&mut`, also after a move. `target_ptr` and `set_filled` leave it as it is.
/// - `bytes_len` is at most `target_len`, and the bytes, if there are any, are those at
///   `target_ptr`.
/// - After `set_filled` the bytes handed out by [`IoBuf`] are initialised.
pub unsafe trait IoBufMut: IoBuf {
    /// Where a read begins to fill.
    fn target_ptr(&mut self) -> *mut u8;

    /// How many bytes a read may fill.
    fn target_len(&self) -> usize;

    /// Takes note that a read has filled the first `count` bytes of the target.
    ///
    /// A growable buffer then holds exactly these, and keeps its capacity; a fixed one does
    /// nothing.
    ///
    /// # Safety
    ///
    /// `count` is at most `target_len`, and the first `count` bytes at `target_ptr` are
    /// initialised.
    unsafe fn set_filled(&mut self, count: usize);

    /// The room behind what the buffer holds, as a buffer: a read into it appends.
    ///
    /// There is no more room than that, so see that there is enough. A buffer of a fixed length
    /// has none.
    ///
    /// # Examples
    ///
    /// ```
    /// use ringbahn_core::IoBufMut;
    ///
    /// let mut greeting = Vec::with_capacity(64);
    /// greeting.extend_from_slice(b"hello ");
    /// let mut rest = greeting.spare_capacity();
    /// // As a read would:
    /// rest.fill_from(b"world");
    /// assert_eq!(rest.into_inner(), b"hello world");
    /// ```
    fn spare_capacity(self) -> Slice<Self>
    where
        Self: Sized,
    {
        let end = self.bytes_len();
        self.slice(end..)
    }

    /// Fills the buffer with `bytes` as a read would, or with as many of them as fit, and yields
    /// how many these are.
    ///
    /// # Examples
    ///
    /// ```
    /// use ringbahn_core::IoBufMut;
    ///
    /// let mut buffer = [0; 4];
    /// assert_eq!(buffer.fill_from(b"hello"), 4);
    /// assert_eq!(&buffer, b"hell");
    /// ```
    fn fill_from(&mut self, bytes: &[u8]) -> usize {
        let count = bytes.len().min(self.target_len());
        // SAFETY: B1: the target has room for `count` bytes, and nobody else has access to it.
        unsafe { self.target_ptr().copy_from_nonoverlapping(bytes.as_ptr(), count) };
        // SAFETY: B3: as many bytes have just been written.
        unsafe { self.set_filled(count) };
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_is_capped_to_what_the_kernel_moves_at_once() {
        assert_eq!(entry_length(0), 0);
        assert_eq!(entry_length(0x7fff_f000), TRANSFER_MAX);
        for more in [0x7fff_f001, 1 << 31, u32::MAX as usize, 1 << 32, usize::MAX] {
            assert_eq!(entry_length(more), TRANSFER_MAX);
        }
    }
}
