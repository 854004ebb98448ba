//! [`DatagramOptions`] and [`DatagramInfo`]: the control messages of UDP, by what they mean.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use ringbahn_core::event::{ControlMessage, Received};

/// Room for all that [`DatagramInfo`] tells, in bytes of control messages.
pub const CONTROL_SPACE: usize = 2 * ControlMessage::space(4)
    + ControlMessage::space(PACKET_INFO_V4)
    + ControlMessage::space(PACKET_INFO_V6);

/// The length of `struct in_pktinfo`: an interface, the local address, that in the header.
const PACKET_INFO_V4: usize = 12;

/// The length of `struct in6_pktinfo`: an address and an interface.
const PACKET_INFO_V6: usize = 20;

/// What routers tell by marking a datagram instead of dropping it: Explicit Congestion
/// Notification.
///
/// # References
///
/// [RFC 3168](https://www.rfc-editor.org/rfc/rfc3168)
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ecn {
    /// ECT(1).
    Capable1 = 1,
    /// ECT(0): both ends understand the marks.
    Capable0 = 2,
    /// CE: there is congestion on the way.
    Congestion = 3,
}

impl Ecn {
    /// What the two lowest bits of the traffic class mean; `None` for zero.
    pub const fn from_bits(bits: u8) -> Option<Ecn> {
        match bits & 3 {
            1 => Some(Ecn::Capable1),
            2 => Some(Ecn::Capable0),
            3 => Some(Ecn::Congestion),
            _ => None,
        }
    }

    /// The two lowest bits of the traffic class.
    pub const fn bits(self) -> u8 {
        self as u8
    }
}

/// What a datagram is to be sent with, besides its bytes.
///
/// # Examples
///
/// Three datagrams of 1200 bytes and one of 400, by one operation:
///
/// ```
/// use std::net::UdpSocket;
/// use ringbahn::{BufResultExt, Ring};
/// use ringbahn::net::{DatagramOptions, Ecn};
///
/// # fn main() -> std::io::Result<()> {
/// # if ringbahn::DefaultDriver::shared().is_err() { return Ok(()) }
/// # let other = UdpSocket::bind("127.0.0.1:0")?;
/// # let peer = other.local_addr()?;
/// let socket = Ring::<UdpSocket>::bind(([127, 0, 0, 1], 0))?;
/// let options = DatagramOptions::new().segment_size(1200).ecn(Ecn::Capable0);
/// let send = socket.send_message([vec![7; 4000]], peer, options.control_messages(peer));
/// let (count, _) = futures::executor::block_on(send).both()?;
/// assert_eq!(count, 4000);
/// assert_eq!(other.recv(&mut [0; 2000])?, 1200);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DatagramOptions {
    ecn: Option<Ecn>,
    segment_size: Option<u16>,
    source: Option<IpAddr>,
}

impl DatagramOptions {
    /// Nothing but the bytes.
    pub fn new() -> DatagramOptions {
        DatagramOptions::default()
    }

    /// The mark that it bears.
    #[must_use]
    pub fn ecn(mut self, ecn: impl Into<Option<Ecn>>) -> DatagramOptions {
        self.ecn = ecn.into();
        self
    }

    /// The bytes are those of several datagrams of so many bytes each, but for the last one
    /// (`UDP_SEGMENT`, also known as GSO). At most 64 of them, and 65 507 bytes in all.
    ///
    /// # Kernel
    ///
    /// Linux 4.18.
    #[must_use]
    pub fn segment_size(mut self, bytes: impl Into<Option<u16>>) -> DatagramOptions {
        self.segment_size = bytes.into();
        self
    }

    /// The address that it comes from, of those that the machine has (`IP_PKTINFO`).
    #[must_use]
    pub fn source(mut self, address: impl Into<Option<IpAddr>>) -> DatagramOptions {
        self.source = address.into();
        self
    }

    /// The control messages that say so, for a datagram to `peer`.
    pub fn control_messages(&self, peer: impl Into<SocketAddr>) -> Vec<ControlMessage> {
        let mut messages = Vec::new();
        let mut add = |level, kind, data: &[u8]| {
            // None of them passes descriptors, which alone cannot be made of bytes.
            messages.extend(ControlMessage::new(level, kind, data));
        };
        if let Some(ecn) = self.ecn {
            let class = i32::from(ecn.bits()).to_ne_bytes();
            match peer.into().ip() {
                IpAddr::V6(address) if address.to_ipv4_mapped().is_none() => {
                    add(libc::IPPROTO_IPV6, libc::IPV6_TCLASS, &class);
                }
                _ => add(libc::IPPROTO_IP, libc::IP_TOS, &class),
            }
        }
        if let Some(bytes) = self.segment_size {
            add(libc::SOL_UDP, libc::UDP_SEGMENT, &bytes.to_ne_bytes());
        }
        match self.source {
            Some(IpAddr::V4(address)) => {
                let mut info = [0; PACKET_INFO_V4];
                info[4..8].copy_from_slice(&address.octets());
                add(libc::IPPROTO_IP, libc::IP_PKTINFO, &info);
            }
            Some(IpAddr::V6(address)) => {
                let mut info = [0; PACKET_INFO_V6];
                info[..16].copy_from_slice(&address.octets());
                add(libc::IPPROTO_IPV6, libc::IPV6_PKTINFO, &info);
            }
            None => {}
        }
        messages
    }
}

