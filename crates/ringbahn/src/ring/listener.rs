//! [`Ring`] of a [`TcpListener`].

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use ringbahn_core::{Drive, SocketAddress};

use super::Ring;
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
        Ring::bind_on_driver(address, DefaultDriver)
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
    pub async fn accept(&self) -> io::Result<(Ring<TcpStream, D>, SocketAddr)> {
        let mut arrival = Arrival::new(&self.parking);
        let accepted = std::future::poll_fn(|cx| arrival.poll(&self.handle, cx)).await;
        self.connection(accepted)
    }

    /// The connections as they arrive: a stream without an end, of what
    /// [`accept`](Ring::accept) yields.
    ///
    /// # Cancel safety
    ///
    /// It is cancel safe, as [`accept`](Ring::accept) is: dropping the stream, or the future of
    /// its next item, loses no connection.
    pub fn incoming(&self) -> Incoming<'_, D> {
        Incoming { listener: self, arrival: Arrival::new(&self.parking) }
    }

    fn connection(
        &self,
        accepted: io::Result<(OwnedFd, SocketAddress)>,
    ) -> io::Result<(Ring<TcpStream, D>, SocketAddr)> {
        let (connection, peer) = accepted?;
        let Some(peer) = peer.as_inet() else {
            return Err(io::Error::other("a connection that is not of the internet"));
        };
        Ok((Ring::fresh(TcpStream::from(connection), self.driver().clone()), peer))
    }
}

/// The stream of [`Ring::incoming`].
#[derive(Debug)]
#[must_use = "streams do nothing unless polled"]
pub struct Incoming<'a, D: Drive + Unpin> {
    listener: &'a Ring<TcpListener, D>,
    arrival: Arrival<'a, D>,
}

impl<D: Drive + Clone + Unpin> Stream for Incoming<'_, D> {
    type Item = io::Result<(Ring<TcpStream, D>, SocketAddr)>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        let accepted = ready!(this.arrival.poll(&this.listener.handle, cx));
        // What it waited for besides is the next one's, or somebody else's who waits.
        this.arrival = Arrival::new(&this.listener.parking);
        Poll::Ready(Some(this.listener.connection(accepted)))
    }
}
