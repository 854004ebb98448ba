//! [`Operation`]: the operation of a cell.
//!
//! Its event's type is forgotten, so each moment is compiled once for each kind of driver, and not
//! for every event.

use std::any::Any;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use ringbahn_core::{Cancelled, Drive, Submission, Timeout};

use super::rows::Row;
use super::scene::{AnyJudge, AnyScene, Go, Manner};
use crate::any_event::AnyEvent;
use crate::handle::Handle;
use crate::kind::Kind;
use crate::ledger::Ledger;
use crate::verdict::{Stop, Verdict};

/// How an operation has ended: with the right output, with a wrong one, or with an error.
pub(crate) type Ending = io::Result<bool>;

/// An operation and what it needs around it.
pub struct Operation<S: Kind> {
    exchange: Exchange<S>,
    row: Row,
    judge: AnyJudge,
    waits: bool,
    go: Option<Go>,
    kept: Vec<Box<dyn Any + Send>>,
    ledger: Ledger,
}

enum Exchange<S: Kind> {
    Plain(Submission<AnyEvent, Handle<S>>),
    Bounded(Timeout<AnyEvent, Handle<S>>),
    /// Between the two.
    Gone,
}

impl<S: Kind> Operation<S> {
    /// The operation of `row`, entered in `ledger`, and not polled yet.
    pub(crate) fn launch(
        row: Row,
        manner: Manner,
        handle: Handle<S>,
        ledger: &Ledger,
    ) -> Result<Operation<S>, Stop> {
        let AnyScene { event, judge, waits, go, kept } = row.scene(manner, ledger)?;
        let exchange = Exchange::Plain(Drive::submit(handle, event));
        let (kept, ledger) = (vec![kept], ledger.clone());
        Ok(Operation { exchange, row, judge, waits, go, kept, ledger })
    }

    fn plain(&mut self) -> Pin<&mut Submission<AnyEvent, Handle<S>>> {
        match &mut self.exchange {
            Exchange::Plain(submission) => Pin::new(submission),
            Exchange::Bounded(_) | Exchange::Gone => {
                panic!("no moment does this to an operation whose time is bounded")
            }
        }
    }

    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Ending> {
        let polled = match &mut self.exchange {
            Exchange::Plain(submission) => Pin::new(submission).poll(cx),
            Exchange::Bounded(timeout) => Pin::new(timeout).poll(cx),
            Exchange::Gone => panic!("an operation is gone only while its time gets a bound"),
        };
        polled.map(|output| (self.judge)(output))
    }

    pub(crate) fn poll_cancel(&mut self, cx: &mut Context<'_>) -> Poll<Cancelled<Ending>> {
        let polled = self.plain().poll_cancel(cx);
        polled.map(|ending| match ending {
            Cancelled::Cancelled(output) => Cancelled::Cancelled((self.judge)(output)),
            Cancelled::Completed(output) => Cancelled::Completed((self.judge)(output)),
        })
    }

    /// Whether the driver has accepted it.
    pub(crate) fn is_in_flight(&self) -> bool {
        match &self.exchange {
            Exchange::Plain(submission) => submission.is_in_flight(),
            Exchange::Bounded(_) | Exchange::Gone => false,
        }
    }

    /// Bounds the time of an operation that has not been polled.
    pub(crate) fn bound(&mut self, time: Duration) {
        self.exchange = match std::mem::replace(&mut self.exchange, Exchange::Gone) {
            Exchange::Plain(submission) => Exchange::Bounded(submission.timeout(time)),
            other => other,
        };
    }

    /// Whether it waits until it is let go.
    pub(crate) fn waits(&self) -> bool {
        self.waits
    }

    /// Lets it go on.
    pub(crate) fn go(&mut self) -> Verdict {
        if let Some(go) = self.go.take() {
            self.kept.push(go()?);
        }
        Ok(())
    }

    /// Submits another one in its place.
    pub(crate) fn restart(&mut self) -> Verdict {
        let scene = self.row.scene(Manner::AtOnce, &self.ledger)?;
        self.plain().restart(scene.event);
        self.judge = scene.judge;
        self.waits = scene.waits;
        self.go = scene.go;
        // The other ends of the one before stay, since it may still be in flight.
        self.kept.push(scene.kept);
        Ok(())
    }

    pub(crate) fn detach(&mut self) {
        self.plain().detach();
    }
}
