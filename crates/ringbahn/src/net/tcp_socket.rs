//! [`TcpSocket`]: a TCP socket that neither is connected nor listens.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use ringbahn_core::Drive;
use socket2::{Domain, Protocol, Socket, TcpKeepalive, Type};

use crate::driver::DefaultDriver;
use crate::ring::Ring;

/// A TCP socket that neither is connected nor listens: to bind it, and to set what must be set
/// before.
///
/// What it has no method for is set with [`socket2`], from which it is made and into which it
/// turns.
///
/// # Examples
///
/// ```
/// use ringbahn::net::TcpSocket;
///
/// # fn main() -> std::io::Result<()> {
/// # if ringbahn::DefaultDriver::shared().is_err() { return Ok(()) }
/// let socket = TcpSocket::new_v4()?;
/// socket.set_reuse_address(true)?;
/// socket.bind(([127, 0, 0, 1], 0))?;
/// let listener = socket.listen(1024)?;
///
/// let socket = TcpSocket::new_v4()?;
/// socket.set_recv_buffer_size(1 << 20)?;
/// let connect = socket.connect(listener.local_addr()?);
/// let stream = futures::executor::block_on(connect)?;
/// assert_eq!(stream.peer_addr()?, listener.local_addr()?);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct TcpSocket {
    socket: Socket,
}

impl TcpSocket {
    /// A socket for IPv4.
    ///
    /// # Errors
    ///
    /// Those of `socket(2)`: `EMFILE` where descriptors have run out.
    pub fn new_v4() -> io::Result<TcpSocket> {
        TcpSocket::new(Domain::IPV4)
    }

    /// A socket for IPv6.
    ///
    /// # Errors
    ///
    /// Those of `socket(2)`: `EAFNOSUPPORT` where there is no IPv6.
    pub fn new_v6() -> io::Result<TcpSocket> {
        TcpSocket::new(Domain::IPV6)
    }

    /// A socket for addresses as `address`.
    ///
    /// # Errors
    ///
    /// Those of [`new_v4`](TcpSocket::new_v4) and [`new_v6`](TcpSocket::new_v6).
    pub fn new_for(address: impl Into<SocketAddr>) -> io::Result<TcpSocket> {
        TcpSocket::new(Domain::for_address(address.into()))
    }

    fn new(domain: Domain) -> io::Result<TcpSocket> {
        let socket = Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?;
        Ok(TcpSocket { socket })
    }

    /// Gives it an address of its own. Port 0 stands for any free one.
    ///
    /// # Errors
    ///
    /// Those of `bind(2)`: `AddrInUse`, `AddrNotAvailable`, `PermissionDenied`, …
    pub fn bind(&self, address: impl Into<SocketAddr>) -> io::Result<()> {
        self.socket.bind(&address.into().into())
    }

