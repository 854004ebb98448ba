//! [`Ring`] of a [`UnixDatagram`].

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::Path;

use ringbahn_core::{BufResult, Drive, IoBuf, IoBufMut, IoBufs, SocketAddress, Submission, event};
use socket2::{Domain, SockAddr, Socket, Type};

use super::Ring;
use super::receive::Receive;
use super::reception::{Datagram, VectoredDatagram};
use crate::driver::DefaultDriver;

impl Ring<UnixDatagram> {
    /// A socket at `path`. One that begins with a zero byte is an abstract name, of which nothing
    /// is left behind; a path stays, and is for the caller to remove.
    ///
    /// # Errors
    ///
    /// Those of `bind(2)`: `AddrInUse`, `PermissionDenied`, …; `InvalidInput` for a path of more
    /// than 107 bytes.
    pub fn bind(path: impl AsRef<Path>) -> io::Result<Ring<UnixDatagram>> {
        Ring::<UnixDatagram>::bind_on_driver(path, DefaultDriver)
    }

    /// A socket without a name, as [`UnixDatagram::unbound`] makes it.
    ///
    /// # Errors
    ///
    /// Those of `socket(2)`.
    pub fn unbound() -> io::Result<Ring<UnixDatagram>> {
        Ring::unbound_on_driver(DefaultDriver)
    }

    /// Two sockets without a name that are connected to each other, as [`UnixDatagram::pair`]
    /// makes them.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::os::unix::net::UnixDatagram;
    /// use ringbahn::{BufResultExt, Ring};
    ///
    /// # fn main() -> std::io::Result<()> {
    /// # if ringbahn::DefaultDriver::shared().is_err() { return Ok(()) }
    /// let (left, right) = Ring::<UnixDatagram>::pair()?;
    /// futures::executor::block_on(async {
    ///     left.send("hello").await.both()?;
    ///     let (_count, datagram) = right.recv(Vec::with_capacity(64)).await.both()?;
    ///     assert_eq!(datagram, b"hello");
    ///     Ok(())
    /// })
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of `socketpair(2)`.
    pub fn pair() -> io::Result<(Ring<UnixDatagram>, Ring<UnixDatagram>)> {
        Ring::pair_on_driver(DefaultDriver)
    }
}

impl<D: Drive + Clone + Unpin> Ring<UnixDatagram, D> {
    /// As [`bind`](Ring::<UnixDatagram>::bind), on `driver`.
    ///
    /// # Errors
    ///
    /// Those of [`bind`](Ring::<UnixDatagram>::bind).
    pub fn bind_on_driver(path: impl AsRef<Path>, driver: D) -> io::Result<Ring<UnixDatagram, D>> {
        let socket = Socket::new(Domain::UNIX, Type::DGRAM, None)?;
        socket.bind(&SockAddr::unix(path)?)?;
        Ok(Ring::fresh(UnixDatagram::from(OwnedFd::from(socket)), driver))
    }

    /// As [`unbound`](Ring::unbound), on `driver`.
    ///
    /// # Errors
    ///
    /// Those of [`unbound`](Ring::unbound).
    pub fn unbound_on_driver(driver: D) -> io::Result<Ring<UnixDatagram, D>> {
        Ok(Ring::fresh(UnixDatagram::unbound()?, driver))
    }

    /// As [`pair`](Ring::pair), on `driver`.
    ///
    /// # Errors
    ///
    /// Those of [`pair`](Ring::pair).
    pub fn pair_on_driver(driver: D) -> io::Result<(Ring<UnixDatagram, D>, Ring<UnixDatagram, D>)> {
        let (left, right) = UnixDatagram::pair()?;
        Ok((Ring::fresh(left, driver.clone()), Ring::fresh(right, driver)))
    }

    /// Sets whom [`send`](Ring::<UnixDatagram>::send) sends to, and from whom alone datagrams are
    /// received. A path that begins with a zero byte is an abstract name.
    ///
    /// Nothing is sent for it, so there is nothing to wait for.
    ///
    /// # Errors
    ///
    /// Those of `connect(2)`: `NotFound`, `ConnectionRefused`, …; `InvalidInput` for a path of
    /// more than 107 bytes.
    pub fn connect(&self, path: impl AsRef<Path>) -> io::Result<()> {
        socket2::SockRef::from(self.get_ref()).connect(&SockAddr::unix(path)?)
    }

