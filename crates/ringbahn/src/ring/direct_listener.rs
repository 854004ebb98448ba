//! [`Ring`] of a [`Direct`] listener: it and its connections are in slots, all of them.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::path::Path;

use ringbahn_core::event::{self, Opens as _};
use ringbahn_core::{DirectTable, Drive, SocketAddress};
use socket2::{Domain, Type};

use super::Ring;
use super::buffering::Buffering;
use super::direct::Direct;
use super::listener::{BACKLOG, unix_socket};
use super::object::{Listener, Object};
use super::slot_accepts::{Accepted, Ear, IncomingInSlots, SlotAccepts};
use super::slot_connections::SlotConnections;

impl<T, D> Ring<Direct<T>, D>
where
    T: Object + From<OwnedFd> + Into<OwnedFd>,
    D: Drive + Clone + Unpin,
{
    /// Puts an object that has a descriptor into a slot of `table`, and closes the descriptor. The
    /// table is of the ring of `driver`.
    ///
    /// For sockets that need options, which only a descriptor takes. A file begins at its start,
    /// wherever it was.
    ///
    /// # Errors
    ///
    /// `ENFILE` where no slot is free; `Unsupported` on kernels before 6.0; `InvalidInput` where
    /// the table is of another ring. The object is closed then.
    ///
    /// # Cancel safety
    ///
    /// It is cancel safe: the object is closed.
    ///
    /// # Kernel
    ///
    /// Linux 6.0.
    pub async fn put_into_slot(
        object: T,
        table: &DirectTable,
        driver: D,
    ) -> io::Result<Ring<Direct<T>, D>> {
        object.adopt();
        let descriptor: OwnedFd = object.into();
        let registered = event::RegisterFd::new(descriptor, table)?;
        let slot = driver.clone().submit(registered).await?;
        Ok(Ring::fresh(Direct::new(slot), driver))
    }
}

impl<D: Drive + Clone + Unpin> Ring<Direct<TcpListener>, D> {
    /// Listens at `address`, as [`TcpListener::bind`] does, with a socket in a slot of `table`,
    /// which is of the ring of `driver`. Its connections get into slots of the same table.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::net::{TcpListener, TcpStream};
    /// use ringbahn::{BufResultExt, Direct, Ring, SharedDriver};
    ///
    /// # fn main() -> std::io::Result<()> {
    /// # let Ok(driver) = SharedDriver::new() else { return Ok(()) };
    /// # let Ok(_) = driver.direct_table(1024) else { return Ok(()) };
    /// let table = driver.direct_table(1024)?;
    /// futures::executor::block_on(async {
    ///     let any = ([127, 0, 0, 1], 0);
    ///     let listener: Ring<Direct<TcpListener>, _> =
    ///         Ring::<Direct<TcpListener>, _>::bind_into_slot(any, &table, driver).await?;
    /// #   let Ok(address) = listener.local_addr().await else { return Ok(()) };
    ///     let address = listener.local_addr().await?;
    ///     let client = TcpStream::connect(address)?;
    ///     let (connection, _peer) = listener.accept().await?;
    ///     assert_eq!(table.open(), 2);
    ///     connection.send_all("hello").await.both()?;
    /// #   drop(client);
    ///     Ok(())
    /// })
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of `bind(2)`: `AddrInUse`, `AddrNotAvailable`, `PermissionDenied`, …; `ENFILE` where
    /// no slot is free; `InvalidInput` where the table is of another ring; `Unsupported` on kernels
    /// before 6.0.
    ///
    /// # Cancel safety
    ///
    /// It is cancel safe: the socket is closed.
    ///
    /// # Kernel
    ///
    /// Linux 6.11. On older ones, from 6.0 on, the socket has a descriptor until it is in its slot.
    pub async fn bind_into_slot(
        address: impl Into<SocketAddr>,
        table: &DirectTable,
        driver: D,
    ) -> io::Result<Ring<Direct<TcpListener>, D>> {
        let address = address.into();
        let socket = event::Socket::new(Domain::for_address(address), Type::STREAM, None);
        match listen(socket, address.into(), true, table, &driver).await {
            Err(error) if is_for_want_of_operations(&error) => {
                Ring::put_into_slot(TcpListener::bind(address)?, table, driver).await
            }
            listener => listener,
        }
    }
}

