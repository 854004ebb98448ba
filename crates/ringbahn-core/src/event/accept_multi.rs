//! [`AcceptMulti`]: connections from a listening socket, one after the other.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{FromRawFd, OwnedFd};

use crate::direct::DirectTable;
use crate::event::accept_into_slots::AcceptIntoSlots;
use crate::fd::SharedFd;
use crate::multishot::event::{MultiEvent, or_too_old};
use crate::opcode;
use crate::outcome::Outcome;
use crate::sqe::{Sqe, Sqes};

/// `IORING_ACCEPT_MULTISHOT`
pub(super) const ACCEPT_MULTISHOT: u16 = 1 << 0;

/// Accepts connections from a listening socket, as they come.
///
/// Yields each connection, closed on exec; whose it is, the connection's own peer address tells.
/// Dropping one closes it. Run by [`Drive::stream`](crate::Drive::stream).
///
/// # Errors
///
/// Those of `accept4(2)`, after most of which the stream goes on when it is polled again: `EMFILE`
/// and `ENFILE` mean that descriptors have run out, `ConnectionAborted` that the peer was gone
/// already. `Unsupported` where the kernel cannot, or the socket does not listen; then it ends.
///
/// # Cancellation
///
/// Stops at once; connections that nobody has read are closed.
///
/// # Kernel
///
/// Linux 5.19. The socket is the event's until completion. Where there is no such operation, by
/// the kernel's age or since what stands in for io_uring has none, the first item is an error of
/// the kind `Unsupported`; [`Accept`](super::Accept) does the same with an entry for each.
///
/// # References
///
/// [`accept4(2)`](https://man7.org/linux/man-pages/man2/accept.2.html)
#[doc(alias = "IORING_OP_ACCEPT")]
#[derive(Debug)]
pub struct AcceptMulti {
    socket: SharedFd,
}

impl AcceptMulti {
    /// Accepts connections from `socket`, which listens.
    pub fn new(socket: impl Into<SharedFd>) -> AcceptMulti {
        AcceptMulti { socket: socket.into() }
    }

    /// The event that does the same, but for the connections to get into slots of `table`.
    pub fn into_slots(self, table: &DirectTable) -> AcceptIntoSlots {
        AcceptIntoSlots::new(self.socket, table)
    }
}

impl MultiEvent for AcceptMulti {
    type Item = OwnedFd;
    type Decoder = ();

    fn decoder(&self) {}

    unsafe fn prepare(&mut self, sqes: &mut Sqes<'_>) {
        // SAFETY: S1 by E2; the entry names no memory: there is one place for many addresses.
        let entry = unsafe { Sqe::new(opcode::ACCEPT) };
        let entry = entry.file(&self.socket).ioprio(ACCEPT_MULTISHOT);
        sqes.push(entry.op_flags(libc::SOCK_CLOEXEC.cast_unsigned()));
    }

    fn decode(_: &(), outcome: Outcome<'_, Self>) -> Option<io::Result<OwnedFd>> {
        Some(match outcome.result() {
            // SAFETY: E3: a fresh descriptor that is this CQE's alone.
            Ok(number) => Ok(unsafe { OwnedFd::from_raw_fd(number.cast_signed()) }),
            Err(error) => {
                Err(or_too_old(error, "a multishot accept on a listening socket", "5.19"))
            }
        })
    }

    fn goes_on_after(error: &io::Error) -> bool {
        let of_the_socket = matches!(
            error.raw_os_error(),
            Some(libc::EBADF | libc::ENOTSOCK | libc::EOPNOTSUPP | libc::EFAULT)
        );
        error.kind() != io::ErrorKind::Unsupported && !of_the_socket
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::testing::{cqe, ended, is_open, stray_fd};

    #[test]
    fn a_connection_is_closed_with_its_item() {
        let number = stray_fd();
        let connection = AcceptMulti::decode(&(), ended(&[cqe(number)])).unwrap().unwrap();
        assert!(is_open(number));
        drop(connection);
        assert!(!is_open(number));
    }

    #[test]
    fn a_listener_outlives_the_errors_of_its_connections() {
        for (errno, goes_on) in [
            (libc::EMFILE, true),
            (libc::ECONNABORTED, true),
            (libc::ENOBUFS, true),
            (libc::EINVAL, false),
            (libc::EBADF, false),
        ] {
            let error = AcceptMulti::decode(&(), ended(&[cqe(-errno)])).unwrap().unwrap_err();
            assert_eq!(AcceptMulti::goes_on_after(&error), goes_on, "{error}");
            assert_eq!(error.kind() == io::ErrorKind::Unsupported, errno == libc::EINVAL);
        }
    }
}
