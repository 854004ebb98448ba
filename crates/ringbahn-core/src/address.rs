//! [`SocketAddress`]: the address of a socket, of the internet or of a path.
//!
//! # Safety
//!
//! A1. An address made from what the kernel has written is well-formed as far as its length says,
//!     and zero behind that: the storage was zero, and the kernel writes whole addresses.
#![allow(unsafe_code)]

use std::ffi::OsStr;
use std::net::SocketAddr;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::SocketAddr as UnixAddress;
use std::path::Path;
use std::{fmt, io};

use socket2::{SockAddr, SockAddrStorage};

/// The address of a socket: an internet address, a path, an abstract name, or none.
///
/// Laid out as the kernel wants it, so an event owns it inline.
///
/// # Examples
///
/// ```
/// use std::net::SocketAddr;
/// use ringbahn_core::SocketAddress;
///
/// let home: SocketAddr = "[::1]:443".parse()?;
/// let address = SocketAddress::from(home);
/// assert_eq!(address.as_inet(), Some(home));
/// assert_eq!(address.as_pathname(), None);
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SocketAddress {
    inner: SockAddr,
}

impl SocketAddress {
    /// The address of a Unix socket at `path`.
    ///
    /// A path that begins with a zero byte is an abstract name; an empty one names no socket.
    ///
    /// # Errors
    ///
    /// `InvalidInput` where the path is longer than such an address can hold: 107 bytes.
    pub fn unix(path: impl AsRef<Path>) -> io::Result<SocketAddress> {
        SockAddr::unix(path).map(SocketAddress::from)
    }

    /// The address that the kernel has written.
    ///
    /// # Safety
    ///
    /// `storage` holds a well-formed address of `length` bytes; what is behind them is zero.
    pub(crate) unsafe fn from_kernel(storage: SockAddrStorage, length: u32) -> SocketAddress {
        let length = length.min(storage.size_of());
        // SAFETY: A1, by the contract of this function; the length is no more than the storage's.
        let inner = unsafe { SockAddr::new(storage, length) };
        SocketAddress { inner }
    }

    /// The address that the kernel has written, as bytes.
    ///
    /// # Safety
    ///
    /// `bytes` are a well-formed address.
    pub(crate) unsafe fn from_bytes(bytes: &[u8]) -> SocketAddress {
        let mut storage = SockAddrStorage::zeroed();
        let length = bytes.len().min(size_of::<SockAddrStorage>());
        let place: *mut u8 = (&raw mut storage).cast();
        // SAFETY: A1: the place is as large as any address, and so many bytes are copied at most.
        unsafe { place.copy_from_nonoverlapping(bytes.as_ptr(), length) };
        // SAFETY: A1: the place was zero, and what is copied there is an address.
        unsafe { SocketAddress::from_kernel(storage, length as u32) }
    }

    /// The internet address, if it is one.
    pub fn as_inet(&self) -> Option<SocketAddr> {
        self.inner.as_socket()
    }

    /// The address of a Unix socket as std has it, if it is one.
    pub fn as_unix(&self) -> Option<UnixAddress> {
        if !self.is_unix() {
            return None;
        }
        let address = if let Some(name) = self.as_abstract_name() {
            UnixAddress::from_abstract_name(name)
        } else {
            UnixAddress::from_pathname(self.as_pathname().unwrap_or(Path::new("")))
        };
        address.ok()
    }

    /// The path, if it is the address of a Unix socket that has one.
    pub fn as_pathname(&self) -> Option<&Path> {
        self.inner.as_pathname()
    }

    /// The abstract name, if it is the address of a Unix socket that has one.
    pub fn as_abstract_name(&self) -> Option<&[u8]> {
        self.inner.as_abstract_namespace()
    }

    /// Whether it is the address of a Unix socket, also of one without a name.
    pub fn is_unix(&self) -> bool {
        self.inner.is_unix()
    }

    /// The address family, one of libc's `AF_*`.
    pub fn family(&self) -> i32 {
        i32::from(self.inner.family())
    }

    /// How many bytes the kernel reads of it.
    pub(crate) fn length(&self) -> u32 {
        self.inner.len()
    }

    /// Where it begins: valid until `self` moves.
    pub(crate) fn as_ptr(&self) -> *const SockAddrStorage {
        self.inner.as_ptr()
    }
}

impl From<SocketAddr> for SocketAddress {
    fn from(address: SocketAddr) -> SocketAddress {
        SocketAddress { inner: address.into() }
    }
}

impl TryFrom<&UnixAddress> for SocketAddress {
    type Error = io::Error;

    fn try_from(address: &UnixAddress) -> io::Result<SocketAddress> {
        if let Some(name) = address.as_abstract_name() {
            let name = [&[0], name].concat();
            return SocketAddress::unix(OsStr::from_bytes(&name));
        }
        SocketAddress::unix(address.as_pathname().unwrap_or(Path::new("")))
    }
}

impl From<SockAddr> for SocketAddress {
    fn from(inner: SockAddr) -> SocketAddress {
        SocketAddress { inner }
    }
}

impl fmt::Debug for SocketAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(address) = self.as_inet() {
            address.fmt(f)
        } else if let Some(path) = self.as_pathname() {
            path.fmt(f)
        } else if let Some(name) = self.as_abstract_name() {
            write!(f, "@{}", name.escape_ascii())
        } else {
            write!(f, "(unnamed, family {})", self.family())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_unix_sockets_survive_the_way_to_std_and_back() {
        for name in ["/tmp/socket", "\0abstract", "\0", ""] {
            let address = SocketAddress::unix(name).unwrap();
            let standard = address.as_unix().unwrap();
            assert_eq!(standard.is_unnamed(), name.is_empty());
            assert_eq!(SocketAddress::try_from(&standard).unwrap(), address);
        }
        let inet: SocketAddr = "127.0.0.1:80".parse().unwrap();
        assert!(SocketAddress::from(inet).as_unix().is_none());
    }
}
