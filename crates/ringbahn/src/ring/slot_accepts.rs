//! [`SlotAccepts`]: accepting into slots, whichever way the listener itself is open.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use ringbahn_core::event::{Accept, IntoSlot, Opens as _};
use ringbahn_core::{DirectFd, DirectTable, Drive, SharedFd, SocketAddress, Submission};

use super::Ring;
use super::direct::Direct;
use super::object::Listener;
use super::parking::{Arrival, Parking};
use super::share::Handle;

/// A connection in a slot, and the address of its peer.
pub(crate) type Accepted<T, D> =
    io::Result<(Ring<Direct<<T as Listener>::Stream>, D>, <T as Listener>::Address)>;

/// The listening socket.
#[derive(Debug)]
pub(crate) enum Ear<'a, T, D> {
    /// It is a descriptor of the process.
    Descriptor(&'a Handle<T, D>),
    /// It is in a slot itself.
    Slot(&'a Handle<Direct<T>, D>),
}

/// What it takes to accept into slots, lent by the one who listens.
pub(crate) struct SlotAccepts<'a, T, D: Drive> {
    pub(crate) ear: Ear<'a, T, D>,
    pub(crate) table: &'a DirectTable,
    pub(crate) parking: &'a Parking<D, IntoSlot<Accept>>,
}

impl<T: Listener, D: Drive + Clone> Ear<'_, T, D> {
    pub(crate) fn fd(&self) -> SharedFd {
        match self {
            Ear::Descriptor(handle) => handle.fd(),
            Ear::Slot(handle) => handle.fd(),
        }
    }

    fn driver(&self) -> &D {
        match self {
            Ear::Descriptor(handle) => handle.driver(),
            Ear::Slot(handle) => handle.driver(),
        }
    }
}

impl<'a, T: Listener, D: Drive + Clone + Unpin> SlotAccepts<'a, T, D> {
    pub(crate) async fn accept(self) -> Accepted<T, D> {
        let mut arrival = Arrival::new(self.parking);
        let accepted = poll_fn(|cx| arrival.poll(|| self.submit(), cx)).await;
        self.connection(accepted)
    }

    pub(crate) fn incoming(self) -> IncomingInSlots<'a, T, D> {
        let arrival = Arrival::new(self.parking);
        IncomingInSlots { accepts: self, arrival }
    }

    fn submit(&self) -> Submission<IntoSlot<Accept>, D> {
        let accept = Accept::new(self.ear.fd()).into_slot(self.table);
        self.ear.driver().clone().submit(accept)
    }

    fn connection(&self, accepted: io::Result<(DirectFd, SocketAddress)>) -> Accepted<T, D> {
        let (connection, peer) = accepted?;
        let peer = T::peer(&peer)?;
        Ok((Ring::fresh(Direct::new(connection), self.ear.driver().clone()), peer))
    }
}

/// The stream of [`SlotListener::incoming`](crate::SlotListener::incoming), and of `incoming` of a
/// `Ring` of a listener that is in a slot.
#[must_use = "streams do nothing unless polled"]
pub struct IncomingInSlots<'a, T: Listener, D: Drive + Unpin> {
    accepts: SlotAccepts<'a, T, D>,
    arrival: Arrival<'a, D, IntoSlot<Accept>>,
}

impl<T: Listener, D: Drive + Clone + Unpin> Stream for IncomingInSlots<'_, T, D> {
    type Item = Accepted<T, D>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let IncomingInSlots { accepts, arrival } = self.get_mut();
        let accepted = ready!(arrival.poll(|| accepts.submit(), cx));
        // What it waited for besides is the next one's, or somebody else's who waits.
        *arrival = Arrival::new(accepts.parking);
        Poll::Ready(Some(accepts.connection(accepted)))
    }
}

impl<T: Listener, D: Drive + Unpin> fmt::Debug for IncomingInSlots<'_, T, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IncomingInSlots").finish_non_exhaustive()
    }
}
