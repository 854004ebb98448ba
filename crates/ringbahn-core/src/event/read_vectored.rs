//! [`ReadVectored`]: from a file into several buffers.
#![allow(unsafe_code)]

use crate::buf::{BufResult, IoBufMut, IoBufs, IoVecs};
use crate::event::Event;
use crate::event::transfer::{Faults, Position, sent};
use crate::fd::SharedFd;
use crate::opcode;
use crate::operation::repeats::Repeats;
use crate::outcome::Outcome;
use crate::sqe::{Sqe, Sqes};

/// Reads from a file into several buffers, one after the other.
///
/// Yields the number of bytes read and the buffers. Zero means the end of the file, or that the
/// buffers have no room. The first [`BUFFERS_MAX`](crate::buf::BUFFERS_MAX) buffers take part.
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
/// Linux 5.1. The buffers, what describes them, and the file are the event's until completion.
///
/// # References
///
/// [`preadv(2)`](https://man7.org/linux/man-pages/man2/preadv.2.html)
#[doc(alias = "IORING_OP_READV")]
#[derive(Debug)]
pub struct ReadVectored<V> {
    file: SharedFd,
    buffers: V,
    vectors: IoVecs,
    position: Position,
    faults: Faults,
}

impl<V: IoBufs<Buffer: IoBufMut>> ReadVectored<V> {
    /// A read from `file` at `position` into `buffers`.
    pub fn new(file: impl Into<SharedFd>, buffers: V, position: Position) -> ReadVectored<V> {
        ReadVectored {
            file: file.into(),
            buffers,
            vectors: IoVecs::default(),
            position,
            faults: Faults::default(),
        }
    }
}

impl<V: IoBufs<Buffer: IoBufMut>> Event for ReadVectored<V> {
    type Output = BufResult<usize, V>;

    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        self.vectors.describe_targets(&mut self.buffers);
        // SAFETY: S1 by E1 and B1: the buffers and the vectors are the event's; E2.
        let entry = unsafe { Sqe::new(opcode::READV) };
        let entry = entry.file(&self.file).offset(self.position.offset());
        sqes.push(entry.address(self.vectors.as_ptr()).length(self.vectors.count()));
    }

    fn complete(mut self, outcome: Outcome<'_, Self>) -> BufResult<usize, V> {
        let result = sent(outcome, self.vectors.bytes());
        if let Ok(count) = result {
            // SAFETY: E3: so many bytes have been written to what `prepare` described, and `sent`
            // has made sure that they are no more than were described.
            unsafe { self.vectors.set_filled(&mut self.buffers, count) };
        }
        (result, self.buffers)
    }

    fn resubmit(&mut self, outcome: &Outcome<'_, Self>) -> bool {
        outcome.has_not_run() || self.faults.is_first(outcome)
    }

    #[inline]
    fn repeats(&self) -> Repeats {
        Repeats::FAILED
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::testing::{complete, entry, shared_null};

    #[test]
    fn each_buffer_holds_its_own_part() {
        let buffers = [*b"....", *b"....", *b"...."];
        let mut read = ReadVectored::new(shared_null(), buffers, Position::At(0));
        assert_eq!(entry(&mut read).get_length(), 3);
        read.buffers[0] = *b"abcd";
        read.buffers[1] = *b"ef..";
        let (result, buffers) = complete(read, 6);
        assert_eq!((result.unwrap(), buffers), (6, [*b"abcd", *b"ef..", *b"...."]));

        let mut read =
            ReadVectored::new(shared_null(), vec![vec![1; 4], vec![2; 4]], Position::Current);
        entry(&mut read);
        let (_, buffers) = complete(read, 3);
        assert_eq!(buffers, [vec![1; 3], vec![]]);
    }

    #[test]
    fn an_error_leaves_the_buffers_as_they_were() {
        for errno in [libc::EIO, libc::ECANCELED, 512] {
            let mut read = ReadVectored::new(shared_null(), [vec![1], vec![2]], Position::Current);
            entry(&mut read);
            let (result, buffers) = complete(read, -errno);
            assert!(result.is_err());
            assert_eq!(buffers, [[1], [2]]);
        }
    }
}
