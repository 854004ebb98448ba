//! [`Close`]: a descriptor, and what went wrong when its file was closed.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsRawFd, IntoRawFd, OwnedFd};

use crate::cqe::Cqe;
use crate::event::Event;
use crate::opcode;
use crate::outcome::Outcome;
use crate::sqe::{Sqe, Sqes};

/// Closes a descriptor, and reports what `drop` would keep silent about.
///
/// The descriptor is closed exactly once, whatever happens: by the kernel where the operation has
/// run, also when it reports an error; and where it was refused or cancelled before it had run,
/// when the event is completed.
///
/// # Errors
///
/// Those of `close(2)`: some file systems report here that an earlier write has failed. The
/// descriptor is gone all the same.
///
/// # Cancellation
///
/// Stops it only while it waits for a worker of the kernel. The descriptor is closed in any case.
///
/// # Kernel
///
/// Linux 5.6. The descriptor is the event's until completion. The kernel refuses to close an
/// io_uring this way; the descriptor then stays open.
///
/// # References
///
/// [`close(2)`](https://man7.org/linux/man-pages/man2/close.2.html)
#[doc(alias = "IORING_OP_CLOSE")]
#[derive(Debug)]
pub struct Close {
    fd: OwnedFd,
}

impl Close {
    /// Closes `fd`.
    pub fn new(fd: impl Into<OwnedFd>) -> Close {
        Close { fd: fd.into() }
    }
}

/// Whether the kernel has not begun to close. The kernel frees the number first and then asks the
/// file; so an interruption, also one of the private restart numbers, comes after that. Where in
/// doubt the number counts as free: to leak one is harmless, to close somebody else's is not.
///
/// What cannot be told apart is a file system whose `flush` itself answers `ECANCELED`. The kernel
/// knows no reason for that answer there.
fn has_not_begun(cqe: &Cqe) -> bool {
    cqe.result == -libc::ECANCELED
}

impl Event for Close {
    type Output = io::Result<()>;

    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        // SAFETY: S1 by E1: the event owns the descriptor, and does not drop it once it is closed.
        let entry = unsafe { Sqe::new(opcode::CLOSE) };
        sqes.push(entry.fd_number(self.fd.as_raw_fd()));
    }

    fn complete(self, outcome: Outcome<'_, Self>) -> io::Result<()> {
        match outcome.cqes().first() {
            Some(cqe) if !has_not_begun(cqe) => {
                // The number is free, and may be somebody else's already.
                let _ = self.fd.into_raw_fd();
            }
            _ => drop(self.fd),
        }
        outcome.result().map(drop)
    }

    fn resubmit(&mut self, outcome: &Outcome<'_, Self>) -> bool {
        has_not_begun(&outcome.cqe())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::testing::{
        close, complete, cqe, ended, entry, is_open, owned_stray, resubmits,
    };
    use std::os::fd::{FromRawFd, RawFd};

    /// Takes back a descriptor that the event believes to be closed.
    fn close_again(number: RawFd) {
        assert!(is_open(number), "the event has closed it a second time");
        // SAFETY: nothing has closed it: the kernel was made up.
        close(unsafe { OwnedFd::from_raw_fd(number) });
    }

    #[test]
    fn what_the_kernel_has_closed_is_not_closed_again() {
        for result in [0, -libc::EIO, -libc::EINTR, -libc::ENOSPC, -512, -513] {
            let (fd, number) = owned_stray();
            let mut event = Close::new(fd);
            assert_eq!(entry(&mut event).get_fd(), number);
            assert!(!resubmits(&mut event, result));
            assert_eq!(complete(event, result).is_ok(), result == 0);
            close_again(number);
        }
    }

    #[test]
    fn what_the_kernel_has_closed_stays_so_when_the_error_is_given_another_name() {
        let (fd, number) = owned_stray();
        let cqes = [cqe(-libc::EINTR)];
        let stopped = ended(&cqes).because(io::ErrorKind::TimedOut.into());
        assert_eq!(Close::new(fd).complete(stopped).unwrap_err().kind(), io::ErrorKind::TimedOut);
        close_again(number);
    }

    #[test]
    fn what_was_cancelled_before_it_ran_is_closed_by_the_event() {
        let (fd, number) = owned_stray();
        let mut event = Close::new(fd);
        assert!(resubmits(&mut event, -libc::ECANCELED));
        assert!(complete(event, -libc::ECANCELED).is_err());
        assert!(!is_open(number));
    }

    #[test]
    fn what_was_never_submitted_is_closed_by_the_event() {
        let (fd, number) = owned_stray();
        let refused = Outcome::refused(io::ErrorKind::BrokenPipe.into());
        assert_eq!(Close::new(fd).complete(refused).unwrap_err().kind(), io::ErrorKind::BrokenPipe);
        assert!(!is_open(number));
    }

    #[test]
    fn an_event_that_is_dropped_closes() {
        let (fd, number) = owned_stray();
        drop(Close::new(fd));
        assert!(!is_open(number));
    }
}
