//! [`Write`]: from one buffer into a file.
#![allow(unsafe_code)]

use crate::buf::{BufResult, IoBuf, entry_length};
use crate::event::Event;
use crate::event::transfer::{Position, sent};
use crate::fd::SharedFd;
use crate::opcode;
use crate::operation::repeats::Repeats;
use crate::outcome::Outcome;
use crate::sqe::{Sqe, Sqes};

/// Writes the bytes of a buffer to a file.
///
/// Yields the number of bytes written, which may be fewer than the buffer holds, and the buffer.
/// [`WriteAll`](crate::event::WriteAll) goes on until all is written.
///
/// # Examples
///
/// ```
/// use std::fs::File;
/// use std::os::fd::OwnedFd;
/// use ringbahn_core::event::{Position, Write};
///
/// let file = OwnedFd::from(File::options().write(true).open("/dev/null")?);
/// let write = Write::new(file, "hello", Position::At(0));
/// # drop(write);
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
///
/// Those of `write(2)`: `StorageFull`, `BrokenPipe`, `InvalidInput` for a position beyond
/// `i64::MAX`, …
///
/// # Cancellation
///
/// To a socket, pipe or terminal it stops at once. To a disk it runs to its end. Some or all
/// bytes may have been written before the cancel arrived.
///
/// # Kernel
///
/// Linux 5.6. The buffer and the file are the event's until completion.
///
/// # References
///
/// [`write(2)`](https://man7.org/linux/man-pages/man2/write.2.html)
#[doc(alias = "IORING_OP_WRITE")]
#[derive(Debug)]
pub struct Write<B> {
    file: SharedFd,
    buffer: B,
    position: Position,
}

impl<B: IoBuf> Write<B> {
    /// A write of `buffer` to `file` at `position`.
    pub fn new(file: impl Into<SharedFd>, buffer: B, position: Position) -> Write<B> {
        Write { file: file.into(), buffer, position }
    }
}

impl<B: IoBuf> Event for Write<B> {
    type Output = BufResult<usize, B>;

    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        let length = entry_length(self.buffer.bytes_len());
        let registration = self.buffer.registration();
        let bytes = self.buffer.bytes_ptr();
        // SAFETY: S1 by E1 and B1: the buffer is the event's and holds `length` bytes; E2.
        let entry = unsafe { Sqe::new(opcode::WRITE) };
        let entry = entry.file(&self.file).offset(self.position.offset());
        sqes.push_with(entry.address(bytes).length(length), registration);
    }

    fn complete(self, outcome: Outcome<'_, Self>) -> BufResult<usize, B> {
        (sent(outcome, self.buffer.bytes_len()), self.buffer)
    }

    #[inline]
    fn repeats(&self) -> Repeats {
        Repeats::FAILED
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::testing::{complete, shared_null};

    #[test]
    fn the_buffer_comes_back_whatever_happened() {
        for (result, count) in [(5, Some(5)), (2, Some(2)), (0, Some(0)), (-28, None), (-512, None)]
        {
            let write = Write::new(shared_null(), "hello", Position::Current);
            let (written, buffer) = complete(write, result);
            assert_eq!((written.ok(), buffer), (count, "hello"));
        }
    }
}
