//! [`Address`]: where a simulated socket is to be found.

use std::ffi::OsStr;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::ffi::OsStrExt;

use ringbahn_core::SocketAddress;

/// Where a socket is to be found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Address {
    Inet(SocketAddr),
    /// The name of a Unix socket as the kernel has it: a path, a name behind a zero byte, or
    /// nothing.
    Unix(Vec<u8>),
}

impl Address {
    /// The address in a `sockaddr` of the kernel.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Address> {
        let (family, rest) = bytes.split_first_chunk()?;
        match i32::from(u16::from_ne_bytes(*family)) {
            libc::AF_INET => {
                let (port, rest) = rest.split_first_chunk()?;
                let (ip, _) = rest.split_first_chunk::<4>()?;
                let ip = IpAddr::V4(Ipv4Addr::from(*ip));
                Some(Address::Inet(SocketAddr::new(ip, u16::from_be_bytes(*port))))
            }
            libc::AF_INET6 => {
                let (port, rest) = rest.split_first_chunk()?;
                let (_flow, rest) = rest.split_first_chunk::<4>()?;
                let (ip, _) = rest.split_first_chunk::<16>()?;
                let ip = IpAddr::V6(Ipv6Addr::from(*ip));
                Some(Address::Inet(SocketAddr::new(ip, u16::from_be_bytes(*port))))
            }
            libc::AF_UNIX => Some(Address::Unix(match rest {
                [0, ..] => rest.to_vec(),
                path => path.split(|&byte| byte == 0).next().unwrap_or(path).to_vec(),
            })),
            _ => None,
        }
    }

    /// The same as a `sockaddr`.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(28);
        match self {
            Address::Inet(SocketAddr::V4(address)) => {
                bytes.extend((libc::AF_INET as u16).to_ne_bytes());
                bytes.extend(address.port().to_be_bytes());
                bytes.extend(address.ip().octets());
                bytes.extend([0; 8]);
            }
            Address::Inet(SocketAddr::V6(address)) => {
                bytes.extend((libc::AF_INET6 as u16).to_ne_bytes());
                bytes.extend(address.port().to_be_bytes());
                bytes.extend([0; 4]);
                bytes.extend(address.ip().octets());
                bytes.extend([0; 4]);
            }
            Address::Unix(name) => {
                bytes.extend((libc::AF_UNIX as u16).to_ne_bytes());
                bytes.extend(name);
                if name.first().is_some_and(|&first| first != 0) {
                    bytes.push(0);
                }
            }
        }
        bytes
    }

    /// The address of a socket that has none.
    pub(crate) fn unnamed(domain: i32) -> Address {
        match domain {
            libc::AF_INET => Address::Inet(SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), 0)),
            libc::AF_INET6 => Address::Inet(SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), 0)),
            _ => Address::Unix(Vec::new()),
        }
    }

    pub(crate) fn domain(&self) -> i32 {
        match self {
            Address::Inet(SocketAddr::V4(_)) => libc::AF_INET,
            Address::Inet(SocketAddr::V6(_)) => libc::AF_INET6,
            Address::Unix(_) => libc::AF_UNIX,
        }
    }

    /// The same with another port, if it has one.
    pub(crate) fn with_port(&self, port: u16) -> Address {
        match self {
            Address::Inet(address) => Address::Inet(SocketAddr::new(address.ip(), port)),
            unix => unix.clone(),
        }
    }

    pub(crate) fn port(&self) -> Option<u16> {
        match self {
            Address::Inet(address) => Some(address.port()),
            Address::Unix(_) => None,
        }
    }

    /// The address of all interfaces, with the same port.
    pub(crate) fn wildcard(&self) -> Address {
        Address::unnamed(self.domain()).with_port(self.port().unwrap_or(0))
    }
}

impl From<&SocketAddress> for Address {
    fn from(address: &SocketAddress) -> Address {
        if let Some(address) = address.as_inet() {
            return Address::Inet(address);
        }
        if let Some(name) = address.as_abstract_name() {
            return Address::Unix([&[0], name].concat());
        }
        let path = address.as_pathname().map_or(OsStr::new(""), |path| path.as_os_str());
        Address::Unix(path.as_bytes().to_vec())
    }
}

impl Address {
    /// The same as programs have it. `None` for a name that no Unix socket can have.
    pub(crate) fn to_public(&self) -> Option<SocketAddress> {
        match self {
            Address::Inet(address) => Some(SocketAddress::from(*address)),
            Address::Unix(name) => SocketAddress::unix(OsStr::from_bytes(name)).ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_survive_the_way_through_bytes_and_through_programs() {
        let inet = |text: &str| Address::Inet(text.parse().unwrap());
        let unix = |name: &str| Address::Unix(name.into());
        for address in
            [inet("127.0.0.1:80"), inet("[::1]:443"), unix("/tmp/socket"), unix("\0name"), unix("")]
        {
            assert_eq!(Address::from_bytes(&address.to_bytes()), Some(address.clone()));
            assert_eq!(Address::from(&address.to_public().unwrap()), address);
        }
    }

    #[test]
    fn what_is_too_short_or_foreign_is_no_address() {
        for bytes in [&[][..], &[2], &[2, 0, 0], &[0xff, 0xff, 1, 2, 3, 4]] {
            assert_eq!(Address::from_bytes(bytes), None);
        }
    }
}