/// What is told of a datagram besides its bytes and its sender.
///
/// A socket tells nothing before it is asked to, by
/// [`set_datagram_info`](crate::Ring::set_datagram_info) and
/// [`set_gro`](crate::Ring::set_gro).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DatagramInfo {
    /// The mark that it bears.
    pub ecn: Option<Ecn>,
    /// How long each of several datagrams is that the kernel has put together, but for the last
    /// one; `None` for a single one.
    pub segment_size: Option<usize>,
    /// The address of this machine that it was sent to.
    pub destination: Option<IpAddr>,
    /// The number of the interface that it has come in by.
    pub interface: Option<u32>,
}

impl DatagramInfo {
    /// What the control messages tell that came along.
    pub fn of(received: &Received) -> DatagramInfo {
        let mut info = DatagramInfo::default();
        for message in &received.control {
            info.learn(message.level(), message.kind(), message.data());
        }
        info
    }

    fn learn(&mut self, level: i32, kind: i32, data: &[u8]) {
        match (level, kind) {
            (libc::IPPROTO_IP, libc::IP_TOS) => {
                self.ecn = data.first().copied().and_then(Ecn::from_bits);
            }
            (libc::IPPROTO_IPV6, libc::IPV6_TCLASS) => {
                self.ecn = number(data, 0).and_then(|class| Ecn::from_bits(class as u8));
            }
            (libc::SOL_UDP, libc::UDP_GRO) => {
                self.segment_size = number(data, 0).and_then(|bytes| usize::try_from(bytes).ok());
            }
            (libc::IPPROTO_IP, libc::IP_PKTINFO) => {
                self.interface = number(data, 0).map(i32::cast_unsigned);
                let octets = data.get(8..12).and_then(|octets| octets.first_chunk::<4>());
                self.destination = octets.map(|octets| Ipv4Addr::from(*octets).into());
            }
            (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO) => {
                self.interface = number(data, 16).map(i32::cast_unsigned);
                let octets = data.first_chunk::<16>();
                self.destination = octets.map(|octets| Ipv6Addr::from(*octets).into());
            }
            _ => {}
        }
    }
}

/// The number at `offset`, if there is one.
fn number(data: &[u8], offset: usize) -> Option<i32> {
    let bytes = data.get(offset..)?.first_chunk()?;
    Some(i32::from_ne_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peers() -> [SocketAddr; 3] {
        ["127.0.0.1:1", "[::1]:1", "[::ffff:127.0.0.1]:1"].map(|peer| peer.parse().unwrap())
    }

    #[test]
    fn the_mark_is_told_in_the_way_of_the_network_that_it_goes_through() {
        let kinds = peers().map(|peer| {
            let messages = DatagramOptions::new().ecn(Ecn::Congestion).control_messages(peer);
            assert_eq!((messages.len(), messages[0].data()), (1, &3_i32.to_ne_bytes()[..]));
            (messages[0].level(), messages[0].kind())
        });
        let v4 = (libc::IPPROTO_IP, libc::IP_TOS);
        assert_eq!(kinds, [v4, (libc::IPPROTO_IPV6, libc::IPV6_TCLASS), v4]);
    }

    #[test]
    fn nothing_is_said_where_nothing_was_asked_for() {
        assert!(DatagramOptions::new().control_messages(peers()[0]).is_empty());
        assert_eq!(DatagramInfo::of(&Received::default()), DatagramInfo::default());
    }

    #[test]
    fn messages_that_are_too_short_tell_nothing() {
        let mut info = DatagramInfo::default();
        let kinds = [
            (libc::IPPROTO_IP, libc::IP_TOS),
            (libc::IPPROTO_IPV6, libc::IPV6_TCLASS),
            (libc::SOL_UDP, libc::UDP_GRO),
            (libc::IPPROTO_IP, libc::IP_PKTINFO),
            (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO),
        ];
        for (level, kind) in kinds {
            for length in 0..4 {
                info.learn(level, kind, &[0; 4][..length]);
            }
        }
        assert_eq!(info, DatagramInfo::default());
    }
}
