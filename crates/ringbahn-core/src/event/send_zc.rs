//! [`SendZc`]: from one buffer to a connected socket, without a copy.
#![allow(unsafe_code)]

use crate::buf::{BufResult, IoBuf, entry_length};
use crate::event::Event;
use crate::event::reporting::{REPORT_USAGE, Reporting, ZeroCopy};
use crate::event::transfer::sent;
use crate::fd::SharedFd;
use crate::opcode;
use crate::outcome::Outcome;
use crate::sqe::{Sqe, Sqes};

/// Sends the bytes of a buffer to a connected socket without copying them.
///
/// Yields the number of bytes sent, which may be fewer than the buffer holds, and the buffer,
/// once the network no longer needs it. That may take as long as the peer does not acknowledge
/// the data. Pays off for large buffers only. Never raises `SIGPIPE` (`MSG_NOSIGNAL`).
///
/// # Errors
///
/// Those of `send(2)`: `BrokenPipe`, `ConnectionReset`, …; `Unsupported` for sockets that cannot,
/// such as Unix ones; `OutOfMemory` beyond `RLIMIT_MEMLOCK`.
///
/// # Cancellation
///
/// Stops the sending at once; a part or all may have been sent before the cancel arrived. The wait
/// for the buffer cannot be cancelled.
///
/// # Kernel
///
/// Linux 6.0. The buffer and the socket are the event's until the second CQE, the notification.
///
/// # References
///
/// [`send(2)`](https://man7.org/linux/man-pages/man2/send.2.html),
/// [`io_uring_enter(2)`](https://man7.org/linux/man-pages/man2/io_uring_enter.2.html)
#[doc(alias = "IORING_OP_SEND_ZC")]
#[derive(Debug)]
pub struct SendZc<B> {
    socket: SharedFd,
    buffer: B,
    flags: i32,
    reports: bool,
}

impl<B: IoBuf> SendZc<B> {
    /// Sends `buffer` to `socket`.
    pub fn new(socket: impl Into<SharedFd>, buffer: B) -> SendZc<B> {
        SendZc { socket: socket.into(), buffer, flags: libc::MSG_NOSIGNAL, reports: false }
    }

    /// Whether to wait until all is sent (`MSG_WAITALL`), and to count as failed for a chain
    /// otherwise. It may still come back with less: on an error or a cancel half-way.
    #[must_use]
    pub fn wait_all(mut self, wait_all: bool) -> SendZc<B> {
        let others = self.flags & !libc::MSG_WAITALL;
        self.flags = if wait_all { others | libc::MSG_WAITALL } else { others };
        self
    }

    /// The same send, which also tells whether there really was no copy.
    pub fn reporting(self) -> Reporting<SendZc<B>> {
        Reporting::new(self)
    }
}

impl<B: IoBuf> ZeroCopy for SendZc<B> {
    fn report(&mut self) {
        self.reports = true;
    }
}

impl<B: IoBuf> Event for SendZc<B> {
    type Output = BufResult<usize, B>;

    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        let length = entry_length(self.buffer.bytes_len());
        let registration = self.buffer.registration();
        let bytes = self.buffer.bytes_ptr();
        // SAFETY: S1 by E1 and B1: the buffer is the event's and holds `length` bytes; E2.
        let entry = unsafe { Sqe::new(opcode::SEND_ZC) };
        let entry = entry.file(&self.socket).op_flags(self.flags.cast_unsigned());
        let entry = entry.ioprio(if self.reports { REPORT_USAGE } else { 0 });
        sqes.push_with(entry.address(bytes).length(length), registration);
    }

    /// The first CQE has the count; the notification, which came last, has nothing to say.
    fn complete(self, outcome: Outcome<'_, Self>) -> BufResult<usize, B> {
        (sent(outcome, self.buffer.bytes_len()), self.buffer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cqe::Cqe;
    use crate::event::testing::{complete, ended, shared_null};

    #[test]
    fn the_count_is_that_of_the_first_cqe() {
        const MORE: u32 = 1 << 1;
        const NOTIFICATION: u32 = 1 << 3;
        for (result, count) in [(5, Some(5)), (2, Some(2)), (-libc::EPIPE, None)] {
            let cqes = [
                Cqe { result, flags: MORE, user_data: 0 },
                Cqe { result: 0, flags: NOTIFICATION, user_data: 0 },
            ];
            let send = SendZc::new(shared_null(), "hello").wait_all(true);
            let (sent, buffer) = send.complete(ended(&cqes));
            assert_eq!((sent.ok(), buffer), (count, "hello"));
        }
    }

    #[test]
    fn a_failure_without_a_notification_is_one_too() {
        for errno in [libc::EINVAL, libc::ECANCELED, 512] {
            assert!(complete(SendZc::new(shared_null(), "hello"), -errno).0.is_err());
        }
    }
}
