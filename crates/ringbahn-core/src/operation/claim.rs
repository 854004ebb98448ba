//! [`Claim`]: the future's share of an operation.
//!
//! # Safety
//!
//! C1. A claim is the one share of its record on the future's side. It is created with the event
//!     uncommitted, and `admitted` is set along with the commit, before any foreign code can
//!     intervene; so `!admitted` means that the event is the claim's own by O1.
//!
//! C2. What a claim's poll yields as ready is the cell's `Take`, which it gives out once; so
//!     [`Claim::complete`], which uses the claim up, owns the event by O4.
#![allow(unsafe_code)]

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::Record;
use super::target::CancelTarget;
use crate::completion::cell::Cqes;
use crate::cqe::Cqe;
use crate::drive::Drive;
use crate::event::Event;
use crate::sharing::Sharing;

/// The future's share of an operation.
pub(crate) struct Claim<E: Event, S: Sharing> {
    record: S::Share<Record<E, S>>,
    admitted: bool,
    /// The CQEs of an operation that has ended, once a poll has brought them.
    taken: Option<Cqes>,
}

impl<E: Event, S: Sharing> Claim<E, S> {
    /// Moves `event` to the heap, where it stays until its operation has ended.
    pub(crate) fn new(event: E) -> Claim<E, S> {
        Claim { record: S::share(Record::new(event)), admitted: false, taken: None }
    }

    /// Has `driver` commit the event's entries.
    pub(crate) fn poll_admit<D: Drive<Sharing = S>>(
        &mut self,
        driver: Pin<&mut D>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        if self.admitted {
            // By a call of the driver that panicked after it had the event prepared.
            return Poll::Ready(Ok(()));
        }
        // SAFETY: C1: not admitted; and the entries of an earlier call went with that call.
        let mut sqes = unsafe { self.record.prepare_first() }?;
        let mut committed = None;
        let Claim { record, admitted, .. } = self;
        let polled = driver.poll_prepare(cx, record.steps(), |reservation, cx| {
            let (result, receipt) =
                reservation.admit(S::forget_event(record.clone()), &mut sqes, cx);
            // Noted here and not after the call: the driver may panic in between.
            *admitted = result.is_ok();
            committed = Some(result);
            receipt
        });
        match committed {
            // Nobody else has seen the operation yet, so it cannot have been cancelled, unless by
            // a driver that is shutting down: that one has sent its cancel along.
            Some(Ok(_cancelled)) => Poll::Ready(Ok(())),
            Some(Err(_)) => Poll::Ready(Err(io::Error::other(
                "the driver reserved fewer places of the submission queue than the event needs",
            ))),
            None => match polled {
                Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
                Poll::Pending => Poll::Pending,
                Poll::Ready(Ok(_)) => Poll::Ready(Err(io::Error::other(
                    "the driver accepted the event without having it prepared",
                ))),
            },
        }
    }

    /// Whether the event is the kernel's.
    pub(crate) fn is_admitted(&self) -> bool {
        self.admitted
    }

    pub(crate) fn poll(&mut self, cx: &Context<'_>) -> Poll<()> {
        self.record.cell().poll(cx.waker()).map(|cqes| self.taken = Some(cqes))
    }

    pub(crate) fn poll_cqe(&self, cx: &Context<'_>, index: usize) -> Poll<Option<Cqe>> {
        self.record.cell().poll_cqe(index, cx.waker())
    }

    /// The output, after a poll that was ready, and whether it is that of an operation that has
    /// not run.
    pub(crate) fn complete(self, stopped: Option<io::Error>) -> (E::Output, bool) {
        let cqes = self.taken.expect("an operation is completed after it has ended");
        // SAFETY: C2: `taken` was brought by a poll that was ready.
        unsafe { self.record.complete(cqes, stopped) }
    }

    /// The event of an operation that never started.
    pub(crate) fn into_event(self) -> E {
        assert!(!self.admitted, "the event of an operation in flight is the kernel's");
        // SAFETY: C1; not admitted, and a claim that is used up will not be.
        let event = unsafe { self.record.take() };
        event.expect("an event that was never committed is still there (C1)")
    }

    pub(crate) fn target(&self) -> CancelTarget<S> {
        CancelTarget::new(S::forget_event(self.record.clone()))
    }

    /// The future goes. Yields a target where the driver is to cancel the operation.
    pub(crate) fn depart(self, detach: bool) -> Option<CancelTarget<S>> {
        let request = self.admitted && self.taken.is_none() && self.record.depart(detach);
        request.then(|| self.target())
    }
}
