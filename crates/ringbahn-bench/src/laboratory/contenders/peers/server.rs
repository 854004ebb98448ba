//! What servers of peers have in common: their buffers while they idle, and how they treat sockets.

use std::io;
use std::net::TcpListener;

use socket2::SockRef;

/// The buffers that the kernel chooses from on behalf of connections that are mostly idle.
pub(super) const IDLE_BUFFER_GROUP: (u16, u32) = (64, 1024);

/// Has every connection that is accepted send at once what it is given: sockets have it from the
/// one that they were accepted on.
///
/// # Errors
///
/// Those of setting an option.
pub(super) fn send_at_once(listener: &TcpListener) -> io::Result<()> {
    SockRef::from(listener).set_tcp_nodelay(true)
}
