//! What hyper needs besides IO: a [`Timer`].
//!
//! A [`Ring`](crate::Ring) of a stream implements [`hyper::rt::Read`] and [`hyper::rt::Write`], so
//! servers and clients of hyper take it as it is:
//!
//! ```
//! use std::{convert::Infallible, io, time::Duration};
//!
//! use bytes::Bytes;
//! use http_body_util::Full;
//! use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};
//! use ringbahn::{Ring, hyper::Timer};
//!
//! async fn hello(_: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
//!     Ok(Response::new(Full::from("hello")))
//! }
//!
//! async fn serve(listener: Ring<std::net::TcpListener>) -> io::Result<()> {
//!     let timer = Timer::new()?;
//!     loop {
//!         let (stream, _peer) = listener.accept().await?;
//!         let mut server = http1::Builder::new();
//!         server.timer(timer).header_read_timeout(Duration::from_secs(10));
//!         let connection = server.serve_connection(stream, service_fn(hello));
//!         smol::spawn(connection).detach();
//!     }
//! }
//! # fn main() -> io::Result<()> {
//! # if ringbahn::DefaultDriver::shared().is_err() { return Ok(()) }
//! # let listener = Ring::<std::net::TcpListener>::bind(([127, 0, 0, 1], 0))?;
//! # let address = listener.get_ref().local_addr()?;
//! # smol::spawn(serve(listener)).detach();
//! # smol::block_on(async {
//! #     let stream = Ring::<std::net::TcpStream>::connect(address).await?;
//! #     stream.send_all("GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await.0?;
//! #     let mut answer = String::new();
//! #     futures::AsyncReadExt::read_to_string(&mut { stream }, &mut answer).await?;
//! #     assert!(answer.ends_with("hello"), "{answer}");
//! #     Ok(())
//! # })
//! # }
//! ```
//!
//! # Executors
//!
//! HTTP/2 starts a task per stream, on what implements [`hyper::rt::Executor`]. On a thread with
//! its own driver that is the `LocalSpawner` of a `LocalExecutor`, with the feature
//! `local-executor`. For other executors take what comes with them, or write it in five lines:
//!
//! ```
//! #[derive(Clone)]
//! struct Smol;
//!
//! impl<F: Future<Output: Send> + Send + 'static> hyper::rt::Executor<F> for Smol {
//!     fn execute(&self, future: F) {
//!         smol::spawn(future).detach(); // or `tokio::spawn(future);`
//!     }
//! }
//! # let _ = hyper::server::conn::http2::Builder::new(Smol);
//! ```

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use ::hyper::rt;
use ringbahn_core::{Drive, Shared, Submission, event};

use crate::driver::DefaultDriver;

/// A timer for hyper, which gives its servers and clients their timeouts.
///
/// It takes no thread and no runtime: each sleep is a [`Timeout`](event::Timeout) on a driver. That
/// is the driver of the process unless told otherwise, also where the connections are on another
/// one: hyper wants sleeps that are `Send` and `Sync`, and not every driver can have such.
///
/// Moving the end of a sleep to a later moment, as hyper does with every request, costs nothing:
/// the operation in flight stays, and the rest is waited for when it has ended.
///
/// A driver that has been shut down lets no sleep end any more. Neither would any connection on it
/// go on.
///
/// # Examples
///
/// ```
/// use std::time::{Duration, Instant};
/// use hyper::rt::Timer as _;
/// use ringbahn::hyper::Timer;
///
/// # fn main() -> std::io::Result<()> {
/// # if ringbahn::DefaultDriver::shared().is_err() { return Ok(()) }
/// let begin = Instant::now();
/// futures::executor::block_on(Timer::new()?.sleep(Duration::from_millis(5)));
/// assert!(begin.elapsed() >= Duration::from_millis(5));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Timer<D = DefaultDriver> {
    driver: D,
}

impl Timer {
    /// A timer on the driver of the process, which is built if need be.
    ///
    /// # Errors
    ///
    /// An [`Unavailable`](crate::Unavailable) inside the `io::Error` where there can be no driver,
    /// with the reason and what to do about it. A sleep could tell nobody.
    pub fn new() -> io::Result<Timer> {
        DefaultDriver::shared()?;
        Ok(Timer { driver: DefaultDriver })
    }
}

impl<D: Drive + Clone> Timer<D> {
    /// A timer on `driver`.
    pub fn new_on_driver(driver: D) -> Timer<D> {
        Timer { driver }
    }
}

impl<D> rt::Timer for Timer<D>
where
    D: Drive<Sharing = Shared> + Clone + Unpin + Send + Sync + 'static,
{
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn rt::Sleep>> {
        // Of a sleep without a representable end, years are as good.
        let now = Instant::now();
        self.sleep_until(now.checked_add(duration).unwrap_or(now + YEARS))
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn rt::Sleep>> {
        Box::pin(Sleep { driver: self.driver.clone(), deadline, timeout: None })
    }

    fn reset(&self, sleep: &mut Pin<Box<dyn rt::Sleep>>, new_deadline: Instant) {
        match sleep.as_mut().downcast_mut_pin::<Sleep<D>>() {
            Some(sleep) => sleep.get_mut().reset(new_deadline),
            None => *sleep = self.sleep_until(new_deadline),
        }
    }
}

/// A time that is as good as none.
const YEARS: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);

/// The future of [`Timer`]'s sleeps.
struct Sleep<D: Drive> {
    driver: D,
    deadline: Instant,
    /// What is in flight, and when it ends: at the deadline or before.
    timeout: Option<(Instant, Submission<event::Timeout, D>)>,
}

impl<D: Drive> Sleep<D> {
    fn reset(&mut self, deadline: Instant) {
        self.deadline = deadline;
        if self.timeout.as_ref().is_some_and(|(end, _)| *end > deadline) {
            self.timeout = None;
        }
    }
}

impl<D: Drive + Clone + Unpin> Future for Sleep<D> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        loop {
            if let Some((_, submission)) = &mut this.timeout {
                let result = ready!(Pin::new(submission).poll(cx));
                this.timeout = None;
                if result.is_err() {
                    // Somebody else's failure is no reason to believe that the time is over.
                    this.deadline = Instant::now() + YEARS;
                    return Poll::Pending;
                }
            }
            let rest = this.deadline.saturating_duration_since(Instant::now());
            if rest.is_zero() {
                return Poll::Ready(());
            }
            let submission = this.driver.clone().submit(event::Timeout::new(rest));
            this.timeout = Some((this.deadline, submission));
        }
    }
}

impl<D> rt::Sleep for Sleep<D> where
    D: Drive<Sharing = Shared> + Clone + Unpin + Send + Sync + 'static
{
}