    /// Its own address.
    ///
    /// # Errors
    ///
    /// Those of `getsockname(2)`.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        let address = self.socket.local_addr()?.as_socket();
        address.ok_or_else(|| io::Error::other("a socket that is not of the internet"))
    }

    /// Whether it may have the address of connections that have ended a moment ago
    /// (`SO_REUSEADDR`). Set by std's listeners, and not by this.
    ///
    /// # Errors
    ///
    /// Those of `setsockopt(2)`.
    pub fn set_reuse_address(&self, reuse: bool) -> io::Result<()> {
        self.socket.set_reuse_address(reuse)
    }

    /// What [`set_reuse_address`](TcpSocket::set_reuse_address) has set.
    ///
    /// # Errors
    ///
    /// Those of `getsockopt(2)`.
    pub fn reuse_address(&self) -> io::Result<bool> {
        self.socket.reuse_address()
    }

    /// Whether others that set this too may have the same address (`SO_REUSEPORT`): the kernel
    /// distributes connections among listeners at one address.
    ///
    /// # Errors
    ///
    /// Those of `setsockopt(2)`.
    pub fn set_reuse_port(&self, reuse: bool) -> io::Result<()> {
        self.socket.set_reuse_port(reuse)
    }

    /// What [`set_reuse_port`](TcpSocket::set_reuse_port) has set.
    ///
    /// # Errors
    ///
    /// Those of `getsockopt(2)`.
    pub fn reuse_port(&self) -> io::Result<bool> {
        self.socket.reuse_port()
    }

    /// Whether a socket for IPv6 is for that alone, or for IPv4 as well (`IPV6_V6ONLY`).
    ///
    /// # Errors
    ///
    /// Those of `setsockopt(2)`: `InvalidInput` of a socket that is bound.
    pub fn set_only_v6(&self, only: bool) -> io::Result<()> {
        self.socket.set_only_v6(only)
    }

    /// How many bytes the kernel keeps of what has arrived. It decides how large a window the
    /// connection may have, so it is to be set before there is one. The kernel doubles the figure.
    ///
    /// # Errors
    ///
    /// Those of `setsockopt(2)`.
    pub fn set_recv_buffer_size(&self, bytes: usize) -> io::Result<()> {
        self.socket.set_recv_buffer_size(bytes)
    }

    /// How many bytes the kernel keeps of what has arrived, its own needs included.
    ///
    /// # Errors
    ///
    /// Those of `getsockopt(2)`.
    pub fn recv_buffer_size(&self) -> io::Result<usize> {
        self.socket.recv_buffer_size()
    }

    /// How many bytes the kernel keeps of what is to be sent. It doubles the figure.
    ///
    /// # Errors
    ///
    /// Those of `setsockopt(2)`.
    pub fn set_send_buffer_size(&self, bytes: usize) -> io::Result<()> {
        self.socket.set_send_buffer_size(bytes)
    }

    /// How many bytes the kernel keeps of what is to be sent, its own needs included.
    ///
    /// # Errors
    ///
    /// Those of `getsockopt(2)`.
    pub fn send_buffer_size(&self) -> io::Result<usize> {
        self.socket.send_buffer_size()
    }

    /// Whether small pieces are sent at once (`TCP_NODELAY`). Connections that a listener accepts
    /// have it from the listener, as they have the other options of this type.
    ///
    /// # Errors
    ///
    /// Those of `setsockopt(2)`.
    pub fn set_nodelay(&self, nodelay: bool) -> io::Result<()> {
        self.socket.set_tcp_nodelay(nodelay)
    }

    /// Whether, and how often, an idle connection is asked if the peer is still there.
    ///
    /// # Errors
    ///
    /// Those of `setsockopt(2)`.
    pub fn set_keepalive(&self, keepalive: Option<&TcpKeepalive>) -> io::Result<()> {
        match keepalive {
            Some(keepalive) => self.socket.set_tcp_keepalive(keepalive),
            None => self.socket.set_keepalive(false),
        }
    }

    /// How long the kernel tries to send what is left when the socket is closed; zero resets the
    /// connection (`SO_LINGER`).
    ///
    /// With another time than zero the thread that closes the socket blocks for as long.
    ///
    /// # Errors
    ///
    /// Those of `setsockopt(2)`.
    pub fn set_linger(&self, duration: Option<Duration>) -> io::Result<()> {
        self.socket.set_linger(duration)
    }

    /// Connects to `peer`.
    ///
    /// # Errors
    ///
    /// Those of `connect(2)`: `ConnectionRefused`, `TimedOut`, `NetworkUnreachable`, …
    ///
    /// # Cancel safety
    ///
    /// It is cancel safe: the socket is closed.
    pub async fn connect(self, peer: impl Into<SocketAddr>) -> io::Result<Ring<TcpStream>> {
        self.connect_on_driver(peer, DefaultDriver).await
    }

    /// As [`connect`](TcpSocket::connect), on `driver`.
    ///
    /// # Errors
    ///
    /// Those of [`connect`](TcpSocket::connect).
    ///
    /// # Cancel safety
    ///
    /// It is cancel safe: the socket is closed.
    pub async fn connect_on_driver<D: Drive + Clone + Unpin>(
        self,
        peer: impl Into<SocketAddr>,
        driver: D,
    ) -> io::Result<Ring<TcpStream, D>> {
        Ring::connect_from_on_driver(self.socket, peer.into(), driver).await
    }

    /// Listens, with room for `backlog` connections that wait to be accepted.
    ///
    /// # Errors
    ///
    /// Those of `listen(2)`: `AddrInUse`.
    pub fn listen(self, backlog: i32) -> io::Result<Ring<TcpListener>> {
        self.listen_on_driver(backlog, DefaultDriver)
    }

    /// As [`listen`](TcpSocket::listen), on `driver`.
    ///
    /// # Errors
    ///
    /// Those of [`listen`](TcpSocket::listen).
    pub fn listen_on_driver<D: Drive + Clone + Unpin>(
        self,
        backlog: i32,
        driver: D,
    ) -> io::Result<Ring<TcpListener, D>> {
        Ring::listen_on_driver(self.socket, backlog, driver)
    }
}

impl From<Socket> for TcpSocket {
    fn from(socket: Socket) -> TcpSocket {
        TcpSocket { socket }
    }
}

impl From<TcpSocket> for Socket {
    fn from(socket: TcpSocket) -> Socket {
        socket.socket
    }
}

impl AsFd for TcpSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
