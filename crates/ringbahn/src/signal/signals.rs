//! [`Signals`]: a stream of signals.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::os::unix::net::UnixStream;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use futures_io::AsyncBufRead as _;
use ringbahn_core::Drive;
use signal_hook::consts::FORBIDDEN;
use signal_hook::{SigId, flag, low_level};

use super::Signal;
use crate::driver::DefaultDriver;
use crate::ring::Ring;

/// A stream of signals, without an end.
///
/// See [the module](super) for what it tells and what it does not.
pub struct Signals<D: Drive + Unpin = DefaultDriver> {
    watched: Vec<Watched>,
    /// A byte comes here with each signal, behind its flag.
    bell: Ring<UnixStream, D>,
}

/// One kind of signal, and the handlers that tell of it.
struct Watched {
    signal: Signal,
    /// Set by the handler, taken by the stream. What it publishes is itself.
    arrived: Arc<AtomicBool>,
    handlers: Vec<SigId>,
}

impl Signals {
    /// A stream of `signals` that arrive from now on.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for a number that is no signal, and for those that cannot or must not be
    /// handled: `SIGKILL`, `SIGSTOP`, `SIGILL`, `SIGFPE` and `SIGSEGV`; those of `socketpair(2)`.
    pub fn new(signals: impl IntoIterator<Item = Signal>) -> io::Result<Signals> {
        Signals::new_on_driver(signals, DefaultDriver)
    }
}

impl<D: Drive + Clone + Unpin> Signals<D> {
    /// As [`new`](Signals::new), on `driver`.
    ///
    /// # Errors
    ///
    /// Those of [`new`](Signals::new).
    pub fn new_on_driver(
        signals: impl IntoIterator<Item = Signal>,
        driver: D,
    ) -> io::Result<Signals<D>> {
        let (bell, rope) = UnixStream::pair()?;
        let mut watched: Vec<Watched> = Vec::new();
        for signal in signals {
            watched.push(Watched::new(signal, &rope)?);
        }
        Ok(Signals { watched, bell: Ring::new_on_driver(bell, driver) })
    }

    /// Waits for the next signal.
    ///
    /// # Errors
    ///
    /// That of the driver where it was shut down.
    ///
    /// # Cancel safety
    ///
    /// It is cancel safe: a signal is taken in the moment in which it is yielded.
    pub async fn recv(&mut self) -> io::Result<Signal> {
        poll_fn(|cx| self.poll_recv(cx)).await
    }

    fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Signal>> {
        loop {
            let arrived = |watched: &&Watched| watched.arrived.swap(false, Ordering::SeqCst);
            if let Some(watched) = self.watched.iter().find(arrived) {
                return Poll::Ready(Ok(watched.signal));
            }
            // The byte of a signal comes behind its flag. So the flag of each byte that is taken
            // here is seen in the next turn.
            let count = ready!(Pin::new(&mut self.bell).poll_fill_buf(cx))?.len();
            Pin::new(&mut self.bell).consume(count);
            if count == 0 {
                // Without a handler that holds the other end: no signal was asked for.
                return Poll::Pending;
            }
        }
    }
}

impl Watched {
    fn new(signal: Signal, rope: &UnixStream) -> io::Result<Watched> {
        let number = signal.as_raw();
        if FORBIDDEN.contains(&number) {
            let message = format!("{signal:?} cannot be handled, or must not be");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        let mut watched =
            Watched { signal, arrived: Arc::default(), handlers: Vec::with_capacity(2) };
        // They are called in this order.
        watched.handlers.push(flag::register(number, watched.arrived.clone())?);
        watched.handlers.push(low_level::pipe::register(number, rope.try_clone()?)?);
        Ok(watched)
    }
}

impl<D: Drive + Clone + Unpin> Stream for Signals<D> {
    type Item = io::Result<Signal>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Signal>>> {
        self.get_mut().poll_recv(cx).map(Some)
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        for handler in self.handlers.drain(..) {
            low_level::unregister(handler);
        }
    }
}

impl<D: Drive + Unpin> fmt::Debug for Signals<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let signals: Vec<_> = self.watched.iter().map(|watched| watched.signal).collect();
        f.debug_struct("Signals").field("signals", &signals).finish_non_exhaustive()
    }
}

/// Waits until somebody presses Ctrl-C, or sends a `SIGINT`.
///
/// From the first poll on the signal does not end the process any more, also where this is dropped.
/// One that arrives while nothing waits here is not remembered: in a loop use [`Signals`].
///
/// # Errors
///
/// Those of [`Signals::new`] and [`Signals::recv`].
///
/// # Cancel safety
///
/// It is cancel safe, but for a signal that arrives after it was dropped.
pub async fn ctrl_c() -> io::Result<()> {
    Signals::new([Signal::INTERRUPT])?.recv().await.map(drop)
}
