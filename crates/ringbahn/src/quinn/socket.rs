//! [`Socket`]: what quinn wants of a socket, on a driver.

use std::fmt;
use std::io::{self, IoSliceMut};
use std::net::{SocketAddr, UdpSocket};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use ::quinn::udp::{RecvMeta, Transmit, UdpSocketState};
use ::quinn::{AsyncUdpSocket, UdpPoller};
use ringbahn_core::{Drive, Shared};

use super::inbound::Inbound;
use super::outbound::Outbound;
use crate::ring::Ring;

pub(super) struct Socket<D: Drive + Unpin> {
    ring: Ring<UdpSocket, D>,
    inbound: Inbound<D>,
    outbound: Outbound<D>,
    may_fragment: bool,
    receive_segments: usize,
    /// One, as soon as the network was found not to take several. Nothing else hangs on it.
    transmit_segments: AtomicUsize,
}

impl<D: Drive + Clone + Unpin> Socket<D> {
    pub(super) fn new(socket: UdpSocket, driver: D) -> io::Result<Socket<D>> {
        // Sets the options, and finds out what the kernel can do. It leaves the socket in
        // non-blocking mode, which `Ring` undoes.
        let state = UdpSocketState::new((&socket).into())?;
        Ok(Socket {
            ring: Ring::new_on_driver(socket, driver),
            inbound: Inbound::new(),
            outbound: Outbound::new(),
            may_fragment: state.may_fragment(),
            receive_segments: state.gro_segments(),
            transmit_segments: AtomicUsize::new(state.max_gso_segments()),
        })
    }

    /// Takes the results of the sends that have ended.
    fn settle(&self) {
        if self.outbound.settle() {
            self.transmit_segments.store(1, Ordering::Relaxed);
        }
    }
}

impl<D> AsyncUdpSocket for Socket<D>
where
    D: Drive<Sharing = Shared> + Clone + Unpin + Send + Sync + 'static,
{
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        Box::pin(Writable { socket: self })
    }

    fn try_send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        self.settle();
        if !self.outbound.has_room() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.outbound.send(&self.ring, transmit);
        self.settle();
        Ok(())
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        // The task that receives is there as long as the endpoint is, so it also looks after sends
        // that wait for room in the driver's queue when quinn has nothing more to send.
        self.outbound.attend(cx.waker());
        self.settle();
        self.inbound.poll(&self.ring, cx, buffers, meta)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.ring.local_addr()
    }

    fn max_transmit_segments(&self) -> usize {
        self.transmit_segments.load(Ordering::Relaxed)
    }

    fn max_receive_segments(&self) -> usize {
        self.receive_segments
    }

    fn may_fragment(&self) -> bool {
        self.may_fragment
    }
}

impl<D: Drive + Unpin> fmt::Debug for Socket<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Socket").field("ring", &self.ring).finish_non_exhaustive()
    }
}

/// A task that waits for room among the sends.
struct Writable<D: Drive + Unpin> {
    socket: Arc<Socket<D>>,
}

impl<D> UdpPoller for Writable<D>
where
    D: Drive<Sharing = Shared> + Clone + Unpin + Send + Sync + 'static,
{
    fn poll_writable(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let socket = &self.socket;
        socket.settle();
        if socket.outbound.has_room() {
            return Poll::Ready(Ok(()));
        }
        // It counts as waiting before it looks for the last time, so that it misses no end.
        socket.outbound.attend(cx.waker());
        socket.settle();
        if socket.outbound.has_room() { Poll::Ready(Ok(())) } else { Poll::Pending }
    }
}

impl<D: Drive + Unpin> fmt::Debug for Writable<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writable").field("socket", &self.socket).finish()
    }
}
