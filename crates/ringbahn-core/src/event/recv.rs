//! [`Recv`]: from a connected socket into one buffer.
#![allow(unsafe_code)]

use crate::buf::{BufResult, IoBufMut, entry_length};
use crate::event::Event;
use crate::event::transfer::received;
use crate::fd::SharedFd;
use crate::opcode;
use crate::operation::repeats::Repeats;
use crate::outcome::Outcome;
use crate::sqe::{Sqe, Sqes};

/// Receives from a socket into a buffer, up to the buffer's capacity.
///
/// Yields the number of bytes received and the buffer. Zero means that the peer has ended the
/// stream, or that the buffer has no room; from a datagram socket also an empty datagram.
///
/// # Errors
///
/// Those of `recv(2)`: `ConnectionReset`, `NotConnected`, …
///
/// # Cancellation
///
/// Stops at once, with nothing received; or data had arrived already, which is then in the
/// output, and lost with it where nobody takes it.
///
/// # Kernel
///
/// Linux 5.6. The buffer and the socket are the event's until completion.
///
/// # References
///
/// [`recv(2)`](https://man7.org/linux/man-pages/man2/recv.2.html)
#[doc(alias = "IORING_OP_RECV")]
#[derive(Debug)]
pub struct Recv<B> {
    socket: SharedFd,
    buffer: B,
    flags: i32,
}

impl<B: IoBufMut> Recv<B> {
    /// Receives from `socket` into `buffer`.
    pub fn new(socket: impl Into<SharedFd>, buffer: B) -> Recv<B> {
        Recv { socket: socket.into(), buffer, flags: 0 }
    }

    /// Whether to wait until the buffer is full (`MSG_WAITALL`). It may still come back with
    /// less: at the end of the stream, or on an error or a cancel half-way.
    #[must_use]
    pub fn wait_all(mut self, wait_all: bool) -> Recv<B> {
        self.set(libc::MSG_WAITALL, wait_all);
        self
    }

    /// Whether to leave the data in the socket, for the next receive (`MSG_PEEK`).
    #[must_use]
    pub fn peek(mut self, peek: bool) -> Recv<B> {
        self.set(libc::MSG_PEEK, peek);
        self
    }

    fn set(&mut self, flag: i32, on: bool) {
        self.flags = if on { self.flags | flag } else { self.flags & !flag };
    }
}

impl<B: IoBufMut> Event for Recv<B> {
    type Output = BufResult<usize, B>;

    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        let length = entry_length(self.buffer.target_len());
        let target = self.buffer.target_ptr();
        // SAFETY: S1 by E1 and B1: the buffer is the event's and has room for `length`; E2.
        let entry = unsafe { Sqe::new(opcode::RECV) };
        let entry = entry.file(&self.socket).op_flags(self.flags.cast_unsigned());
        sqes.push(entry.address(target).length(length));
    }

    fn complete(mut self, outcome: Outcome<'_, Self>) -> BufResult<usize, B> {
        // SAFETY: E3: the entry asked for the buffer's target.
        let result = unsafe { received(outcome, &mut self.buffer) };
        (result, self.buffer)
    }

    #[inline]
    fn repeats(&self) -> Repeats {
        Repeats::FAILED
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::testing::{complete, entry, fill, shared_null};

    #[test]
    fn the_buffer_comes_back_with_what_was_received() {
        let mut recv = Recv::new(shared_null(), vec![9; 64]).wait_all(true).peek(true).peek(false);
        let entry = entry(&mut recv);
        assert_eq!(entry.get_op_flags(), libc::MSG_WAITALL as u32);
        fill(&entry, b"hello");
        let (result, buffer) = complete(recv, 5);
        assert_eq!((result.unwrap(), &buffer[..]), (5, &b"hello"[..]));
    }

    #[test]
    fn an_error_leaves_the_buffer_as_it_was() {
        for errno in [libc::ECONNRESET, libc::EINTR, libc::ECANCELED, 512] {
            let (result, buffer) = complete(Recv::new(shared_null(), vec![1, 2]), -errno);
            assert!(result.is_err());
            assert_eq!(buffer, [1, 2]);
        }
    }
}
