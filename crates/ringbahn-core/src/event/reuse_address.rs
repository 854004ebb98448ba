//! [`ReuseAddress`]: lets a socket have an address where connections of a former one linger.

use std::io;

use super::set_socket_option::SetSocketOption;
use crate::event::{Event, SocketOption};
use crate::fd::SharedFd;
use crate::outcome::Outcome;
use crate::sqe::Sqes;

/// Lets a socket be bound to an address where connections of a former listener linger
/// (`SO_REUSEADDR`), as std does with each listener that it makes.
///
/// For sockets in slots, which have no descriptor to set an option by.
///
/// # Errors
///
/// `ENOTSOCK` where it is no socket; `EOPNOTSUPP` and `EINVAL` where the kernel is too old.
///
/// # Cancellation
///
/// Ends at once, so a cancel finds nothing.
///
/// # Kernel
///
/// Linux 6.7. The socket and the value are the event's until completion.
///
/// # References
///
/// [`socket(7)`](https://man7.org/linux/man-pages/man7/socket.7.html)
#[doc(alias = "IORING_OP_URING_CMD")]
#[doc(alias = "SO_REUSEADDR")]
#[derive(Debug)]
pub struct ReuseAddress {
    set: SetSocketOption<bool>,
}

impl ReuseAddress {
    /// Lets `socket` reuse an address.
    pub fn new(socket: impl Into<SharedFd>) -> ReuseAddress {
        ReuseAddress { set: SetSocketOption::new(socket, SocketOption::REUSE_ADDRESS, true) }
    }
}

impl Event for ReuseAddress {
    type Output = io::Result<()>;

    #[allow(unsafe_code, reason = "passes on the duty of its own caller")]
    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        // SAFETY: E1: the inner event is all there is of this one.
        unsafe { self.set.prepare(sqes) };
    }

    fn complete(self, outcome: Outcome<'_, Self>) -> io::Result<()> {
        outcome.result().map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::testing::{complete, shared_null};

    #[test]
    fn it_succeeds_or_reports_the_error() {
        complete(ReuseAddress::new(shared_null()), 0).unwrap();
        for errno in [libc::ENOTSOCK, libc::EOPNOTSUPP, libc::ECANCELED, 512] {
            assert!(complete(ReuseAddress::new(shared_null()), -errno).is_err());
        }
    }
}
