//! [`Bind`]: gives a socket its address.
#![allow(unsafe_code)]

use std::io;

use crate::address::SocketAddress;
use crate::event::Event;
use crate::fd::SharedFd;
use crate::opcode;
use crate::outcome::Outcome;
use crate::sqe::{Sqe, Sqes};

/// Gives a socket its address, by which others find it.
///
/// # Errors
///
/// Those of `bind(2)`: `AddrInUse`, `AddrNotAvailable`, `PermissionDenied`, … `InvalidInput` where
/// it has one already.
///
/// # Cancellation
///
/// Ends at once, so a cancel finds nothing.
///
/// # Kernel
///
/// Linux 6.11. On an older one ringbahn's drivers bind the socket themselves, but not one in a
/// slot. The socket and the address are the event's until completion.
///
/// # References
///
/// [`bind(2)`](https://man7.org/linux/man-pages/man2/bind.2.html)
#[doc(alias = "IORING_OP_BIND")]
#[derive(Debug)]
pub struct Bind {
    socket: SharedFd,
    address: SocketAddress,
}

impl Bind {
    /// Gives `socket` the address `address`.
    pub fn new(socket: impl Into<SharedFd>, address: impl Into<SocketAddress>) -> Bind {
        Bind { socket: socket.into(), address: address.into() }
    }
}

impl Event for Bind {
    type Output = io::Result<()>;

    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        let length = u64::from(self.address.length());
        // SAFETY: S1 by E1: the address lies in the event; E2.
        let entry = unsafe { Sqe::new(opcode::BIND) };
        sqes.push(entry.file(&self.socket).address(self.address.as_ptr()).offset(length));
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
        let address: std::net::SocketAddr = "127.0.0.1:80".parse().unwrap();
        let bind = || Bind::new(shared_null(), address);
        complete(bind(), 0).unwrap();
        let in_use = complete(bind(), -libc::EADDRINUSE).unwrap_err();
        assert_eq!(in_use.kind(), io::ErrorKind::AddrInUse);
        for errno in [libc::EINVAL, libc::ECANCELED, 512] {
            assert!(complete(bind(), -errno).is_err());
        }
    }
}
