//! [`Listen`]: makes a socket one that connections arrive at.
#![allow(unsafe_code)]

use std::io;

use crate::event::Event;
use crate::fd::SharedFd;
use crate::opcode;
use crate::outcome::Outcome;
use crate::sqe::{Sqe, Sqes};

/// Makes a socket one that connections arrive at.
///
/// # Errors
///
/// Those of `listen(2)`: `AddrInUse`, … `EOPNOTSUPP` where the socket is of a kind that has no
/// connections.
///
/// # Cancellation
///
/// Ends at once, so a cancel finds nothing.
///
/// # Kernel
///
/// Linux 6.11. On an older one ringbahn's drivers do it themselves, but not with a socket in a
/// slot. The socket is the event's until completion.
///
/// # References
///
/// [`listen(2)`](https://man7.org/linux/man-pages/man2/listen.2.html)
#[doc(alias = "IORING_OP_LISTEN")]
#[derive(Debug)]
pub struct Listen {
    socket: SharedFd,
    backlog: u32,
}

impl Listen {
    /// Lets connections arrive at `socket`, of which up to `backlog` may wait to be accepted: no
    /// more than the system allows (`net.core.somaxconn`).
    pub fn new(socket: impl Into<SharedFd>, backlog: u32) -> Listen {
        Listen { socket: socket.into(), backlog }
    }
}

impl Event for Listen {
    type Output = io::Result<()>;

    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        // SAFETY: S1 by E2; the entry names no memory.
        let entry = unsafe { Sqe::new(opcode::LISTEN) };
        // The kernel reads it as a C `int`, where less than nothing stands for as many as may be.
        let backlog = self.backlog.min(i32::MAX.cast_unsigned());
        sqes.push(entry.file(&self.socket).length(backlog));
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
        complete(Listen::new(shared_null(), 1), 0).unwrap();
        for errno in [libc::EADDRINUSE, libc::EOPNOTSUPP, libc::ECANCELED, 512] {
            assert!(complete(Listen::new(shared_null(), 1), -errno).is_err());
        }
    }
}
