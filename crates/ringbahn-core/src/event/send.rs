//! [`Send`]: from one buffer to a connected socket.
#![allow(unsafe_code)]

use std::io;

use crate::buf::{BufResult, IoBuf, entry_length};
use crate::event::Event;
use crate::event::transfer::{Incomplete, Progress, sent};
use crate::fd::SharedFd;
use crate::opcode;
use crate::operation::repeats::Repeats;
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
    progress: Progress,
}

impl<B: IoBuf> Send<B> {
    /// Sends `buffer` to `socket`.
    pub fn new(socket: impl Into<SharedFd>, buffer: B) -> Send<B> {
        let progress = Progress::default();
        Send { socket: socket.into(), buffer, flags: libc::MSG_NOSIGNAL, progress }
    }

    /// Whether to wait until all is sent (`MSG_WAITALL`), and to count as failed for a chain
    /// otherwise. It may still come back with less: on an error or a cancel half-way.
    #[must_use]
    pub fn wait_all(mut self, wait_all: bool) -> Send<B> {
        let others = self.flags & !libc::MSG_WAITALL;
        self.flags = if wait_all { others | libc::MSG_WAITALL } else { others };
        self
    }

    fn waits_for_all(&self) -> bool {
        self.flags & libc::MSG_WAITALL != 0
    }
}

impl<B: IoBuf> Event for Send<B> {
    type Output = BufResult<usize, B>;

    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        let done = self.progress.begin();
        let length = entry_length(self.buffer.bytes_len() - done);
        // SAFETY: B1: no more is done than the buffer holds.
        let bytes = unsafe { self.buffer.bytes_ptr().add(done) };
        // SAFETY: S1 by E1 and B1: the buffer is the event's and holds `length` bytes more; E2.
        let entry = unsafe { Sqe::new(opcode::SEND) };
        let entry = entry.file(&self.socket).op_flags(self.flags.cast_unsigned());
        sqes.push(entry.address(bytes).length(length));
    }

    fn complete(self, outcome: Outcome<'_, Self>) -> BufResult<usize, B> {
        let length = self.buffer.bytes_len();
        if !self.waits_for_all() {
            return (sent(outcome, length), self.buffer);
        }
        let (done, result) = self.progress.end(outcome, length, io::ErrorKind::WriteZero);
        let result = match result {
            Err(error) if done == 0 && !is_incomplete(&error) => Err(error),
            _ => Ok(done),
        };
        (result, self.buffer)
    }

    /// The kernel goes on by itself; a driver that has served it at once does not, nor does a
    /// kernel before 5.19.
    fn resubmit(&mut self, outcome: &Outcome<'_, Self>) -> bool {
        if self.waits_for_all() {
            return self.progress.goes_on(outcome.cqe(), self.buffer.bytes_len());
        }
        outcome.has_not_run()
    }

    #[inline]
    fn repeats(&self) -> Repeats {
        if self.waits_for_all() {
            return self.progress.repeats(self.buffer.bytes_len());
        }
        Repeats::FAILED
    }
}

fn is_incomplete(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|error| error.is::<Incomplete>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::testing::{complete, entry, resubmits, shared_null};

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
    #[test]
    fn one_that_waits_for_all_goes_on_after_a_part() {
        for (last, count) in [(6, 10), (-libc::EPIPE, 4), (0, 4)] {
            let mut send = Send::new(shared_null(), "0123456789").wait_all(true);
            entry(&mut send);
            assert!(resubmits(&mut send, 4));
            assert_eq!(entry(&mut send).get_length(), 6);
            assert!(!resubmits(&mut send, last));
            assert_eq!(complete(send, last).0.unwrap(), count);
        }
        let mut send = Send::new(shared_null(), "hello").wait_all(true);
        entry(&mut send);
        assert!(complete(send, -libc::EPIPE).0.is_err());
        let mut send = Send::new(shared_null(), "hello");
        entry(&mut send);
        assert!(!resubmits(&mut send, 2), "one that does not is content");
    }
}
