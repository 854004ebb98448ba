//! [`WriteVectored`]: from several buffers into a file.
#![allow(unsafe_code)]

use crate::buf::{BufResult, IoBufs, IoVecs};
use crate::event::Event;
use crate::event::transfer::{Position, sent};
use crate::fd::SharedFd;
use crate::opcode;
use crate::operation::repeats::Repeats;
use crate::outcome::Outcome;
use crate::sqe::{Sqe, Sqes};

/// Writes the bytes of several buffers to a file, one after the other.
///
/// Yields the number of bytes written, which may be fewer than the buffers hold, and the buffers.
/// The first [`BUFFERS_MAX`](crate::buf::BUFFERS_MAX) buffers take part.
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
/// Linux 5.1. The buffers, what describes them, and the file are the event's until completion.
///
/// # References
///
/// [`pwritev(2)`](https://man7.org/linux/man-pages/man2/pwritev.2.html)
#[doc(alias = "IORING_OP_WRITEV")]
#[derive(Debug)]
pub struct WriteVectored<V> {
    file: SharedFd,
    buffers: V,
    vectors: IoVecs,
    position: Position,
}

impl<V: IoBufs> WriteVectored<V> {
    /// A write of `buffers` to `file` at `position`.
    pub fn new(file: impl Into<SharedFd>, buffers: V, position: Position) -> WriteVectored<V> {
        WriteVectored { file: file.into(), buffers, vectors: IoVecs::default(), position }
    }
}

impl<V: IoBufs> Event for WriteVectored<V> {
    type Output = BufResult<usize, V>;

    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        self.vectors.describe_bytes(&self.buffers);
        // SAFETY: S1 by E1 and B1: the buffers and the vectors are the event's; E2.
        let entry = unsafe { Sqe::new(opcode::WRITEV) };
        let entry = entry.file(&self.file).offset(self.position.offset());
        sqes.push(entry.address(self.vectors.as_ptr()).length(self.vectors.count()));
    }

    fn complete(self, outcome: Outcome<'_, Self>) -> BufResult<usize, V> {
        (sent(outcome, self.vectors.bytes()), self.buffers)
    }

    #[inline]
    fn repeats(&self) -> Repeats {
        Repeats::FAILED
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::buf::BUFFERS_MAX;
    use crate::event::testing::{complete, entry, shared_null};

    #[test]
    fn more_buffers_than_the_kernel_takes_are_a_short_write() {
        let buffers = vec!["ab"; BUFFERS_MAX + 1];
        let mut write = WriteVectored::new(shared_null(), buffers, Position::Current);
        assert_eq!(entry(&mut write).get_length() as usize, BUFFERS_MAX);
        let (result, buffers) = complete(write, 2048);
        assert_eq!((result.unwrap(), buffers.len()), (2048, BUFFERS_MAX + 1));
    }

    #[test]
    fn the_buffers_come_back_whatever_happened() {
        for (result, count) in [(5, Some(5)), (0, Some(0)), (-28, None), (-125, None), (-512, None)]
        {
            let mut write = WriteVectored::new(shared_null(), ["hello"], Position::Current);
            entry(&mut write);
            let (written, buffers) = complete(write, result);
            assert_eq!((written.ok(), buffers), (count, ["hello"]));
        }
    }
}
