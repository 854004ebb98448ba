//! What networks need besides sockets: names that are looked up, sockets with options that must be
//! set before they have an address, and what travels beside the bytes of a datagram.
//!
//! | item | what it is |
//! |---|---|
//! | [`ToSocketAddrs`], [`resolve`] | addresses, and names that stand for some |
//! | [`TcpSocket`] | a socket that neither is connected nor listens |
//! | [`DatagramOptions`], [`DatagramInfo`], [`Ecn`] | control messages of UDP, by what they mean |
//!
//! The sockets themselves are a [`Ring`](crate::Ring) of those of std.

mod datagram;
mod resolve;
mod tcp_socket;

pub use datagram::{CONTROL_SPACE, DatagramInfo, DatagramOptions, Ecn};
pub use resolve::{ToSocketAddrs, resolve};
pub use tcp_socket::TcpSocket;
