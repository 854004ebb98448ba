//! [`SlotConnections`]: the connections of a listener in slots, by one operation.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use futures_core::stream::FusedStream;
use ringbahn_core::event::AcceptIntoSlots;
use ringbahn_core::{DirectTable, Drive, Multishot, SharedFd};

use super::Ring;
use super::direct::Direct;
use super::object::Listener;

/// The connections that arrive at a listener, in slots of a ring: a stream with one operation for
/// all of them. It has the listener.
///
/// Made by `into_connections` of a [`Ring`] of a listener in a slot, or of a
/// [`SlotListener`](crate::SlotListener). For servers with many short connections: an accept for
/// each takes an entry for each.
///
/// Each item is a connection, but not the address of its peer, for which the operation has no
/// place. An error is about one connection, as those of `accept(2)` are, and the stream goes on:
/// `ENFILE`, where no slot was free, has closed the connection. Wait before polling again after
/// that one, or after `EMFILE`. `Unsupported` and `InvalidInput`, where the table is of another
/// ring, are its end.
///
/// # Cancel safety
///
/// The future of the next item may be dropped: nothing is lost. With the stream itself go the
/// listener, and the connections that it has accepted and nobody has taken.
///
/// # Kernel
///
/// Linux 5.19.
#[must_use = "streams do nothing unless polled"]
pub struct SlotConnections<T: Listener, D: Drive + Unpin> {
    accepts: Multishot<AcceptIntoSlots, D>,
    listener: std::marker::PhantomData<fn() -> T>,
}

impl<T: Listener, D: Drive + Clone + Unpin> SlotConnections<T, D> {
    /// The connections that arrive at `listener`, of which this becomes the last share.
    pub(crate) fn new(listener: SharedFd, table: &DirectTable, driver: &D) -> Self {
        let accepts = driver.clone().stream(AcceptIntoSlots::new(listener, table));
        SlotConnections { accepts, listener: std::marker::PhantomData }
    }
}

impl<T: Listener, D: Drive + Clone + Unpin> Stream for SlotConnections<T, D> {
    type Item = io::Result<Ring<Direct<T::Stream>, D>>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let accepts = &mut self.get_mut().accepts;
        let accepted = ready!(Pin::new(&mut *accepts).poll_next(cx));
        let connection = |fd| Ring::fresh(Direct::new(fd), accepts.driver().clone());
        Poll::Ready(accepted.map(|accepted| accepted.map(connection)))
    }
}

impl<T: Listener, D: Drive + Clone + Unpin> FusedStream for SlotConnections<T, D> {
    fn is_terminated(&self) -> bool {
        self.accepts.is_terminated()
    }
}

impl<T: Listener, D: Drive + Unpin> fmt::Debug for SlotConnections<T, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SlotConnections").field(&self.accepts).finish()
    }
}
