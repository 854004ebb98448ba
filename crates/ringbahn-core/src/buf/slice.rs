//! [`Slice`]: a range of an owned buffer, itself an owned buffer.
#![allow(unsafe_code)]

use std::ops::{Bound, Deref, RangeBounds};

use super::{IoBuf, IoBufMut, Registration};

/// A range of an owned buffer, itself an owned buffer.
///
/// Made by [`IoBuf::slice`]. The range counts from the start of the buffer and may reach beyond
/// what is there; nothing panics for it:
///
/// - Sent, a slice has those bytes of its range that the buffer holds.
/// - Read into, it takes those bytes of its range for which the buffer has room. Afterwards a
///   growable buffer ends where the read ended: it holds `begin + n` bytes. Where it held less
///   than `begin` before, the gap is filled with zeroes, so nothing uninitialised is seen.
///
/// # Examples
///
/// ```
/// use ringbahn_core::{IoBuf, IoBufMut};
///
/// let mut slice = Vec::with_capacity(64).slice(2..);
/// assert_eq!((slice.bytes_len(), slice.target_len()), (0, 62));
/// // What an event does after it has read nothing:
/// // SAFETY: no bytes are claimed to be initialised.
/// unsafe { slice.set_filled(0) };
/// assert_eq!(slice.into_inner(), [0, 0]);
/// ```
///
/// Slices nest, and a range of a slice counts from the slice's start:
///
/// ```
/// use ringbahn_core::IoBuf;
///
/// let inner = b"hello world".slice(6..).slice(..3);
/// assert_eq!(&*inner, b"wor");
/// ```
#[derive(Clone, Debug)]
pub struct Slice<B> {
    buffer: B,
    begin: usize,
    end: usize,
}

impl<B: IoBuf> Slice<B> {
    pub(super) fn new(buffer: B, range: impl RangeBounds<usize>) -> Slice<B> {
        let begin = match range.start_bound() {
            Bound::Included(&begin) => begin,
            Bound::Excluded(&before) => before.saturating_add(1),
            Bound::Unbounded => 0,
        };
        let end = match range.end_bound() {
            Bound::Included(&last) => last.saturating_add(1),
            Bound::Excluded(&end) => end,
            Bound::Unbounded => usize::MAX,
        };
        assert!(begin <= end, "a slice begins at {begin}, behind its end at {end}");
        Slice { buffer, begin, end }
    }

    /// Where the range begins, in bytes from the start of the buffer.
    pub fn begin(&self) -> usize {
        self.begin
    }

    /// Where the range ends, in bytes from the start of the buffer; `usize::MAX` where it has no
    /// end.
    pub fn end(&self) -> usize {
        self.end
    }

    /// The whole buffer.
    pub fn get_ref(&self) -> &B {
        &self.buffer
    }

    /// The whole buffer back.
    pub fn into_inner(self) -> B {
        self.buffer
    }
}

/// Where a range from `begin` to `end` lies in something of `length` bytes: its start and length.
fn clamp(begin: usize, end: usize, length: usize) -> (usize, usize) {
    let begin = begin.min(length);
    (begin, end.min(length) - begin)
}

// SAFETY: B1, B2: a part of the inner buffer's bytes, which are as the contract wants them.
unsafe impl<B: IoBuf> IoBuf for Slice<B> {
    fn registration(&self) -> Option<Registration> {
        self.buffer.registration()
    }

    fn bytes_ptr(&self) -> *const u8 {
        let (begin, _) = clamp(self.begin, self.end, self.buffer.bytes_len());
        // SAFETY: B1: `begin` is not beyond the inner buffer's bytes.
        unsafe { self.buffer.bytes_ptr().add(begin) }
    }

    fn bytes_len(&self) -> usize {
        clamp(self.begin, self.end, self.buffer.bytes_len()).1
    }
}

// SAFETY: B1, B2: a part of the inner buffer's target. The bytes are its beginning: both start at
// `begin` where the inner buffer has bytes there, and elsewhere there are none.
unsafe impl<B: IoBufMut> IoBufMut for Slice<B> {
    fn target_ptr(&mut self) -> *mut u8 {
        let (begin, _) = clamp(self.begin, self.end, self.buffer.target_len());
        // SAFETY: B1: `begin` is not beyond the inner buffer's target.
        unsafe { self.buffer.target_ptr().add(begin) }
    }

