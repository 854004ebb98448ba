//! [`Ring`] of a [`Listener`]: [`TcpListener`], [`UnixListener`].

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use ringbahn_core::event::Accept;
use ringbahn_core::{Drive, SocketAddress, Submission};
use socket2::{Domain, SockAddr, Socket, Type};

use super::Ring;
use super::object::Listener;
use super::parking::Arrival;
use crate::driver::DefaultDriver;

impl Ring<TcpListener> {
    /// Listens at `address`, as [`TcpListener::bind`] does. Port 0 stands for any free one.
    ///
    /// This takes no IO, so there is nothing to wait for. No name is looked up: give an address.
    ///
    /// # Errors
    ///
    /// Those of `bind(2)`: `AddrInUse`, `AddrNotAvailable`, `PermissionDenied`, …
    pub fn bind(address: impl Into<SocketAddr>) -> io::Result<Ring<TcpListener>> {
        Ring::<TcpListener>::bind_on_driver(address, DefaultDriver)
    }
}

impl<D: Drive + Clone + Unpin> Ring<TcpListener, D> {
    /// As [`bind`](Ring::bind), on `driver`.
    ///
    /// # Errors
    ///
    /// Those of [`bind`](Ring::bind).
    pub fn bind_on_driver(
        address: impl Into<SocketAddr>,
        driver: D,
    ) -> io::Result<Ring<TcpListener, D>> {
        let listener = TcpListener::bind(address.into())?;
        Ok(Ring::fresh(listener, driver))
    }
}

/// A connection, and the address of its peer.
type Accepted<T, D> = io::Result<(Ring<<T as Listener>::Stream, D>, <T as Listener>::Address)>;

/// How many connections may wait to be accepted: as many as the system allows, up to this.
pub(super) const BACKLOG: i32 = 4096;

/// A Unix socket that has its name.
pub(super) fn unix_socket(path: impl AsRef<Path>) -> io::Result<Socket> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.bind(&SockAddr::unix(path)?)?;
    Ok(socket)
}

impl Ring<UnixListener> {
    /// Listens at `path`. One that begins with a zero byte is an abstract name, of which nothing
    /// is left behind; a path stays, and is for the caller to remove.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::os::unix::net::{UnixListener, UnixStream};
    /// use ringbahn::{BufResultExt, Ring};
    ///
    /// # fn main() -> std::io::Result<()> {
    /// # if ringbahn::DefaultDriver::shared().is_err() { return Ok(()) }
    /// let name = format!("\0ringbahn-example-{}", std::process::id());
    /// let listener = Ring::<UnixListener>::bind(&name)?;
    /// futures::executor::block_on(async {
    ///     let client = Ring::<UnixStream>::connect_to_path(&name);
    ///     let (client, accepted) = futures::join!(client, listener.accept());
    ///     let (server, peer) = accepted?;
    ///     assert!(peer.is_unnamed());
    ///     server.send_all("hello").await.both()?;
    ///     let (_count, greeting) = client?.recv(vec![0; 5]).await.both()?;
    ///     assert_eq!(greeting, b"hello");
    ///     Ok(())
    /// })
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of `bind(2)`: `AddrInUse`, `PermissionDenied`, …; `InvalidInput` for a path of more
    /// than 107 bytes.
    pub fn bind(path: impl AsRef<Path>) -> io::Result<Ring<UnixListener>> {
        Ring::<UnixListener>::bind_on_driver(path, DefaultDriver)
    }
}

impl<D: Drive + Clone + Unpin> Ring<UnixListener, D> {
    /// As [`bind`](Ring::<UnixListener>::bind), on `driver`.
    ///
    /// # Errors
    ///
    /// Those of [`bind`](Ring::<UnixListener>::bind).
    pub fn bind_on_driver(path: impl AsRef<Path>, driver: D) -> io::Result<Ring<UnixListener, D>> {
        Ring::listen_on_driver(unix_socket(path)?, BACKLOG, driver)
    }
}