impl<D: Drive + Clone + Unpin> Ring<Direct<UnixListener>, D> {
    /// Listens at `path`, as [`bind`](Ring::<UnixListener>::bind) does, with a socket in a slot of
    /// `table`, which is of the ring of `driver`. Its connections get into slots of the same table.
    ///
    /// # Errors
    ///
    /// Those of [`bind`](Ring::<UnixListener>::bind); `ENFILE` where no slot is free;
    /// `InvalidInput` where the table is of another ring; `Unsupported` on kernels before 6.0.
    ///
    /// # Cancel safety
    ///
    /// It is cancel safe: the socket is closed. A path may be left.
    ///
    /// # Kernel
    ///
    /// Linux 6.11. On older ones, from 6.0 on, the socket has a descriptor until it is in its slot.
    pub async fn bind_into_slot(
        path: impl AsRef<Path>,
        table: &DirectTable,
        driver: D,
    ) -> io::Result<Ring<Direct<UnixListener>, D>> {
        let address = SocketAddress::unix(&path)?;
        let socket = event::Socket::new(Domain::UNIX, Type::STREAM, None);
        match listen(socket, address, false, table, &driver).await {
            Err(error) if is_for_want_of_operations(&error) => {
                let socket = unix_socket(path)?;
                socket.listen(BACKLOG)?;
                let listener = UnixListener::from(OwnedFd::from(socket));
                Ring::put_into_slot(listener, table, driver).await
            }
            listener => listener,
        }
    }
}

impl<T: Listener, D: Drive + Clone + Unpin, S: Buffering> Ring<Direct<T>, D, S> {
    /// Accepts a connection into a slot of the listener's own table. It runs on the same driver.
    ///
    /// # Errors
    ///
    /// Those of `accept(2)`, of which none is the end of the listener; `ENFILE` where no slot is
    /// free, and then the connection is closed; `InvalidInput` where the slot is of another ring
    /// than the driver's.
    ///
    /// # Cancel safety
    ///
    /// It is cancel safe, and cheap to drop: the operation in flight stays with the handle, and
    /// the next `accept` takes it over, with the connection that it has brought. Nothing is
    /// cancelled until the listener is dropped, which closes the connections nobody has taken.
    ///
    /// # Kernel
    ///
    /// Linux 5.19.
    pub async fn accept(&self) -> Accepted<T, D> {
        self.accepts_into_slots().accept().await
    }

    /// The connections as they arrive: a stream without an end, of what `accept` yields.
    ///
    /// # Cancel safety
    ///
    /// It is cancel safe, as `accept` is: dropping the stream, or the future of its next item,
    /// loses no connection.
    pub fn incoming(&self) -> IncomingInSlots<'_, T, D> {
        self.accepts_into_slots().incoming()
    }

    /// The connections as they arrive, all by one operation: a stream that has the listener.
    ///
    /// Accepts whose future was dropped are cancelled, and a connection that one has brought is
    /// closed: so do this first.
    pub fn into_connections(self) -> SlotConnections<T, D> {
        let handle = &self.handle;
        SlotConnections::new(handle.fd(), handle.object().fd().table(), handle.driver())
    }

    /// The address that it listens at. It is asked for by a descriptor that there is for a moment.
    ///
    /// # Errors
    ///
    /// Those of `install`, of `getsockname(2)`, and `Other` where the socket is of another family.
    ///
    /// # Cancel safety
    ///
    /// It is cancel safe: the descriptor is closed.
    ///
    /// # Kernel
    ///
    /// Linux 6.8.
    pub async fn local_addr(&self) -> io::Result<T::Address> {
        self.install().await?.local()
    }

    fn accepts_into_slots(&self) -> SlotAccepts<'_, T, D> {
        SlotAccepts {
            ear: Ear::Slot(&self.handle),
            table: self.get_ref().fd().table(),
            parking: self.accepts.of_slots(),
        }
    }
}

/// A listening socket that has never been anything but a slot.
async fn listen<T: Object + From<OwnedFd>, D: Drive + Clone + Unpin>(
    socket: event::Socket,
    address: SocketAddress,
    reuse: bool,
    table: &DirectTable,
    driver: &D,
) -> io::Result<Ring<Direct<T>, D>> {
    let slot = driver.clone().submit(socket.into_slot(table)).await?;
    let listener = Ring::fresh(Direct::new(slot), driver.clone());
    match set_up(&listener, address, reuse).await {
        Ok(()) => Ok(listener),
        Err(error) => {
            // Waits until the slot is free: there may be no other one.
            listener.close().await?;
            Err(error)
        }
    }
}

async fn set_up<T: Object, D: Drive + Clone + Unpin>(
    listener: &Ring<T, D>,
    address: SocketAddress,
    reuse: bool,
) -> io::Result<()> {
    let handle = &listener.handle;
    if reuse {
        handle.submit(event::ReuseAddress::new(handle.fd())).await?;
    }
    handle.submit(event::Bind::new(handle.fd(), address)).await?;
    handle.submit(event::Listen::new(handle.fd(), BACKLOG.cast_unsigned())).await
}

/// Whether an operation on a slot has failed since the kernel does not have it. If it was for
/// another reason, what has the same errors with a descriptor says so once more.
fn is_for_want_of_operations(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EINVAL | libc::EOPNOTSUPP | libc::EBADF))
}
