//! [`SendAll`]: all of one buffer to a connected socket, in as many operations as it takes.
#![allow(unsafe_code)]

use std::io;

use crate::buf::{BufResult, IoBuf, entry_length};
use crate::event::Event;
use crate::event::transfer::Progress;
use crate::fd::SharedFd;
use crate::opcode;
use crate::operation::repeats::Repeats;
use crate::outcome::Outcome;
use crate::sqe::{Sqe, Sqes};

/// Sends all bytes of a buffer to a connected socket.
///
/// The kernel is asked to go on until all is sent (`MSG_WAITALL`); where it comes back earlier,
/// the event is submitted again for the rest. Never raises `SIGPIPE` (`MSG_NOSIGNAL`).
///
/// In a chain it is submitted once only: a short send breaks the chain, and is reported as
/// [`Incomplete`](crate::event::Incomplete).
///
/// # Errors
///
/// `WriteZero` where the socket takes nothing more, and those of [`Send`](crate::event::Send);
/// the bytes before have then been sent.
///
/// # Cancellation
///
/// As for [`Send`](crate::event::Send); nothing more is submitted after it. A count that the
/// cancel found is in the error, as [`Incomplete`](crate::event::Incomplete).
///
/// # Kernel
///
/// Linux 5.6. The buffer and the socket are the event's until the last completion.
///
/// # References
///
/// [`send(2)`](https://man7.org/linux/man-pages/man2/send.2.html)
#[doc(alias = "IORING_OP_SEND")]
#[derive(Debug)]
pub struct SendAll<B> {
    socket: SharedFd,
    buffer: B,
    progress: Progress,
}

impl<B: IoBuf> SendAll<B> {
    /// Sends all of `buffer` to `socket`.
    pub fn new(socket: impl Into<SharedFd>, buffer: B) -> SendAll<B> {
        SendAll { socket: socket.into(), buffer, progress: Progress::default() }
    }
}

impl<B: IoBuf> Event for SendAll<B> {
    type Output = BufResult<(), B>;

    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        let done = self.progress.begin();
        let length = entry_length(self.buffer.bytes_len() - done);
        // SAFETY: B1: no more is done than the buffer holds.
        let rest = unsafe { self.buffer.bytes_ptr().add(done) };
        let flags = libc::MSG_NOSIGNAL | libc::MSG_WAITALL;
        // SAFETY: S1 by E1 and B1: the buffer is the event's and holds `length` bytes more; E2.
        let entry = unsafe { Sqe::new(opcode::SEND) };
        let entry = entry.file(&self.socket).op_flags(flags.cast_unsigned());
        sqes.push(entry.address(rest).length(length));
    }

    fn complete(self, outcome: Outcome<'_, Self>) -> BufResult<(), B> {
        let wanted = self.buffer.bytes_len();
        if self.progress.is_all(&outcome.cqe(), wanted) {
            return (Ok(()), self.buffer);
        }
        let (_, result) = self.progress.end(outcome, wanted, io::ErrorKind::WriteZero);
        (result, self.buffer)
    }

    fn resubmit(&mut self, outcome: &Outcome<'_, Self>) -> bool {
        self.progress.goes_on(outcome.cqe(), self.buffer.bytes_len())
    }

    #[inline]
    fn repeats(&self) -> Repeats {
        self.progress.repeats(self.buffer.bytes_len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::testing::{complete, entry, resubmits, shared_null};

    #[test]
    fn each_round_sends_the_rest() {
        let text = "0123456789";
        let mut send = SendAll::new(shared_null(), text);
        for (result, done) in [(4, 0), (-libc::EAGAIN, 4), (3, 4)] {
            let entry = entry(&mut send);
            assert_eq!(entry.get_address().cast_const(), text[done..].as_ptr().cast());
            assert_eq!(entry.get_length() as usize, 10 - done);
            assert!(resubmits(&mut send, result));
        }
        entry(&mut send);
        assert!(!resubmits(&mut send, -libc::EPIPE));
        let (result, buffer) = complete(send, -libc::EPIPE);
        assert_eq!((result.unwrap_err().kind(), buffer), (io::ErrorKind::BrokenPipe, text));
    }

    #[test]
    fn all_at_once_is_one_round() {
        let mut send = SendAll::new(shared_null(), "hello");
        entry(&mut send);
        assert!(!resubmits(&mut send, 5));
        complete(send, 5).0.unwrap();
    }
}