impl<T: Listener> Ring<T> {
    /// Listens on a socket that was prepared and bound, with room for `backlog` connections that
    /// wait to be accepted.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::net::{SocketAddr, TcpListener};
    /// use ringbahn::Ring;
    /// use ringbahn::socket2::{Domain, Socket, Type};
    ///
    /// # fn main() -> std::io::Result<()> {
    /// // Several listeners at one port, among which the kernel distributes the connections.
    /// let mut address = SocketAddr::from(([127, 0, 0, 1], 0));
    /// let mut listeners = Vec::new();
    /// for _ in 0..2 {
    ///     let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    ///     socket.set_reuse_port(true)?;
    ///     socket.bind(&address.into())?;
    ///     let listener = Ring::<TcpListener>::listen_on(socket, 128)?;
    ///     address = listener.get_ref().local_addr()?;
    ///     listeners.push(listener);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of `listen(2)`: `AddrInUse`, …
    pub fn listen_on(socket: Socket, backlog: i32) -> io::Result<Ring<T>> {
        Ring::listen_on_driver(socket, backlog, DefaultDriver)
    }
}

impl<T: Listener, D: Drive + Clone + Unpin> Ring<T, D> {
    /// As [`listen_on`](Ring::listen_on), on `driver`.
    ///
    /// # Errors
    ///
    /// Those of [`listen_on`](Ring::listen_on).
    pub fn listen_on_driver(socket: Socket, backlog: i32, driver: D) -> io::Result<Ring<T, D>> {
        socket.listen(backlog)?;
        Ok(Ring::new_on_driver(T::from(OwnedFd::from(socket)), driver))
    }

    /// Accepts a connection, which runs on the same driver.
    ///
    /// # Errors
    ///
    /// Those of `accept(2)`. None of them is the end of the listener: `ConnectionAborted` concerns
    /// one peer that has gone, and the descriptor limit (`EMFILE`, `ENFILE`) may leave room again.
    /// They are reported as they come, once per call, so wait before the next call after the
    /// latter.
    ///
    /// # Cancel safety
    ///
    /// It is cancel safe, and cheap to drop: the operation in flight stays with the handle, and
    /// the next `accept` takes it over, with the connection that it has brought. Nothing is
    /// cancelled until the listener is dropped, which closes the connections nobody has taken.
    pub async fn accept(&self) -> io::Result<(Ring<T::Stream, D>, T::Address)> {
        let mut arrival = Arrival::new(self.accepts.of_descriptors());
        let accepted = poll_fn(|cx| arrival.poll(|| self.submit_accept(), cx)).await;
        self.connection(accepted)
    }

    /// The connections as they arrive: a stream without an end, of what
    /// [`accept`](Ring::accept) yields.
    ///
    /// # Cancel safety
    ///
    /// It is cancel safe, as [`accept`](Ring::accept) is: dropping the stream, or the future of
    /// its next item, loses no connection.
    pub fn incoming(&self) -> Incoming<'_, T, D> {
        Incoming { listener: self, arrival: Arrival::new(self.accepts.of_descriptors()) }
    }

    fn submit_accept(&self) -> Submission<Accept, D> {
        self.handle.submit(Accept::new(self.handle.fd()))
    }

    fn connection(&self, accepted: io::Result<(OwnedFd, SocketAddress)>) -> Accepted<T, D> {
        let (connection, peer) = accepted?;
        let peer = T::peer(&peer)?;
        Ok((Ring::fresh(T::Stream::from(connection), self.driver().clone()), peer))
    }
}

/// The stream of [`Ring::incoming`].
#[must_use = "streams do nothing unless polled"]
pub struct Incoming<'a, T: Listener, D: Drive + Unpin> {
    listener: &'a Ring<T, D>,
    arrival: Arrival<'a, D>,
}

impl<T: Listener, D: Drive + Clone + Unpin> Stream for Incoming<'_, T, D> {
    type Item = io::Result<(Ring<T::Stream, D>, T::Address)>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        let accepted = ready!(this.arrival.poll(|| this.listener.submit_accept(), cx));
        // What it waited for besides is the next one's, or somebody else's who waits.
        this.arrival = Arrival::new(this.listener.accepts.of_descriptors());
        Poll::Ready(Some(this.listener.connection(accepted)))
    }
}

impl<T: Listener, D: Drive + Unpin> fmt::Debug for Incoming<'_, T, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming").finish_non_exhaustive()
    }
}
