//! [`ReadRanges`]: from a file into several ranges of one buffer.
#![allow(unsafe_code)]

use std::ops::Range;

use crate::buf::{BufResult, IoBufMut, IoVecs, Ranges};
use crate::event::Event;
use crate::event::transfer::{Faults, Position, sent};
use crate::fd::SharedFd;
use crate::opcode;
use crate::outcome::Outcome;
use crate::sqe::{Sqe, Sqes};

/// Reads from a file into several ranges of one buffer, one after the other.
///
/// Yields the number of bytes read and the buffer. The ranges count from the buffer's start, and
/// lie in what the buffer *holds*: what of them lies beyond takes no part. The buffer holds as much
/// as before afterwards, and only what was read into the ranges is new. Zero means the end of the
/// file, or that the ranges are empty. The first [`BUFFERS_MAX`](crate::buf::BUFFERS_MAX) ranges
/// take part. Of ranges that overlap, what they have in common is some of what was read.
///
/// For a buffer that is registered with the ring it spares the kernel looking up the pages of each
/// range; [`ReadVectored`](super::ReadVectored) takes several buffers, and none of them as a
/// registered one.
///
/// # Examples
///
/// ```
/// use std::fs::File;
/// use std::os::fd::OwnedFd;
/// use ringbahn_core::event::{Position, ReadRanges};
///
/// let file = OwnedFd::from(File::open("/dev/zero")?);
/// // A head of 4 bytes to the end, and a body of 8 to the beginning.
/// let read = ReadRanges::new(file, vec![1; 12], vec![8..12, 0..8], Position::At(0));
/// # drop(read);
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
///
/// Those of `preadv(2)`: `IsADirectory`, `InvalidInput` for a position beyond `i64::MAX`, …
///
/// # Cancellation
///
/// As for [`Read`](crate::event::Read).
///
/// # Kernel
///
/// Linux 5.1. The buffer, what describes its ranges, and the file are the event's until completion.
/// Of a registered buffer the ring takes the ranges as such from Linux 6.15 on (`READV_FIXED`), and
/// as ordinary memory before; so do other rings, and what stands in for one.
///
/// # References
///
/// [`preadv(2)`](https://man7.org/linux/man-pages/man2/preadv.2.html)
#[doc(alias = "IORING_OP_READV_FIXED")]
#[derive(Debug)]
pub struct ReadRanges<B> {
    file: SharedFd,
    buffer: B,
    ranges: Ranges,
    vectors: IoVecs,
    position: Position,
    faults: Faults,
}

impl<B: IoBufMut> ReadRanges<B> {
    /// A read from `file` at `position` into these `ranges` of `buffer`, in bytes.
    ///
    /// # Panics
    ///
    /// Panics where a range begins behind its end.
    pub fn new(
        file: impl Into<SharedFd>,
        buffer: B,
        ranges: Vec<Range<usize>>,
        position: Position,
    ) -> ReadRanges<B> {
        ReadRanges {
            file: file.into(),
            buffer,
            ranges: Ranges::new(ranges),
            vectors: IoVecs::default(),
            position,
            faults: Faults::default(),
        }
    }
}

impl<B: IoBufMut> Event for ReadRanges<B> {
    type Output = BufResult<usize, B>;

    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        let held = self.buffer.bytes_len();
        // The kernel takes no empty list of ranges of a registered buffer.
        let registration =
            self.buffer.registration().filter(|_| self.ranges.within(held).count() > 0);
        // B2: what the buffer holds is the beginning of its target, so the ranges are initialised,
        // and remain so whatever of them is read into.
        self.vectors.describe_ranges(self.buffer.target_ptr(), held, &self.ranges);
        // SAFETY: S1 by E1 and B1: the buffer and the vectors are the event's; E2.
        let entry = unsafe { Sqe::new(opcode::READV) };
        let entry = entry.file(&self.file).offset(self.position.offset());
        let entry = entry.address(self.vectors.as_ptr()).length(self.vectors.count());
        sqes.push_with(entry, registration);
    }

    fn complete(self, outcome: Outcome<'_, Self>) -> BufResult<usize, B> {
        (sent(outcome, self.vectors.bytes()), self.buffer)
    }

    fn resubmit(&mut self, outcome: &Outcome<'_, Self>) -> bool {
        outcome.has_not_run() || self.faults.is_first(outcome)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::buf::{BUFFERS_MAX, IoBuf};
    use crate::event::testing::{complete, entry, shared_null};

    #[test]
    fn only_what_the_buffer_holds_is_read_into() {
        let mut buffer = Vec::with_capacity(64);
        buffer.extend_from_slice(b"0123456789");
        let ranges = vec![8..20, 3..3, 0..2, 12..14];
        let mut read = ReadRanges::new(shared_null(), buffer, ranges, Position::At(0));
        assert_eq!(entry(&mut read).get_length(), 2);
        assert_eq!(read.vectors.bytes(), 4);
        let (result, buffer) = complete(read, 3);
        assert_eq!((result.unwrap(), &buffer[..]), (3, &b"0123456789"[..]));

        let empty = Vec::<u8>::with_capacity(8);
        let mut read =
            ReadRanges::new(shared_null(), empty, vec![0..usize::MAX, 2..4], Position::Current);
        assert_eq!(entry(&mut read).get_length(), 0);
        assert_eq!(complete(read, 0).0.unwrap(), 0);
    }

    #[test]
    fn ranges_of_a_slice_count_from_its_start() {
        let slice = b"0123456789".to_vec().slice(4..8);
        let mut read = ReadRanges::new(shared_null(), slice, vec![2..9, 4..5], Position::Current);
        let entry = entry(&mut read);
        assert_eq!((entry.get_length(), read.vectors.bytes()), (1, 2));
        assert_eq!(complete(read, 2).1.into_inner(), b"0123456789");
    }

    #[test]
    fn more_ranges_than_the_kernel_takes_are_a_short_read() {
        let ranges = vec![0..1; BUFFERS_MAX + 1];
        let mut read = ReadRanges::new(shared_null(), [0; 1], ranges, Position::Current);
        assert_eq!(entry(&mut read).get_length() as usize, BUFFERS_MAX);
    }

    #[test]
    fn an_error_leaves_the_buffer_as_it_was() {
        for errno in [libc::EIO, libc::ECANCELED, 512] {
            let mut read =
                ReadRanges::new(shared_null(), vec![1, 2], vec![1..2, 0..1], Position::Current);
            entry(&mut read);
            let (result, buffer) = complete(read, -errno);
            assert!(result.is_err());
            assert_eq!(buffer, [1, 2]);
        }
    }
}
