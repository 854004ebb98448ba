//! [`Send`]: from one buffer to a connected socket.
#![allow(unsafe_code)]

use crate::buf::{BufResult, IoBuf, entry_length};
use crate::event::Event;
use crate::event::transfer::sent;
use crate::fd::SharedFd;
use crate::opcode;
use crate::outcome::Outcome;
use crate::sqe::{Sqe, Sqes};

/// Sends the bytes of a buffer to a connected socket.
///
/// Yields the number of bytes sent, which may be fewer than the buffer holds, and the buffer.
/// [`SendAll`](crate::event::SendAll) goes on until all is sent. Never raises `SIGPIPE`
/// (`MSG_NOSIGNAL`).
///
/// # Errors
///
/// Those of `send(2)`: `BrokenPipe`, `ConnectionReset`, `NotConnected`, …
///
/// # Cancellation
///
/// Stops at once; a part or all may have been sent before the cancel arrived.
///
/// # Kernel
///
/// Linux 5.6. The buffer and the socket are the event's until completion.
///
/// # References
///
/// [`send(2)`](https://man7.org/linux/man-pages/man2/send.2.html)
#[doc(alias = "IORING_OP_SEND")]
#[derive(Debug)]
pub struct Send<B> {
    socket: SharedFd,
    buffer: B,
    flags: i32,
}

impl<B: IoBuf> Send<B> {
    /// Sends `buffer` to `socket`.
    pub fn new(socket: impl Into<SharedFd>, buffer: B) -> Send<B> {
        Send { socket: socket.into(), buffer, flags: libc::MSG_NOSIGNAL }
    }

    /// Whether to wait until all is sent (`MSG_WAITALL`), and to count as failed for a chain
    /// otherwise. It may still come back with less: on an error or a cancel half-way.
    #[must_use]
    pub fn wait_all(mut self, wait_all: bool) -> Send<B> {
        let others = self.flags & !libc::MSG_WAITALL;
        self.flags = if wait_all { others | libc::MSG_WAITALL } else { others };
        self
    }
}

impl<B: IoBuf> Event for Send<B> {
    type Output = BufResult<usize, B>;

    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        let length = entry_length(self.buffer.bytes_len());
        let bytes = self.buffer.bytes_ptr();
        // SAFETY: S1 by E1 and B1: the buffer is the event's and holds `length` bytes; E2.
        let entry = unsafe { Sqe::new(opcode::SEND) };
        let entry = entry.file(&self.socket).op_flags(self.flags.cast_unsigned());
        sqes.push(entry.address(bytes).length(length));
    }

    fn complete(self, outcome: Outcome<'_, Self>) -> BufResult<usize, B> {
        (sent(outcome, self.buffer.bytes_len()), self.buffer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::testing::{complete, entry, shared_null};

    #[test]
    fn it_never_raises_a_signal() {
        for wait_all in [false, true] {
            let mut send = Send::new(shared_null(), "hello").wait_all(wait_all);
            let flags = entry(&mut send).get_op_flags().cast_signed();
            assert_ne!(flags & libc::MSG_NOSIGNAL, 0);
            assert_eq!(flags & libc::MSG_WAITALL != 0, wait_all);
        }
    }

    #[test]
    fn the_buffer_comes_back_whatever_happened() {
        for (result, count) in [(5, Some(5)), (2, Some(2)), (0, Some(0)), (-32, None), (-512, None)]
        {
            let (sent, buffer) = complete(Send::new(shared_null(), "hello"), result);
            assert_eq!((sent.ok(), buffer), (count, "hello"));
        }
    }
}
