//! [`SlotListener`]: a listener whose connections get into slots of a ring.

use std::fmt;

use ringbahn_core::event::{Accept, IntoSlot};
use ringbahn_core::{DirectTable, Drive};

use super::Ring;
use super::buffering::Buffering;
use super::object::Listener;
use super::parking::Parking;
use super::share::Handle;
use super::slot_accepts::{Accepted, Ear, IncomingInSlots, SlotAccepts};
use super::slot_connections::SlotConnections;

/// A listener whose connections get into slots of a ring, and never are descriptors of the process.
///
/// Made by [`Ring::into_slots`]. The listener itself has a descriptor; a `Ring` of a
/// [`Direct`](crate::Direct) one does without.
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
        self.accepts_into_slots().accept().await
    }

    /// The connections as they arrive: a stream without an end, of what
    /// [`accept`](SlotListener::accept) yields.
    ///
    /// # Cancel safety
    ///
    /// It is cancel safe, as [`accept`](SlotListener::accept) is: dropping the stream, or the
    /// future of its next item, loses no connection.
    pub fn incoming(&self) -> IncomingInSlots<'_, T, D> {
        self.accepts_into_slots().incoming()
    }

    /// The connections as they arrive, all by one operation: a stream that has the listener.
    ///
    /// Accepts whose future was dropped are cancelled, and a connection that one has brought is
    /// closed: so do this first.
    pub fn into_connections(self) -> SlotConnections<T, D> {
        SlotConnections::new(self.handle.fd(), &self.table, self.handle.driver())
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

    fn accepts_into_slots(&self) -> SlotAccepts<'_, T, D> {
        let ear = Ear::Descriptor(&self.handle);
        SlotAccepts { ear, table: &self.table, parking: &self.parking }
    }
}

impl<T: Listener, D: Drive + Unpin> fmt::Debug for SlotListener<T, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SlotListener").field("table", &self.table).finish_non_exhaustive()
    }
}
