//! [`Connect`]: a socket to an address.
#![allow(unsafe_code)]

use std::io;

use crate::address::SocketAddress;
use crate::event::Event;
use crate::event::poll_add::Interest;
use crate::fd::SharedFd;
use crate::opcode;
use crate::outcome::Outcome;
use crate::sqe::{Sqe, Sqes};

/// Connects a socket to an address.
///
/// # Errors
///
/// Those of `connect(2)`: `ConnectionRefused`, `TimedOut`, `NetworkUnreachable`, …
///
/// # Cancellation
///
/// Stops at once, but the socket may go on connecting; close it. Where the connection stood
/// before the cancel arrived the output says so.
///
/// # Kernel
///
/// Linux 5.5. The socket and the address are the event's until completion.
///
/// # References
///
/// [`connect(2)`](https://man7.org/linux/man-pages/man2/connect.2.html)
#[doc(alias = "IORING_OP_CONNECT")]
#[derive(Debug)]
pub struct Connect {
    socket: SharedFd,
    address: SocketAddress,
    next: Step,
    /// What the entry laid out last asks for.
    asked: Step,
}

/// An attempt that is stopped without anybody having asked leaves a socket that is connecting.
/// The next attempt may be told so; then the event waits until the socket can be written to, and
/// the attempt after that learns how it went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    FirstAttempt,
    Attempt,
    Wait,
}

impl Connect {
    /// Connects `socket` to `address`.
    pub fn new(socket: impl Into<SharedFd>, address: impl Into<SocketAddress>) -> Connect {
        Connect {
            socket: socket.into(),
            address: address.into(),
            next: Step::FirstAttempt,
            asked: Step::FirstAttempt,
        }
    }
}

impl Event for Connect {
    type Output = io::Result<()>;

    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        self.asked = self.next;
        if self.asked == Step::Wait {
            // SAFETY: S1 by E2; the entry names no memory.
            let entry = unsafe { Sqe::new(opcode::POLL_ADD) };
            let mask = Interest::WRITABLE.entry_mask();
            return sqes.push(entry.file(&self.socket).op_flags(mask));
        }
        let length = u64::from(self.address.length());
        // SAFETY: S1 by E1: the address lies in the event; E2.
        let entry = unsafe { Sqe::new(opcode::CONNECT) };
        sqes.push(entry.file(&self.socket).address(self.address.as_ptr()).offset(length));
    }

    fn complete(self, outcome: Outcome<'_, Self>) -> io::Result<()> {
        let result = outcome.result().map(drop);
        match (self.asked, &result) {
            // It would have gone on, but was not let.
            (Step::Wait, Ok(())) => Err(io::Error::from_raw_os_error(libc::ECANCELED)),
            // An earlier attempt has done it.
            (Step::Attempt, Err(error)) if error.raw_os_error() == Some(libc::EISCONN) => Ok(()),
            _ => result,
        }
    }

    fn resubmit(&mut self, outcome: &Outcome<'_, Self>) -> bool {
        let cqe = outcome.cqe();
        self.next = match self.asked {
            Step::Wait if cqe.has_not_run() => Step::Wait,
            Step::Wait => Step::Attempt,
            Step::FirstAttempt | Step::Attempt if cqe.has_not_run() => Step::Attempt,
            Step::Attempt if cqe.failed_with(libc::EALREADY) => Step::Wait,
            Step::FirstAttempt | Step::Attempt => return false,
        };
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::testing::resubmits;
    use crate::event::testing::{complete, entry, shared_null};

    fn connect() -> Connect {
        let address: std::net::SocketAddr = "127.0.0.1:80".parse().unwrap();
        Connect::new(shared_null(), address)
    }

    /// The event after rounds that ended with `results`, each of which must lead to another one.
    fn after(results: &[i32]) -> (Connect, Sqe) {
        let mut connect = connect();
        let mut last = entry(&mut connect);
        for &result in results {
            assert!(resubmits(&mut connect, result), "after {result}");
            last = entry(&mut connect);
        }
        (connect, last)
    }

    #[test]
    fn it_succeeds_or_reports_the_error() {
        complete(connect(), 0).unwrap();
        for errno in [libc::ECONNREFUSED, libc::EISCONN, libc::EALREADY, libc::ECANCELED, 512] {
            assert!(complete(after(&[]).0, -errno).is_err());
        }
    }

    #[test]
    fn an_attempt_stopped_by_nobody_is_taken_up_again() {
        let stopped = -libc::ECANCELED;
        let (connect, entry) = after(&[stopped]);
        assert_eq!(entry.opcode(), opcode::CONNECT);
        complete(connect, -libc::EISCONN).unwrap();

        let (_, entry) = after(&[stopped, -libc::EALREADY]);
        assert_eq!(entry.opcode(), opcode::POLL_ADD);

        let (mut connect, entry) = after(&[stopped, -libc::EALREADY, 4]);
        assert_eq!(entry.opcode(), opcode::CONNECT);
        assert!(!resubmits(&mut connect, -libc::ECONNREFUSED));
        let error = complete(connect, -libc::ECONNREFUSED).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    }

    #[test]
    fn a_wait_that_is_over_is_no_connection() {
        let (connect, _) = after(&[-libc::ECANCELED, -libc::EALREADY]);
        let error = complete(connect, 4).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::ECANCELED));
    }
}
