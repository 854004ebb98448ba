//! [`DatagramOption`]: options of UDP sockets that no crate with safe calls has.
//!
//! # Safety
//!
//! DO1. `setsockopt(2)` reads as many bytes as it is told during the call only, and these options
//!      take a number.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

/// What a UDP socket can be asked to tell along with a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DatagramOption {
    /// Which address a datagram of IPv4 was sent to, and which interface has brought it.
    PacketInfoV4,
    /// The same for a datagram of IPv6.
    PacketInfoV6,
    /// To put datagrams together that arrive one after the other, and to tell how long each is.
    Gro,
}

impl DatagramOption {
    /// Sets it, or takes it back.
    ///
    /// # Errors
    ///
    /// Those of `setsockopt(2)`: `ENOPROTOOPT` where the kernel or the socket does not know it.
    pub fn set(self, socket: BorrowedFd<'_>, on: bool) -> io::Result<()> {
        let (level, name) = match self {
            DatagramOption::PacketInfoV4 => (libc::IPPROTO_IP, libc::IP_PKTINFO),
            DatagramOption::PacketInfoV6 => (libc::IPPROTO_IPV6, libc::IPV6_RECVPKTINFO),
            DatagramOption::Gro => (libc::SOL_UDP, libc::UDP_GRO),
        };
        let value = i32::from(on);
        let length = size_of::<i32>() as libc::socklen_t;
        let number = socket.as_raw_fd();
        // SAFETY: DO1; the value is a local, as long as is said.
        let result =
            unsafe { libc::setsockopt(number, level, name, (&raw const value).cast(), length) };
        if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }
}
