//! [`Operation`]: the operation of a cell, or its stream up to the first item.
//!
//! Its event's type is forgotten, so each moment is compiled once for each kind of driver, and not
//! for every event.

use std::any::Any;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures::Stream;
use ringbahn_core::{Cancelled, Drive, Multishot, Submission, Timeout};

use super::resources::Resources;
use super::rows::Row;
use super::scene::{AnyJudge, AnyKind, AnyScene, Go, Manner};
use crate::any_event::AnyEvent;
use crate::any_multi::AnyMulti;
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
    resources: Resources,
}

enum Exchange<S: Kind> {
    Plain(Submission<AnyEvent, Handle<S>>),
    Bounded(Timeout<AnyEvent, Handle<S>>),
    Stream(Streaming<S>),
    /// Between the two.
    Gone,
}

/// A stream, of which the first item counts.
struct Streaming<S: Kind> {
    stream: Multishot<AnyMulti, Handle<S>>,
    is_stopped: bool,
}

impl<S: Kind> Operation<S> {
    /// The operation of `row`, entered in `ledger`, and not polled yet.
    pub(crate) fn launch(
        row: Row,
        manner: Manner,
        handle: Handle<S>,
        ledger: &Ledger,
        resources: &Resources,
    ) -> Result<Operation<S>, Stop> {
        let AnyScene { event, judge, waits, go, kept } = row.scene(manner, ledger, resources)?;
        let exchange = match event {
            AnyKind::Operation(event) => Exchange::Plain(Drive::submit(handle, event)),
            AnyKind::Stream(event) => {
                let stream = Drive::stream(handle, event);
                Exchange::Stream(Streaming { stream, is_stopped: false })
            }
        };
        let (kept, ledger, resources) = (vec![kept], ledger.clone(), resources.clone());
        Ok(Operation { exchange, row, judge, waits, go, kept, ledger, resources })
    }

    fn plain(&mut self) -> Pin<&mut Submission<AnyEvent, Handle<S>>> {
        match &mut self.exchange {
            Exchange::Plain(submission) => Pin::new(submission),
            Exchange::Stream(_) => panic!("no moment does this to a stream"),
            Exchange::Bounded(_) | Exchange::Gone => {
                panic!("no moment does this to an operation whose time is bounded")
            }
        }
    }

    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Ending> {
        let polled = match &mut self.exchange {
            Exchange::Plain(submission) => Pin::new(submission).poll(cx),
            Exchange::Bounded(timeout) => Pin::new(timeout).poll(cx),
            Exchange::Stream(streaming) => return streaming.poll(cx, &self.judge),
            Exchange::Gone => panic!("an operation is gone only while its time gets a bound"),
        };
        polled.map(|output| (self.judge)(output))
    }

    pub(crate) fn poll_cancel(&mut self, cx: &mut Context<'_>) -> Poll<Cancelled<Ending>> {
        let polled = match &mut self.exchange {
            Exchange::Stream(streaming) => return streaming.poll_stop(cx, &self.judge),
            Exchange::Plain(submission) => Pin::new(submission).poll_cancel(cx),
            Exchange::Bounded(_) | Exchange::Gone => {
                panic!("no moment does this to an operation whose time is bounded")
            }
        };
        polled.map(|ending| match ending {
            Cancelled::Cancelled(output) => Cancelled::Cancelled((self.judge)(output)),
            Cancelled::Completed(output) => Cancelled::Completed((self.judge)(output)),
        })
    }

    /// Whether the driver has accepted it.
    pub(crate) fn is_in_flight(&self) -> bool {
        match &self.exchange {
            Exchange::Plain(submission) => submission.is_in_flight(),
            Exchange::Stream(streaming) => streaming.stream.is_in_flight(),
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
        let scene = self.row.scene(Manner::AtOnce, &self.ledger, &self.resources)?;
        if let AnyKind::Operation(event) = scene.event {
            self.plain().restart(event);
        }
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

impl<S: Kind> Streaming<S> {
    /// The first item; the end of the stream, where there is none, reads as a cancel.
    fn poll(&mut self, cx: &mut Context<'_>, judge: &AnyJudge) -> Poll<Ending> {
        Poll::Ready(match ready!(Pin::new(&mut self.stream).poll_next(cx)) {
            Some(Ok(Ok(item))) => judge(item),
            Some(Ok(Err(error)) | Err(error)) => Err(error),
            None => Err(io::Error::from_raw_os_error(libc::ECANCELED)),
        })
    }

    /// The item that the stream has brought before it was stopped, or its end.
    fn poll_stop(&mut self, cx: &mut Context<'_>, judge: &AnyJudge) -> Poll<Cancelled<Ending>> {
        if !std::mem::replace(&mut self.is_stopped, true) {
            Pin::new(&mut self.stream).stop();
        }
        self.poll(cx, judge).map(|ending| match ending {
            Ok(_) => Cancelled::Completed(ending),
            Err(_) => Cancelled::Cancelled(ending),
        })
    }
}
