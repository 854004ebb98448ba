//! [`ReuseAddress`]: lets a socket have an address where connections of a former one linger.
#![allow(unsafe_code)]

use std::ffi::c_int;
use std::io;

use crate::event::Event;
use crate::fd::SharedFd;
use crate::opcode;
use crate::outcome::Outcome;
use crate::sqe::{Sqe, Sqes};

/// `SOCKET_URING_OP_SETSOCKOPT`
const SET_OPTION: c_int = 3;

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
    socket: SharedFd,
    value: c_int,
}

impl ReuseAddress {
    /// Lets `socket` reuse an address.
    pub fn new(socket: impl Into<SharedFd>) -> ReuseAddress {
        ReuseAddress { socket: socket.into(), value: 1 }
    }
}

impl Event for ReuseAddress {
    type Output = io::Result<()>;

    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        // SAFETY: S1 by E1: the value lies in the event; E2.
        let entry = unsafe { Sqe::new(opcode::URING_CMD) };
        let entry = entry.file(&self.socket).offset(words(SET_OPTION, 0));
        // Where others have an address.
        let entry = entry.address_number(words(libc::SOL_SOCKET, libc::SO_REUSEADDR));
        let length = size_of_val(&self.value) as u32;
        sqes.push(entry.file_index(length).address3(&raw const self.value));
    }

    fn complete(self, outcome: Outcome<'_, Self>) -> io::Result<()> {
        outcome.result().map(drop)
    }
}

/// Two words of C, side by side in one of the entry.
fn words(first: c_int, second: c_int) -> u64 {
    let [[a, b, c, d], [e, f, g, h]] = [first, second].map(c_int::to_ne_bytes);
    u64::from_ne_bytes([a, b, c, d, e, f, g, h])
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
