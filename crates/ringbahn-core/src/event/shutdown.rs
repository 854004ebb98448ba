//! [`Shutdown`]: one or both directions of a connection.
#![allow(unsafe_code)]

use std::io;

use crate::event::Event;
use crate::fd::SharedFd;
use crate::opcode;
use crate::outcome::Outcome;
use crate::sqe::{Sqe, Sqes};

/// Ends one or both directions of a connection.
///
/// # Errors
///
/// Those of `shutdown(2)`: `NotConnected`, …
///
/// # Cancellation
///
/// Stops it only while it waits for a worker of the kernel; after that it runs to its end.
///
/// # Kernel
///
/// Linux 5.11. The socket is the event's until completion.
///
/// # References
///
/// [`shutdown(2)`](https://man7.org/linux/man-pages/man2/shutdown.2.html)
#[doc(alias = "IORING_OP_SHUTDOWN")]
#[derive(Debug)]
pub struct Shutdown {
    socket: SharedFd,
    how: std::net::Shutdown,
}

impl Shutdown {
    /// Ends those directions of `socket` that `how` says.
    pub fn new(socket: impl Into<SharedFd>, how: std::net::Shutdown) -> Shutdown {
        Shutdown { socket: socket.into(), how }
    }
}

impl Event for Shutdown {
    type Output = io::Result<()>;

    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        let how = match self.how {
            std::net::Shutdown::Read => libc::SHUT_RD,
            std::net::Shutdown::Write => libc::SHUT_WR,
            std::net::Shutdown::Both => libc::SHUT_RDWR,
        };
        // SAFETY: S1 by E2; the entry names no memory.
        let entry = unsafe { Sqe::new(opcode::SHUTDOWN) };
        sqes.push(entry.file(&self.socket).length(how.cast_unsigned()));
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
        let shutdown = || Shutdown::new(shared_null(), std::net::Shutdown::Both);
        complete(shutdown(), 0).unwrap();
        for errno in [libc::ENOTCONN, libc::ECANCELED, 512] {
            assert!(complete(shutdown(), -errno).is_err());
        }
    }
}