    /// Receives a datagram into `buffer`, up to its capacity.
    ///
    /// Yields how many bytes there were, and the buffer; what has no room is lost, as with
    /// `recv(2)`. Zero is an empty datagram.
    ///
    /// # Errors
    ///
    /// Those of `recv(2)`.
    ///
    /// # Cancel safety
    ///
    /// It is cancel safe: a datagram that a dropped receive has received all the same stays with
    /// the handle, as much of it as its buffer had room for, and the next one gets it. The buffer
    /// is dropped; [`cancel`](Receive::cancel) and [`timeout`](Receive::timeout) give it back.
    pub fn recv<B: IoBufMut>(&self, buffer: B) -> Receive<'_, Datagram<B>, D> {
        Receive::new(&self.input, self.handle.operands(), buffer)
    }

    /// As [`recv`](Ring::<UnixDatagram>::recv), and tells who has sent it.
    ///
    /// # Errors
    ///
    /// Those of [`recv`](Ring::<UnixDatagram>::recv).
    ///
    /// # Cancel safety
    ///
    /// It is cancel safe, as [`recv`](Ring::<UnixDatagram>::recv) is.
    pub fn recv_from<B: IoBufMut>(
        &self,
        buffer: B,
    ) -> Receive<'_, Datagram<B, (usize, SocketAddr)>, D> {
        Receive::new(&self.input, self.handle.operands(), buffer)
    }

    /// As [`recv`](Ring::<UnixDatagram>::recv), into several buffers, one after the other.
    ///
    /// # Errors
    ///
    /// Those of [`recv`](Ring::<UnixDatagram>::recv).
    ///
    /// # Cancel safety
    ///
    /// It is cancel safe, as [`recv`](Ring::<UnixDatagram>::recv) is.
    pub fn recv_vectored<V: IoBufs<Buffer: IoBufMut>>(
        &self,
        buffers: V,
    ) -> Receive<'_, VectoredDatagram<V>, D> {
        Receive::new(&self.input, self.handle.operands(), buffers)
    }

    /// Fills `buffer` with the datagram that the next receive will yield, and takes nothing. One
    /// that waits already does not see what a receive brings that is dropped beside it; it goes on
    /// to wait for another.
    ///
    /// # Errors
    ///
    /// Those of [`recv`](Ring::<UnixDatagram>::recv). An error that was told is not told again.
    ///
    /// # Cancel safety
    ///
    /// It is cancel safe: it takes nothing. The buffer is dropped.
    pub async fn peek<B: IoBufMut>(&self, buffer: B) -> BufResult<usize, B> {
        self.input.peek_datagram(&self.handle, buffer).await
    }

    /// As [`peek`](Ring::<UnixDatagram>::peek), and tells who has sent it.
    ///
    /// # Errors
    ///
    /// Those of [`recv`](Ring::<UnixDatagram>::recv). An error that was told is not told again.
    ///
    /// # Cancel safety
    ///
    /// It is cancel safe: it takes nothing. The buffer is dropped.
    pub async fn peek_from<B: IoBufMut>(&self, buffer: B) -> BufResult<(usize, SocketAddr), B> {
        self.input.peek_datagram(&self.handle, buffer).await
    }

    /// Sends `buffer` as a datagram to the peer that the socket is connected to. Waits where the
    /// peer's queue is full.
    ///
    /// # Errors
    ///
    /// Those of `send(2)`: `NotConnected`, `ConnectionRefused`, `EMSGSIZE` for a datagram that is
    /// too long, …
    ///
    /// # Cancel safety
    ///
    /// It is not cancel safe, use [`cancel`](Submission::cancel) to learn whether it was sent: a
    /// send that is dropped may or may not happen.
    pub fn send<B: IoBuf>(&self, buffer: B) -> Submission<event::Send<B>, D> {
        self.handle.submit(event::Send::new(self.handle.fd(), buffer))
    }

    /// Sends `buffer` as a datagram to `peer`: [`SocketAddress::unix`] of a path, or of the
    /// [address](SocketAddress#impl-TryFrom<%26SocketAddr>-for-SocketAddress) that
    /// [`recv_from`](Ring::<UnixDatagram>::recv_from) has told.
    ///
    /// # Errors
    ///
    /// Those of `sendto(2)`: `NotFound`, `ConnectionRefused`, `EMSGSIZE` for a datagram that is
    /// too long, …
    ///
    /// # Cancel safety
    ///
    /// It is not cancel safe, use [`cancel`](Submission::cancel) to learn whether it was sent: a
    /// send that is dropped may or may not happen.
    pub fn send_to<B: IoBuf>(
        &self,
        buffer: B,
        peer: SocketAddress,
    ) -> Submission<event::SendTo<B>, D> {
        self.handle.submit(event::SendTo::new(self.handle.fd(), buffer, peer))
    }

    /// Sends several buffers as one datagram to the peer that the socket is connected to.
    ///
    /// # Errors
    ///
    /// Those of [`send`](Ring::<UnixDatagram>::send).
    ///
    /// # Cancel safety
    ///
    /// It is not cancel safe, use [`cancel`](Submission::cancel) to learn whether it was sent: a
    /// send that is dropped may or may not happen.
    pub fn send_vectored<V: IoBufs>(&self, buffers: V) -> Submission<event::SendMsg<V>, D> {
        self.handle.submit(event::SendMsg::new(self.handle.fd(), buffers))
    }
}
