//! QUIC by quinn, upon the sockets, the timers and the tasks that you have: a [`Runtime`].
//!
//! ```
//! use std::net::UdpSocket;
//! use std::sync::Arc;
//! use quinn::{Endpoint, EndpointConfig};
//! use ringbahn::quinn::Runtime;
//!
//! # fn main() -> std::io::Result<()> {
//! # if ringbahn::DefaultDriver::shared().is_err() { return Ok(()) }
//! let runtime = Arc::new(Runtime::new(|task| smol::spawn(task).detach()));
//! let socket = UdpSocket::bind("127.0.0.1:0")?;
//! let client = Endpoint::new(EndpointConfig::default(), None, socket, runtime)?;
//! # assert!(client.local_addr()?.ip().is_loopback());
//! # client.close(0_u32.into(), b"");
//! # smol::block_on(client.wait_idle());
//! # Ok(())
//! # }
//! ```
//!
//! Datagrams are sent and received by operations of the driver, with all that quinn makes use of:
//! several of them by one operation, in both directions (GSO, GRO), the marks of congestion (ECN),
//! the address that one was sent to, and none of them ever in fragments.
//!
//! | part | what it does |
//! |---|---|
//! | [`Runtime`] | brings quinn sockets, timers and tasks |
//! | `socket` | what quinn wants of a socket |
//! | `inbound` | the receive in flight |
//! | `outbound` | the sends in flight, and who waits for room among them |
//!
//! # Without waiting
//!
//! quinn gives a datagram away at once, or not at all. So a send that has to wait stays behind
//! here, up to 64 of them; then quinn waits. One that fails is a datagram that was lost on its way.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::UdpSocket;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use ::quinn::{AsyncTimer, AsyncUdpSocket, Runtime as QuinnRuntime};
use ringbahn_core::{Drive, Shared, Sleep, Timers};

use crate::driver::DefaultDriver;

mod inbound;
mod outbound;
mod socket;

use socket::Socket;

/// A task of quinn.
type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A runtime for quinn: sockets and timers on a driver, and tasks on whatever executor there is.
///
/// # Examples
///
/// See [the module](self).
#[derive(Clone)]
pub struct Runtime<D: Drive = DefaultDriver> {
    driver: D,
    timers: Timers<D>,
    spawn: Arc<dyn Fn(Task) + Send + Sync>,
}

impl Runtime {
    /// A runtime on the driver of the process, whose tasks are started by `spawn`. They run until
    /// their endpoints and connections are gone.
    pub fn new(
        spawn: impl Fn(Pin<Box<dyn Future<Output = ()> + Send>>) + Send + Sync + 'static,
    ) -> Runtime {
        Runtime::new_on_driver(spawn, DefaultDriver)
    }
}

impl<D: Drive + Clone> Runtime<D> {
    /// As [`new`](Runtime::new), on `driver`.
    pub fn new_on_driver(
        spawn: impl Fn(Pin<Box<dyn Future<Output = ()> + Send>>) + Send + Sync + 'static,
        driver: D,
    ) -> Runtime<D> {
        let timers = Timers::on(driver.clone());
        Runtime { driver, timers, spawn: Arc::new(spawn) }
    }
}

impl<D> QuinnRuntime for Runtime<D>
where
    D: Drive<Sharing = Shared> + Clone + Unpin + Send + Sync + 'static,
{
    fn new_timer(&self, end: Instant) -> Pin<Box<dyn AsyncTimer>> {
        Box::pin(Timer { sleep: self.timers.sleep_until(end) })
    }

    fn spawn(&self, future: Task) {
        (self.spawn)(future);
    }

    fn wrap_udp_socket(&self, socket: UdpSocket) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        Ok(Arc::new(Socket::new(socket, self.driver.clone())?))
    }
}

impl<D: Drive> fmt::Debug for Runtime<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime").finish_non_exhaustive()
    }
}

struct Timer<D: Drive + Clone> {
    sleep: Sleep<D>,
}

impl<D> AsyncTimer for Timer<D>
where
    D: Drive<Sharing = Shared> + Clone + Unpin + Send + Sync + 'static,
{
    fn reset(self: Pin<&mut Self>, end: Instant) {
        self.get_mut().sleep.reset(end);
    }

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        match Pin::new(&mut self.get_mut().sleep).poll(cx) {
            Poll::Ready(Ok(())) => Poll::Ready(()),
            // A driver that has been shut down is no reason to believe that the time is over.
            Poll::Ready(Err(_)) | Poll::Pending => Poll::Pending,
        }
    }
}

impl<D: Drive + Clone> fmt::Debug for Timer<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.sleep.fmt(f)
    }
}
