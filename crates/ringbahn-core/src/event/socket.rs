//! [`Socket`]: a new socket.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{FromRawFd, OwnedFd};

use socket2::{Domain, Protocol, Type};

use crate::direct::{DirectFd, DirectTable};
use crate::event::Event;
use crate::event::into_slot::sealed::Opening;
use crate::opcode;
use crate::outcome::Outcome;
use crate::sqe::{Sqe, Sqes};

/// Makes a socket.
///
/// Yields the socket, closed on exec. Dropping the output closes it.
///
/// # Errors
///
/// Those of `socket(2)`: `EMFILE` where descriptors have run out, `EAFNOSUPPORT`, …
///
/// # Cancellation
///
/// Ends at once, so a cancel finds nothing; a socket that nobody takes is closed.
///
/// # Kernel
///
/// Linux 5.19. Nothing has to live until completion.
///
/// # References
///
/// [`socket(2)`](https://man7.org/linux/man-pages/man2/socket.2.html)
#[doc(alias = "IORING_OP_SOCKET")]
#[derive(Debug)]
pub struct Socket {
    domain: Domain,
    kind: Type,
    protocol: Option<Protocol>,
}

impl Socket {
    /// Makes a socket of `kind` in `domain`; without a `protocol`, with the usual one.
    pub fn new(domain: Domain, kind: Type, protocol: Option<Protocol>) -> Socket {
        Socket { domain, kind, protocol }
    }
}

impl Event for Socket {
    type Output = io::Result<OwnedFd>;

    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        // SAFETY: E1, which our caller has promised.
        sqes.push(unsafe { self.entry(libc::SOCK_CLOEXEC) });
    }

    fn complete(self, outcome: Outcome<'_, Self>) -> io::Result<OwnedFd> {
        let number = outcome.result()?.cast_signed();
        // SAFETY: E3: a fresh descriptor that is the event's alone.
        Ok(unsafe { OwnedFd::from_raw_fd(number) })
    }
}

impl Opening for Socket {
    type Opened = DirectFd;

    unsafe fn entry(&mut self, flags: i32) -> Sqe {
        let kind = i32::from(self.kind) & !libc::SOCK_CLOEXEC | flags;
        let protocol = self.protocol.map_or(0, i32::from);
        // SAFETY: S1: the entry names neither memory nor a descriptor.
        let entry = unsafe { Sqe::new(opcode::SOCKET) };
        let entry = entry.fd_number(self.domain.into()).offset(kind as u64);
        entry.length(protocol.cast_unsigned())
    }

    fn opened(self, slot: u32, table: &DirectTable) -> DirectFd {
        table.opened(slot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::testing::{cancelled, complete, is_open, stray_fd};

    #[test]
    fn a_socket_that_nobody_takes_is_closed() {
        let new = || Socket::new(Domain::IPV4, Type::STREAM, None);
        let number = stray_fd();
        drop(complete(new(), number).unwrap());
        assert!(!is_open(number));

        let number = stray_fd();
        cancelled(new(), number);
        assert!(!is_open(number));
        for errno in [libc::EMFILE, libc::ECANCELED, 512] {
            assert!(complete(new(), -errno).is_err());
        }
    }
}
