//! [`SlotListener`]: a listener whose connections get into slots of a ring.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use ringbahn_core::event::{Accept, IntoSlot, Opens as _};
use ringbahn_core::{DirectFd, DirectTable, Drive, SocketAddress};

use super::Ring;
use super::buffering::Buffering;
use super::direct::Direct;
use super::object::Listener;
use super::parking::{Arrival, Parking};
use super::share::Handle;

/// A listener whose connections get into slots of a ring, and never are descriptors of the process.
///
/// Made by [`Ring::into_slots`]. The listener itself has a descriptor.
///
/// # Examples
///
/// ```
/// use std::net::TcpListener;
/// use ringbahn::{BufResultExt, Ring, SharedDriver};
///
/// # fn main() -> std::io::Result<()> {
/// # let Ok(driver) = SharedDriver::new() else { return Ok(()) };
/// # let Ok(_) = driver.direct_table(1024) else { return Ok(()) };
/// let table = driver.direct_table(1024)?;
/// let listener = Ring::<TcpListener, _>::bind_on_driver(([127, 0, 0, 1], 0), driver)?;
/// let listener = listener.into_slots(&table);
/// # let client = std::net::TcpStream::connect(listener.get_ref().local_addr()?)?;
/// futures::executor::block_on(async {
///     let (connection, peer) = listener.accept().await?;
///     assert!(peer.ip().is_loopback());
///     assert_eq!(table.open(), 1);
///     connection.send_all("hello").await.both()?;
///     Ok(())
/// })
/// # }
/// ```
pub struct SlotListener<T: Listener, D: Drive + Unpin> {
    handle: Handle<T, D>,
    table: DirectTable,
    parking: Parking<D, IntoSlot<Accept>>,
}

/// A connection in a slot, and the address of its peer.
type Accepted<T, D> =
    io::Result<(Ring<Direct<<T as Listener>::Stream>, D>, <T as Listener>::Address)>;

impl<T: Listener, D: Drive + Clone + Unpin, S: Buffering> Ring<T, D, S> {
    /// The same listener, but for its connections to get into slots of `table`, which is of the
    /// ring of the driver.
    ///
    /// Accepts whose future was dropped are cancelled, and a connection that one has brought is
    /// closed: so do this first.
    pub fn into_slots(self, table: &DirectTable) -> SlotListener<T, D> {
        SlotListener { handle: self.handle, table: table.clone(), parking: Parking::new() }
    }
}

impl<T: Listener, D: Drive + Clone + Unpin> SlotListener<T, D> {
    /// Accepts a connection into a slot. It runs on the same driver.
    ///
    /// # Errors
    ///
    /// Those of `accept(2)`, as of [`Ring::accept`]; `ENFILE` where no slot is free, and then the
    /// connection is closed; `InvalidInput` where the table is of another ring than the driver's.
    /// None of them is the end of the listener.
    ///
    /// # Cancel safety
    ///
    /// It is cancel safe, and cheap to drop: the operation in flight stays with the listener, and
    /// the next `accept` takes it over, with the connection that it has brought. Nothing is
    /// cancelled until the listener is dropped, which closes the connections nobody has taken.
    ///
    /// # Kernel
    ///
    /// Linux 5.19.
    pub async fn accept(&self) -> Accepted<T, D> {
        let mut arrival = Arrival::new(&self.parking);
        let accept = || self.event();
        let accepted = poll_fn(|cx| arrival.poll(&self.handle, accept, cx)).await;
        self.connection(accepted)
    }

    /// The connections as they arrive: a stream without an end, of what
    /// [`accept`](SlotListener::accept) yields.
    ///
    /// # Cancel safety
    ///
    /// It is cancel safe, as [`accept`](SlotListener::accept) is: dropping the stream, or the
    /// future of its next item, loses no connection.
    pub fn incoming(&self) -> IncomingInSlots<'_, T, D> {
        IncomingInSlots { listener: self, arrival: Arrival::new(&self.parking) }
    }

    /// The listening socket, for its options and its address.
    pub fn get_ref(&self) -> &T {
        self.handle.object()
    }

    /// The slots that connections get into.
    pub fn table(&self) -> &DirectTable {
        &self.table
    }

    /// The driver.
    pub fn driver(&self) -> &D {
        self.handle.driver()
    }

    fn event(&self) -> IntoSlot<Accept> {
        Accept::new(self.handle.fd()).into_slot(&self.table)
    }

    fn connection(&self, accepted: io::Result<(DirectFd, SocketAddress)>) -> Accepted<T, D> {
        let (connection, peer) = accepted?;
        let peer = T::peer(&peer)?;
        Ok((Ring::fresh(Direct::new(connection), self.driver().clone()), peer))
    }
}

impl<T: Listener, D: Drive + Unpin> fmt::Debug for SlotListener<T, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SlotListener").field("table", &self.table).finish_non_exhaustive()
    }
}

/// The stream of [`SlotListener::incoming`].
#[must_use = "streams do nothing unless polled"]
pub struct IncomingInSlots<'a, T: Listener, D: Drive + Unpin> {
    listener: &'a SlotListener<T, D>,
    arrival: Arrival<'a, D, IntoSlot<Accept>>,
}

impl<T: Listener, D: Drive + Clone + Unpin> Stream for IncomingInSlots<'_, T, D> {
    type Item = Accepted<T, D>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        let listener = this.listener;
        let accepted = ready!(this.arrival.poll(&listener.handle, || listener.event(), cx));
        // What it waited for besides is the next one's, or somebody else's who waits.
        this.arrival = Arrival::new(&listener.parking);
        Poll::Ready(Some(listener.connection(accepted)))
    }
}

impl<T: Listener, D: Drive + Unpin> fmt::Debug for IncomingInSlots<'_, T, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IncomingInSlots").finish_non_exhaustive()
    }
}
