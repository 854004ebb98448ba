//! [`Ring`] of a stream socket: [`TcpStream`], [`UnixStream`].

use std::io;
use std::net::{Shutdown, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;

use ringbahn_core::{BufResult, Drive, IoBuf, IoBufMut, IoBufs, SocketAddress, Submission, event};
use socket2::{Domain, Socket, Type};

use super::Ring;
use super::buffering::Buffering;
use super::object::StreamSocket;
use super::receive::Receive;
use super::reception::Vectored;
use crate::driver::DefaultDriver;
use crate::net::ToSocketAddrs;

impl Ring<TcpStream> {
    /// Connects to the first of `addresses` that answers; they are tried one after the other. A
    /// name is looked up by a thread of a pool.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::net::TcpStream;
    /// use ringbahn::Ring;
    ///
    /// # fn main() -> std::io::Result<()> {
    /// # if ringbahn::DefaultDriver::shared().is_err() { return Ok(()) }
    /// # let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    /// # let port = listener.local_addr()?.port();
    /// // Or `("example.org", 443)`, or `"localhost:80"`.
    /// let connect = Ring::<TcpStream>::connect(("127.0.0.1", port));
    /// let stream = futures::executor::block_on(connect)?;
    /// assert_eq!(stream.peer_addr()?.port(), port);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of `connect(2)` to the last address: `ConnectionRefused`, `TimedOut`,
    /// `NetworkUnreachable`, …; `InvalidInput` where there is none; that of
    /// [`resolve`](crate::net::resolve) where a name is not known.
    ///
    /// # Cancel safety
    ///
    /// It is cancel safe: the socket is closed.
    pub async fn connect(addresses: impl ToSocketAddrs) -> io::Result<Ring<TcpStream>> {
        Ring::connect_on_driver(addresses, DefaultDriver).await
    }
}

impl<D: Drive + Clone + Unpin> Ring<TcpStream, D> {
    /// As [`connect`](Ring::<TcpStream>::connect), on `driver`.
    ///
    /// # Errors
    ///
    /// Those of [`connect`](Ring::<TcpStream>::connect).
    ///
    /// # Cancel safety
    ///
    /// It is cancel safe: the socket is closed.
    pub async fn connect_on_driver(
        addresses: impl ToSocketAddrs,
        driver: D,
    ) -> io::Result<Ring<TcpStream, D>> {
        let search = addresses.search();
        let none = "there is no address to connect to";
        let mut last = io::Error::new(io::ErrorKind::InvalidInput, none);
        for address in search.addresses().await? {
            let domain = Domain::for_address(address);
            match Ring::connect_to(domain, address.into(), driver.clone()).await {
                Ok(stream) => return Ok(stream),
                Err(error) => last = error,
            }
        }
        Err(last)
    }
}

impl Ring<UnixStream> {
    /// Connects to the socket at `path`. A path that begins with a zero byte is an abstract name.
    ///
    /// # Errors
    ///
    /// Those of `connect(2)`: `NotFound`, `ConnectionRefused`, …; `InvalidInput` for a path of
    /// more than 107 bytes.
    ///
    /// # Cancel safety
    ///
    /// It is cancel safe: the socket is closed.
    pub async fn connect_to_path(path: impl AsRef<Path>) -> io::Result<Ring<UnixStream>> {
        Ring::connect_to_path_on_driver(path, DefaultDriver).await
    }
}

impl<D: Drive + Clone + Unpin> Ring<UnixStream, D> {
    /// As [`connect_to_path`](Ring::connect_to_path), on `driver`.
    ///
    /// # Errors
    ///
    /// Those of [`connect_to_path`](Ring::connect_to_path).
    ///
    /// # Cancel safety
    ///
    /// It is cancel safe: the socket is closed.
    pub async fn connect_to_path_on_driver(
        path: impl AsRef<Path>,
        driver: D,
    ) -> io::Result<Ring<UnixStream, D>> {
        Ring::connect_to(Domain::UNIX, SocketAddress::unix(path)?, driver).await
    }
}

impl<T: StreamSocket + From<OwnedFd>> Ring<T> {
    /// Connects a socket that was prepared: with options that must be set before, or bound to an
    /// address to come from.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::net::{SocketAddr, TcpListener, TcpStream};
    /// use ringbahn::Ring;
    /// use ringbahn::socket2::{Domain, Socket, Type};
    ///
    /// # fn main() -> std::io::Result<()> {
    /// # if ringbahn::DefaultDriver::shared().is_err() { return Ok(()) }
    /// # let listener = TcpListener::bind("127.0.0.1:0")?;
    /// # let address = listener.local_addr()?;
    /// let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    /// socket.set_tcp_nodelay(true)?;
    /// socket.set_recv_buffer_size(1 << 20)?;
    /// socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())?;
    /// let connect = Ring::<TcpStream>::connect_from(socket, address);
    /// let stream = futures::executor::block_on(connect)?;
    /// assert!(stream.get_ref().nodelay()?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of `connect(2)`: `ConnectionRefused`, `TimedOut`, `NetworkUnreachable`, …
    ///
    /// # Cancel safety
    ///
    /// It is cancel safe: the socket is closed.
    pub async fn connect_from(
        socket: Socket,
        peer: impl Into<SocketAddress>,
    ) -> io::Result<Ring<T>> {
        Ring::connect_from_on_driver(socket, peer, DefaultDriver).await
    }
}

impl<T: StreamSocket + From<OwnedFd>, D: Drive + Clone + Unpin> Ring<T, D> {
    async fn connect_to(domain: Domain, peer: SocketAddress, driver: D) -> io::Result<Ring<T, D>> {
        let socket = Socket::new(domain, Type::STREAM, None)?;
        Ring::connect_from_on_driver(socket, peer, driver).await
    }

    /// As [`connect_from`](Ring::connect_from), on `driver`.
    ///
    /// # Errors
    ///
    /// Those of [`connect_from`](Ring::connect_from).
    ///
    /// # Cancel safety
    ///
    /// It is cancel safe: the socket is closed.
    pub async fn connect_from_on_driver(
        socket: Socket,
        peer: impl Into<SocketAddress>,
        driver: D,
    ) -> io::Result<Ring<T, D>> {
        socket.set_nonblocking(false)?;
        let stream = Ring::fresh(T::from(OwnedFd::from(socket)), driver);
        stream.handle.submit(event::Connect::new(stream.handle.fd(), peer)).await?;
        Ok(stream)
    }
}

impl<T: StreamSocket, D: Drive + Clone + Unpin, S: Buffering> Ring<T, D, S> {
    /// Receives into `buffer`, up to its capacity.
    ///
    /// Yields how many bytes were received, and the buffer. Zero means that the peer has ended the
    /// stream, or that the buffer has no room. What the buffer held before is replaced; to append
    /// to it, give its [spare capacity](IoBufMut::spare_capacity).
    ///
    /// Bytes that the handle holds already, because a `fill_buf` has read ahead or a former receive
    /// was dropped, come first.
    ///
    /// Of several receives at the same time nobody knows which one gets which bytes.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::os::unix::net::UnixStream;
    /// use ringbahn::{BufResultExt, Ring};
    ///
    /// # fn main() -> std::io::Result<()> {
    /// # if ringbahn::DefaultDriver::shared().is_err() { return Ok(()) }
    /// let (left, right) = UnixStream::pair()?;
    /// let (left, right) = (Ring::new(left), Ring::new(right));
    /// futures::executor::block_on(async {
    ///     left.send_all("hello").await.both()?;
    ///     let (_count, greeting) = right.recv(Vec::with_capacity(64)).await.both()?;
    ///     assert_eq!(greeting, b"hello");
    ///     Ok(())
    /// })
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of `recv(2)`: `ConnectionReset`, `NotConnected`, …
    ///
    /// # Cancel safety
    ///
    /// It is cancel safe: bytes that a dropped receive has received all the same stay with the
    /// handle, and the next one gets them. The buffer is dropped; [`cancel`](Receive::cancel) and
    /// [`timeout`](Receive::timeout) give it back.
    pub fn recv<B: IoBufMut>(&self, buffer: B) -> Receive<'_, B, D> {
        Receive::new(&self.input, self.handle.operands(), buffer)
    }

    /// Receives into several buffers, one after the other, as [`recv`](Ring::recv) does.
    ///
    /// # Errors
    ///
    /// Those of `recvmsg(2)`: `ConnectionReset`, `NotConnected`, …
    ///
    /// # Cancel safety
    ///
    /// It is cancel safe: bytes that a dropped receive has received all the same stay with the
    /// handle, and the next one gets them.
    pub fn recv_vectored<V: IoBufs<Buffer: IoBufMut>>(
        &self,
        buffers: V,
    ) -> Receive<'_, Vectored<V>, D> {
        Receive::new(&self.input, self.handle.operands(), buffers)
    }

    /// Fills `buffer` with what the next receive will yield, and takes nothing.
    ///
    /// Bytes that the handle holds already come first, and alone. Zero means that the peer has
    /// ended the stream, or that the buffer has no room. One that waits already does not see what
    /// a receive brings that is dropped beside it; it goes on to wait for more.
    ///
    /// # Errors
    ///
    /// Those of `recv(2)`: `ConnectionReset`, `NotConnected`, … An error that was told is not told
    /// again by the next receive.
    ///
    /// # Cancel safety
    ///
    /// It is cancel safe: it takes nothing. The buffer is dropped.
    pub async fn peek<B: IoBufMut>(&self, buffer: B) -> BufResult<usize, B> {
        self.input.peek(&self.handle, buffer).await
    }

    /// Sends `buffer`, or as much of it as the socket takes.
    ///
    /// Yields how many bytes were sent, and the buffer. It does not wait for what `AsyncWrite` has
    /// accepted: `flush` first where both are mixed.
    ///
    /// # Errors
    ///
    /// Those of `send(2)`: `BrokenPipe`, `ConnectionReset`, … Never a signal.
    ///
    /// # Cancel safety
    ///
    /// It is not cancel safe, use [`cancel`](Submission::cancel) to learn how much was sent: a send
    /// that is dropped may or may not happen.
    pub fn send<B: IoBuf>(&self, buffer: B) -> Submission<event::Send<B>, D> {
        self.handle.submit(event::Send::new(self.handle.writing_fd(), buffer))
    }

    /// Sends all of `buffer`.
    ///
    /// # Errors
    ///
    /// Those of [`send`](Ring::send); the bytes before the error have been sent.
    ///
    /// # Cancel safety
    ///
    /// It is not cancel safe, use [`cancel`](Submission::cancel) to learn how far it came: where
    /// it is dropped some of the bytes may be sent.
    pub fn send_all<B: IoBuf>(&self, buffer: B) -> Submission<event::SendAll<B>, D> {
        self.handle.submit(event::SendAll::new(self.handle.writing_fd(), buffer))
    }

    /// Sends several buffers, one after the other, or as much of them as the socket takes.
    ///
    /// Yields how many bytes were sent, and the buffers.
    ///
    /// # Errors
    ///
    /// Those of [`send`](Ring::send).
    ///
    /// # Cancel safety
    ///
    /// It is not cancel safe, use [`cancel`](Submission::cancel) to learn how much was sent: a send
    /// that is dropped may or may not happen.
    pub fn send_vectored<V: IoBufs>(&self, buffers: V) -> Submission<event::SendMsg<V>, D> {
        self.handle.submit(event::SendMsg::new(self.handle.writing_fd(), buffers))
    }

    /// Sends `buffer` without copying it.
    ///
    /// The buffer comes back when the network is done with it, which may be as late as the peer's
    /// acknowledgement. Worth it for some ten kilobytes and more.
    ///
    /// # Errors
    ///
    /// Those of [`send`](Ring::send).
    ///
    /// # Cancel safety
    ///
    /// It is not cancel safe, use [`cancel`](Submission::cancel) to learn how much was sent: a send
    /// that is dropped may or may not happen.
    ///
    /// # Kernel
    ///
    /// Linux 6.0.
    pub fn send_zc<B: IoBuf>(&self, buffer: B) -> Submission<event::SendZc<B>, D> {
        self.handle.submit(event::SendZc::new(self.handle.writing_fd(), buffer))
    }

    /// Ends one or both directions of the stream, after what `AsyncWrite` has accepted was sent.
    ///
    /// # Errors
    ///
    /// What a write has failed with and nobody has been told, and those of `shutdown(2)`:
    /// `NotConnected`.
    ///
    /// # Cancel safety
    ///
    /// It is not cancel safe, use it where it runs to its end: where it is dropped the stream may
    /// or may not be ended.
    pub async fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.written().await?;
        self.handle.submit(event::Shutdown::new(self.handle.fd(), how)).await
    }
}
