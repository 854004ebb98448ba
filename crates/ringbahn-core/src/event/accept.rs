//! [`Accept`]: a connection from a listening socket.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{FromRawFd, OwnedFd};

use socket2::SockAddrStorage;

use crate::address::SocketAddress;
use crate::direct::{DirectFd, DirectTable};
use crate::event::Event;
use crate::event::into_slot::sealed::Opening;
use crate::fd::SharedFd;
use crate::opcode;
use crate::operation::repeats::Repeats;
use crate::outcome::Outcome;
use crate::sqe::{Sqe, Sqes};

/// Accepts a connection from a listening socket.
///
/// Yields the connection, closed on exec, and the address of the peer. Dropping the output closes
/// the connection.
///
/// # Errors
///
/// Those of `accept4(2)`. `EMFILE` and `ENFILE` mean that descriptors have run out, and
/// `ConnectionAborted` that the peer was gone already; neither is the end of the listening
/// socket.
///
/// # Cancellation
///
/// Stops at once; a connection accepted before the cancel arrived is closed where nobody takes
/// it.
///
/// # Kernel
///
/// Linux 5.5. The socket and the place for the address are the event's until completion.
///
/// # References
///
/// [`accept4(2)`](https://man7.org/linux/man-pages/man2/accept.2.html)
#[doc(alias = "IORING_OP_ACCEPT")]
#[derive(Debug)]
pub struct Accept {
    socket: SharedFd,
    address: SockAddrStorage,
    length: libc::socklen_t,
}

impl Accept {
    /// Accepts a connection from `socket`, which listens.
    pub fn new(socket: impl Into<SharedFd>) -> Accept {
        Accept { socket: socket.into(), address: SockAddrStorage::zeroed(), length: 0 }
    }

    /// The address of the peer of the connection that was accepted.
    fn peer(self) -> SocketAddress {
        // SAFETY: A1: the place was zero, and the kernel has written an address to it.
        unsafe { SocketAddress::from_kernel(self.address, self.length) }
    }
}

impl Event for Accept {
    type Output = io::Result<(OwnedFd, SocketAddress)>;

    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        // SAFETY: E1, which our caller has promised.
        sqes.push(unsafe { self.entry(libc::SOCK_CLOEXEC) });
    }

    fn complete(self, outcome: Outcome<'_, Self>) -> io::Result<(OwnedFd, SocketAddress)> {
        let number = outcome.result()?.cast_signed();
        // SAFETY: E3: a fresh descriptor that is the event's alone.
        let connection = unsafe { OwnedFd::from_raw_fd(number) };
        Ok((connection, self.peer()))
    }

    #[inline]
    fn repeats(&self) -> Repeats {
        Repeats::FAILED
    }
}

impl Opening for Accept {
    type Opened = (DirectFd, SocketAddress);

    unsafe fn entry(&mut self, flags: i32) -> Sqe {
        self.length = self.address.size_of();
        // SAFETY: S1 by E1: the place for the address and its length are the event's; E2.
        let entry = unsafe { Sqe::new(opcode::ACCEPT) };
        let entry = entry.file(&self.socket).op_flags(flags.cast_unsigned());
        entry.address(&raw mut self.address).address2(&raw mut self.length)
    }

    fn opened(self, slot: u32, table: &DirectTable) -> (DirectFd, SocketAddress) {
        (table.opened(slot), self.peer())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::testing::cancelled;
    use crate::event::testing::{complete, entry, is_open, shared_null, stray_fd};

    /// Lets the kernel answer with the peer `address`.
    fn answer(entry: &Sqe, address: &SocketAddress) {
        let target: *mut u8 = entry.get_address().cast();
        let length: *mut u32 = entry.get_address2().cast();
        let source: *const u8 = address.as_ptr().cast();
        // SAFETY: E1: the entry's place is as large as any address.
        unsafe { target.copy_from_nonoverlapping(source, address.length() as usize) };
        // SAFETY: E1: the length lies in the same event.
        unsafe { length.write(address.length()) };
    }

    #[test]
    fn a_connection_comes_with_the_address_of_its_peer() {
        let inet = |text: &str| SocketAddress::from(text.parse::<std::net::SocketAddr>().unwrap());
        let unix = SocketAddress::unix("/tmp/peer").unwrap();
        for peer in [inet("127.0.0.1:80"), inet("[fe80::1%7]:443"), unix] {
            let number = stray_fd();
            let mut accept = Accept::new(shared_null());
            answer(&entry(&mut accept), &peer);
            let (connection, address) = complete(accept, number).unwrap();
            assert_eq!(address, peer);
            assert!(is_open(number));
            drop(connection);
            assert!(!is_open(number));
        }
    }

    #[test]
    fn a_peer_without_a_name_is_fine() {
        let number = stray_fd();
        let mut accept = Accept::new(shared_null());
        answer(&entry(&mut accept), &SocketAddress::unix("").unwrap());
        let (_connection, address) = complete(accept, number).unwrap();
        assert!(address.is_unix());
        assert_eq!(address.as_pathname(), None);
    }

    #[test]
    fn a_connection_that_nobody_takes_is_closed() {
        let number = stray_fd();
        let mut accept = Accept::new(shared_null());
        entry(&mut accept);
        cancelled(accept, number);
        assert!(!is_open(number));
    }

    #[test]
    fn an_error_is_an_error() {
        for errno in [libc::EMFILE, libc::ECONNABORTED, libc::ECANCELED, 512] {
            assert!(complete(Accept::new(shared_null()), -errno).is_err());
        }
    }
}