    fn target_len(&self) -> usize {
        clamp(self.begin, self.end, self.buffer.target_len()).1
    }

    unsafe fn set_filled(&mut self, count: usize) {
        let (begin, _) = clamp(self.begin, self.end, self.buffer.target_len());
        let held = self.buffer.bytes_len();
        if held < begin {
            // SAFETY: B2: the bytes held are within the target.
            let gap = unsafe { self.buffer.target_ptr().add(held) };
            // SAFETY: B1: `begin` is not beyond the target.
            unsafe { gap.write_bytes(0, begin - held) };
        }
        // SAFETY: B3: everything up to `begin` is initialised: it was, or has just been zeroed;
        // the `count` bytes behind it are by the contract of this method.
        unsafe { self.buffer.set_filled(begin + count) };
    }
}

/// The bytes of the range that the buffer holds.
impl<B: IoBuf> Deref for Slice<B> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: B1: the bytes are initialised, and the borrow keeps them untouched.
        unsafe { std::slice::from_raw_parts(self.bytes_ptr(), self.bytes_len()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_into<B: IoBufMut>(buffer: &mut B, data: &[u8]) {
        let count = data.len().min(buffer.target_len());
        let target = buffer.target_ptr();
        // SAFETY: B1: the target has room for `count`.
        unsafe { target.copy_from_nonoverlapping(data.as_ptr(), count) };
        // SAFETY: B3: as many bytes have just been written.
        unsafe { buffer.set_filled(count) };
    }

    #[test]
    fn a_read_behind_the_initialised_part_zeroes_the_gap() {
        let mut slice = Vec::with_capacity(64).slice(5..);
        assert_eq!(slice.len(), 0);
        read_into(&mut slice, b"abc");
        assert_eq!(&*slice, b"abc");
        assert_eq!(slice.into_inner(), b"\0\0\0\0\0abc");
    }

    #[test]
    fn a_read_behind_an_initialised_prefix_keeps_the_prefix() {
        let mut buffer = Vec::with_capacity(64);
        buffer.extend_from_slice(b"hello");
        let mut slice = buffer.slice(5..);
        read_into(&mut slice, b", world");
        assert_eq!(slice.into_inner(), b"hello, world");
    }

    #[test]
    fn a_short_read_ends_a_growable_buffer_and_not_a_fixed_one() {
        let mut slice = b"0123456789".to_vec().slice(2..8);
        read_into(&mut slice, b"ab");
        assert_eq!(slice.into_inner(), b"01ab");

        let mut slice = (*b"0123456789").slice(2..8);
        read_into(&mut slice, b"ab");
        assert_eq!(&*slice, b"ab4567");
        assert_eq!(slice.into_inner(), *b"01ab456789");
    }

    #[test]
    fn a_slice_takes_no_more_than_its_range() {
        let mut slice = vec![0; 10].slice(..=3);
        read_into(&mut slice, b"abcdefgh");
        assert_eq!(slice.into_inner(), b"abcd");
    }

    #[test]
    fn a_slice_of_a_slice_zeroes_both_gaps() {
        let mut slice = Vec::with_capacity(16).slice(2..).slice(3..5);
        read_into(&mut slice, b"abcdef");
        assert_eq!(slice.into_inner().into_inner(), b"\0\0\0\0\0ab");
    }

    #[test]
    fn a_range_beyond_everything_is_empty() {
        let mut slice = (*b"0123").slice(7..9);
        assert_eq!((slice.bytes_len(), slice.target_len()), (0, 0));
        read_into(&mut slice, b"abc");
        assert_eq!(slice.into_inner(), *b"0123");
        assert_eq!("abc".slice(usize::MAX..).len(), 0);
        assert_eq!("abc".slice(..=usize::MAX).len(), 3);
    }

    #[test]
    #[should_panic(expected = "behind its end")]
    fn a_range_that_ends_before_it_begins_is_refused() {
        #[allow(clippy::reversed_empty_ranges, reason = "it is the point of the test")]
        let _ = "abc".slice(3..2);
    }
}
