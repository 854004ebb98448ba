//! [`Ring`] of a [`UdpSocket`].

use std::io;
use std::net::{SocketAddr, UdpSocket};

use ringbahn_core::{BufResult, Drive, IoBuf, IoBufMut, IoBufs, Submission, event};

use super::Ring;
use super::receive::Receive;
use super::reception::{Datagram, VectoredDatagram};
use crate::driver::DefaultDriver;

impl Ring<UdpSocket> {
    /// A socket at `address`, as [`UdpSocket::bind`] makes it. Port 0 stands for any free one.
    ///
    /// A socket with options that must be set before is made with
    /// [`socket2`](crate::socket2), and adopted by `Ring::new(UdpSocket::from(socket))`.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::net::{Ipv4Addr, UdpSocket};
    /// use ringbahn::{BufResultExt, Ring};
    ///
    /// # fn main() -> std::io::Result<()> {
    /// # if ringbahn::DefaultDriver::shared().is_err() { return Ok(()) }
    /// let one = Ring::<UdpSocket>::bind((Ipv4Addr::LOCALHOST, 0))?;
    /// let other = Ring::<UdpSocket>::bind((Ipv4Addr::LOCALHOST, 0))?;
    /// futures::executor::block_on(async {
    ///     one.send_to("hello", other.get_ref().local_addr()?).await.both()?;
    ///     let buffer = Vec::with_capacity(2048);
    ///     let ((_count, sender), datagram) = other.recv_from(buffer).await.both()?;
    ///     assert_eq!((sender, &datagram[..]), (one.get_ref().local_addr()?, &b"hello"[..]));
    ///     Ok(())
    /// })
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of `bind(2)`: `AddrInUse`, `AddrNotAvailable`, `PermissionDenied`, …
    pub fn bind(address: impl Into<SocketAddr>) -> io::Result<Ring<UdpSocket>> {
        Ring::<UdpSocket>::bind_on_driver(address, DefaultDriver)
    }
}

impl<D: Drive + Clone + Unpin> Ring<UdpSocket, D> {
    /// As [`bind`](Ring::<UdpSocket>::bind), on `driver`.
    ///
    /// # Errors
    ///
    /// Those of [`bind`](Ring::<UdpSocket>::bind).
    pub fn bind_on_driver(
        address: impl Into<SocketAddr>,
        driver: D,
    ) -> io::Result<Ring<UdpSocket, D>> {
        Ok(Ring::fresh(UdpSocket::bind(address.into())?, driver))
    }

    /// Sets whom [`send`](Ring::<UdpSocket>::send) sends to, and from whom alone datagrams are
    /// received.
    ///
    /// Nothing is sent for it, so there is nothing to wait for.
    ///
    /// # Errors
    ///
    /// Those of `connect(2)`: `NetworkUnreachable`, …
    pub fn connect(&self, peer: impl Into<SocketAddr>) -> io::Result<()> {
        self.get_ref().connect(peer.into())
    }

