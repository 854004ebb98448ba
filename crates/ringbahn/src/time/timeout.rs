//! [`Timeout`]: a future with a bound on its time.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;
use ringbahn_core::Drive;

use super::Sleep;
use crate::driver::DefaultDriver;

pin_project! {
    /// The future of [`timeout`](super::timeout) and [`timeout_at`](super::timeout_at).
    ///
    /// On another driver it is made of a sleep of that one: `Timeout::new(timers.sleep(duration),
    /// future)`.
    ///
    /// It looks at the future first, so one that is ready yields, however late it is asked.
    #[must_use = "futures do nothing unless polled"]
    pub struct Timeout<F, D = DefaultDriver>
    where
        D: Drive,
        D: Clone,
    {
        #[pin]
        future: F,
        sleep: Sleep<D>,
    }
}

impl<F: Future, D: Drive + Clone> Timeout<F, D> {
    /// Bounds the time of `future` with `sleep`.
    ///
    /// # Cancel safety
    ///
    /// That of `future`, which is dropped with it. It stays where it is when the time is over,
    /// until this is dropped.
    pub fn new(sleep: Sleep<D>, future: F) -> Timeout<F, D> {
        Timeout { future, sleep }
    }

    /// When the time is over.
    pub fn sleep(&self) -> &Sleep<D> {
        &self.sleep
    }

    /// The future, whose time is not bounded any more.
    pub fn into_inner(self) -> F {
        self.future
    }
}

impl<F: Future, D: Drive + Clone> Future for Timeout<F, D> {
    type Output = io::Result<F::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<F::Output>> {
        let this = self.project();
        if let Poll::Ready(output) = this.future.poll(cx) {
            return Poll::Ready(Ok(output));
        }
        ready!(Pin::new(this.sleep).poll(cx))?;
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the future took too long")))
    }
}

impl<F, D: Drive + Clone> fmt::Debug for Timeout<F, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timeout").field("sleep", &self.sleep).finish_non_exhaustive()
    }
}
