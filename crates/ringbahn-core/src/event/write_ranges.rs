//! [`WriteRanges`]: from several ranges of one buffer into a file.
#![allow(unsafe_code)]

use std::ops::Range;

use crate::buf::{BufResult, IoBuf, IoVecs, Ranges};
use crate::event::Event;
use crate::event::transfer::{Position, sent};
use crate::fd::SharedFd;
use crate::opcode;
use crate::outcome::Outcome;
use crate::sqe::{Sqe, Sqes};

/// Writes several ranges of one buffer to a file, one after the other.
///
/// Yields the number of bytes written, which may be fewer than the ranges have, and the buffer. The
/// ranges count from the buffer's start; what of them lies beyond what the buffer holds takes no
/// part. The first [`BUFFERS_MAX`](crate::buf::BUFFERS_MAX) ranges take part.
///
/// For a buffer that is registered with the ring it spares the kernel looking up the pages of each
/// range; [`WriteVectored`](super::WriteVectored) takes several buffers, and none of them as a
/// registered one.
///
/// # Errors
///
/// Those of `pwritev(2)`: `StorageFull`, `BrokenPipe`, …
///
/// # Cancellation
///
/// As for [`Write`](crate::event::Write).
///
/// # Kernel
///
/// Linux 5.1. The buffer, what describes its ranges, and the file are the event's until completion.
/// Of a registered buffer the ring takes the ranges as such from Linux 6.15 on (`WRITEV_FIXED`),
/// and as ordinary memory before; so do other rings, and what stands in for one.
///
/// # References
///
/// [`pwritev(2)`](https://man7.org/linux/man-pages/man2/pwritev.2.html)
#[doc(alias = "IORING_OP_WRITEV_FIXED")]
#[derive(Debug)]
pub struct WriteRanges<B> {
    file: SharedFd,
    buffer: B,
    ranges: Ranges,
    vectors: IoVecs,
    position: Position,
}

impl<B: IoBuf> WriteRanges<B> {
    /// A write of these `ranges` of `buffer`, in bytes, to `file` at `position`.
    ///
    /// # Panics
    ///
    /// Panics where a range begins behind its end.
    pub fn new(
        file: impl Into<SharedFd>,
        buffer: B,
        ranges: Vec<Range<usize>>,
        position: Position,
    ) -> WriteRanges<B> {
        let (file, ranges) = (file.into(), Ranges::new(ranges));
        WriteRanges { file, buffer, ranges, vectors: IoVecs::default(), position }
    }
}

impl<B: IoBuf> Event for WriteRanges<B> {
    type Output = BufResult<usize, B>;

    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        let held = self.buffer.bytes_len();
        // The kernel takes no empty list of ranges of a registered buffer.
        let registration =
            self.buffer.registration().filter(|_| self.ranges.within(held).count() > 0);
        self.vectors.describe_ranges(self.buffer.bytes_ptr().cast_mut(), held, &self.ranges);
        // SAFETY: S1 by E1 and B1: the buffer and the vectors are the event's; E2.
        let entry = unsafe { Sqe::new(opcode::WRITEV) };
        let entry = entry.file(&self.file).offset(self.position.offset());
        let entry = entry.address(self.vectors.as_ptr()).length(self.vectors.count());
        sqes.push_with(entry, registration);
    }

    fn complete(self, outcome: Outcome<'_, Self>) -> BufResult<usize, B> {
        (sent(outcome, self.vectors.bytes()), self.buffer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::testing::{complete, entry, shared_null};

    #[test]
    fn only_what_the_buffer_holds_is_written() {
        let ranges = vec![3..9, 0..1, 7..8];
        let mut write = WriteRanges::new(shared_null(), "hello", ranges, Position::Current);
        assert_eq!(entry(&mut write).get_length(), 2);
        let (result, buffer) = complete(write, 3);
        assert_eq!((result.unwrap(), buffer), (3, "hello"));
    }

    #[test]
    fn the_buffer_comes_back_whatever_happened() {
        for (result, count) in [(2, Some(2)), (0, Some(0)), (-28, None), (-125, None), (-512, None)]
        {
            let mut write =
                WriteRanges::new(shared_null(), "hello", vec![0..1, 4..5], Position::Current);
            entry(&mut write);
            let (written, buffer) = complete(write, result);
            assert_eq!((written.ok(), buffer), (count, "hello"));
        }
    }
}