    /// Receives a datagram into `buffer`, up to its capacity.
    ///
    /// Yields how many bytes there were, and the buffer; what has no room is lost, as with
    /// `recv(2)`. Zero is an empty datagram.
    ///
    /// # Errors
    ///
    /// Those of `recv(2)`: `ConnectionRefused`, where a datagram sent before has come back, …
    ///
    /// # Cancel safety
    ///
    /// It is cancel safe: a datagram that a dropped receive has received all the same stays with
    /// the handle, as much of it as its buffer had room for, and the next one gets it. The buffer
    /// is dropped; [`cancel`](Receive::cancel) and [`timeout`](Receive::timeout) give it back.
    pub fn recv<B: IoBufMut>(&self, buffer: B) -> Receive<'_, Datagram<B>, D> {
        Receive::new(&self.input, self.handle.operands(), buffer)
    }

    /// As [`recv`](Ring::<UdpSocket>::recv), and tells who has sent it.
    ///
    /// # Errors
    ///
    /// Those of [`recv`](Ring::<UdpSocket>::recv); `InvalidInput` on a socket that was shut down,
    /// where nobody has sent anything.
    ///
    /// # Cancel safety
    ///
    /// It is cancel safe, as [`recv`](Ring::<UdpSocket>::recv) is.
    pub fn recv_from<B: IoBufMut>(
        &self,
        buffer: B,
    ) -> Receive<'_, Datagram<B, (usize, SocketAddr)>, D> {
        Receive::new(&self.input, self.handle.operands(), buffer)
    }

    /// As [`recv`](Ring::<UdpSocket>::recv), into several buffers, one after the other.
    ///
    /// # Errors
    ///
    /// Those of [`recv`](Ring::<UdpSocket>::recv).
    ///
    /// # Cancel safety
    ///
    /// It is cancel safe, as [`recv`](Ring::<UdpSocket>::recv) is.
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
    /// Those of [`recv`](Ring::<UdpSocket>::recv). An error that was told is not told again.
    ///
    /// # Cancel safety
    ///
    /// It is cancel safe: it takes nothing. The buffer is dropped.
    pub async fn peek<B: IoBufMut>(&self, buffer: B) -> BufResult<usize, B> {
        self.input.peek_datagram(&self.handle, buffer).await
    }

    /// As [`peek`](Ring::<UdpSocket>::peek), and tells who has sent it.
    ///
    /// # Errors
    ///
    /// Those of [`recv_from`](Ring::<UdpSocket>::recv_from). An error that was told is not told
    /// again.
    ///
    /// # Cancel safety
    ///
    /// It is cancel safe: it takes nothing. The buffer is dropped.
    pub async fn peek_from<B: IoBufMut>(&self, buffer: B) -> BufResult<(usize, SocketAddr), B> {
        self.input.peek_datagram(&self.handle, buffer).await
    }

    /// Sends `buffer` as a datagram to the peer that the socket is connected to.
    ///
    /// # Errors
    ///
    /// Those of `send(2)`: `EMSGSIZE` for a datagram that is too long, `ConnectionRefused`, …; of
    /// a socket that is not connected it is `EDESTADDRREQ`.
    ///
    /// # Cancel safety
    ///
    /// It is not cancel safe, use [`cancel`](Submission::cancel) to learn whether it was sent: a
    /// send that is dropped may or may not happen.
    pub fn send<B: IoBuf>(&self, buffer: B) -> Submission<event::Send<B>, D> {
        self.handle.submit(event::Send::new(self.handle.fd(), buffer))
    }

    /// Sends `buffer` as a datagram to `peer`.
    ///
    /// # Errors
    ///
    /// Those of `sendto(2)`: `EMSGSIZE` for a datagram that is too long, `NetworkUnreachable`, …
    ///
    /// # Cancel safety
    ///
    /// It is not cancel safe, use [`cancel`](Submission::cancel) to learn whether it was sent: a
    /// send that is dropped may or may not happen.
    pub fn send_to<B: IoBuf>(
        &self,
        buffer: B,
        peer: impl Into<SocketAddr>,
    ) -> Submission<event::SendTo<B>, D> {
        self.handle.submit(event::SendTo::new(self.handle.fd(), buffer, peer.into()))
    }

    /// Sends several buffers as one datagram to the peer that the socket is connected to.
    ///
    /// # Errors
    ///
    /// Those of [`send`](Ring::<UdpSocket>::send).
    ///
    /// # Cancel safety
    ///
    /// It is not cancel safe, use [`cancel`](Submission::cancel) to learn whether it was sent: a
    /// send that is dropped may or may not happen.
    pub fn send_vectored<V: IoBufs>(&self, buffers: V) -> Submission<event::SendMsg<V>, D> {
        self.handle.submit(event::SendMsg::new(self.handle.fd(), buffers))
    }
}
