//! [`Stand`]: where a cell of the matrix is tried.

use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll, Waker};

use ringbahn_core::Cancelled;

use super::operation::{Ending, Operation};
use super::resources::Resources;
use super::rows::Row;
use super::scene::Manner;
use crate::bench::{Bench, Subjected};
use crate::kind::Kind;
use crate::ledger::Ledger;
use crate::verdict::{Stop, Verdict, ensure, says_unsupported};
use crate::wakers::Signal;

/// Where a cell is tried.
pub(crate) struct Stand<'a, S: Kind> {
    pub(crate) bench: &'a Bench<S>,
    pub(crate) driver: Subjected<'a, S>,
    pub(crate) ledger: Ledger,
    pub(crate) row: Row,
    pub(crate) resources: Resources,
    /// The driver of the other ring, where the row needs two.
    pub(crate) other: Option<Subjected<'a, S>>,
}

impl<S: Kind> Stand<'_, S> {
    pub(crate) fn launch(&self, manner: Manner) -> Result<Operation<S>, Stop> {
        let handle = self.driver.handle();
        Operation::launch(self.row, manner, handle, &self.ledger, &self.resources)
    }

    /// An operation that is in flight, unless it has ended at once.
    pub(crate) fn begin(&self, manner: Manner) -> Result<(Operation<S>, Option<Ending>), Stop> {
        self.begin_with(manner, Waker::noop())
    }

    /// The same, with a waker to be woken at its end.
    pub(crate) fn begin_with(
        &self,
        manner: Manner,
        waker: &Waker,
    ) -> Result<(Operation<S>, Option<Ending>), Stop> {
        let mut operation = self.launch(manner)?;
        let mut polled = operation.poll(&mut Context::from_waker(Waker::noop()));
        if polled.is_pending() && !operation.is_in_flight() {
            // The driver has to make room first.
            polled = self.driver.run(poll_fn(|cx| match operation.poll(cx) {
                Poll::Pending if !operation.is_in_flight() => Poll::Pending,
                polled => Poll::Ready(polled),
            }))?;
        }
        if polled.is_pending() {
            polled = operation.poll(&mut Context::from_waker(waker));
        }
        let ending = match polled {
            Poll::Ready(ending) => Some(unless_refused(ending)?),
            Poll::Pending => None,
        };
        let early = ending.is_some() && operation.waits();
        ensure!(!early, "it was ready at once: {ending:?}, where it had to wait");
        Ok((operation, ending))
    }

    /// An operation that has completed, which nobody knows but the one who was woken.
    pub(crate) fn begin_and_complete(
        &self,
        manner: Manner,
    ) -> Result<(Operation<S>, Option<Ending>), Stop> {
        let signal = Signal::new();
        let (mut operation, ending) = self.begin_with(manner, &signal.waker())?;
        if ending.is_none() {
            operation.go()?;
            self.driver.until("its waker is woken", || signal.wakes() > 0)?;
        }
        Ok((operation, ending))
    }

    pub(crate) fn finish(&self, operation: &mut Operation<S>) -> Result<Ending, Stop> {
        unless_refused(self.driver.run(poll_fn(|cx| operation.poll(cx)))?)
    }

    pub(crate) fn cancel(&self, operation: &mut Operation<S>) -> Result<Cancelled<Ending>, Stop> {
        self.driver.run(poll_fn(|cx| operation.poll_cancel(cx)))
    }

    /// The account at the end: everything has ended, and nothing twice.
    pub(crate) fn close(self) -> Verdict {
        self.bench.stage("waiting until every event has ended");
        self.driver.until("every event has ended", || self.ledger.open() == 0)?;
        self.resources.balance(&self.driver)?;
        self.driver.end()?;
        self.other.map_or(Ok(()), Subjected::end)?;
        self.ledger.balance()
    }
}

/// The ending, unless that is the driver's word that it does not do this.
fn unless_refused(ending: Ending) -> Result<Ending, Stop> {
    match ending {
        Err(error) if says_unsupported(&error) => Err(error.into()),
        ending => Ok(ending),
    }
}

/// An operation that has ended well.
pub(crate) fn good(ending: Ending) -> Verdict {
    match ending {
        Ok(true) => Ok(()),
        Ok(false) => Err(Stop::failed("it has completed with the wrong output")),
        Err(error) if says_unsupported(&error) => Err(error.into()),
        Err(error) => Err(Stop::failed(format!("it has failed: {error}"))),
    }
}

/// An operation that has ended well, or that was stopped before it did anything.
pub(crate) fn good_or_stopped(ending: Ending) -> Verdict {
    match ending {
        Err(error) if is_stop(&error) => Ok(()),
        ending => good(ending),
    }
}

fn is_stop(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::ECANCELED) || error.kind() == io::ErrorKind::Interrupted
}
