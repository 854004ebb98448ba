//! [`SocketQueue`]: how much waits in a socket.
#![allow(unsafe_code)]

use std::io;

use super::uring_command::command;
use crate::event::Event;
use crate::fd::SharedFd;
use crate::outcome::Outcome;
use crate::sqe::Sqes;

/// `SOCKET_URING_OP_SIOCINQ` and `SOCKET_URING_OP_SIOCOUTQ`.
const UNREAD: u32 = 0;
const UNSENT: u32 = 1;

/// Asks how many bytes wait in a socket: to be read, or to be sent and acknowledged.
///
/// # Errors
///
/// Those of `ioctl(2)` with `SIOCINQ` and `SIOCOUTQ`: `InvalidInput` of one that listens.
/// `Unsupported` for sockets of some kinds.
///
/// # Cancellation
///
/// Ends at once, so a cancel finds nothing.
///
/// # Kernel
///
/// Linux 6.5. On one without such commands at all (before 5.19) ringbahn's drivers make the system
/// call. The socket is the event's until completion.
///
/// # References
///
/// [`tcp(7)`](https://man7.org/linux/man-pages/man7/tcp.7.html)
#[doc(alias = "IORING_OP_URING_CMD")]
#[doc(alias = "SOCKET_URING_OP_SIOCINQ")]
#[doc(alias = "SOCKET_URING_OP_SIOCOUTQ")]
#[derive(Debug)]
pub struct SocketQueue {
    socket: SharedFd,
    operation: u32,
}

impl SocketQueue {
    /// Asks how many bytes `socket` has that nobody has read.
    pub fn unread(socket: impl Into<SharedFd>) -> SocketQueue {
        SocketQueue { socket: socket.into(), operation: UNREAD }
    }

    /// Asks how many bytes `socket` has that were not sent, or not acknowledged by its peer.
    pub fn unsent(socket: impl Into<SharedFd>) -> SocketQueue {
        SocketQueue { socket: socket.into(), operation: UNSENT }
    }
}

impl Event for SocketQueue {
    type Output = io::Result<u32>;

    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        // SAFETY: S1 by E2; the entry names no memory.
        sqes.push(unsafe { command(&self.socket, self.operation) });
    }

    fn complete(self, outcome: Outcome<'_, Self>) -> io::Result<u32> {
        outcome.result()
    }
}
