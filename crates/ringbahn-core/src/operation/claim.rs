//! [`Claim`]: the future's share of an operation.
//!
//! # Safety
//!
//! C1. A claim is the one share of its record on the future's side. It is created with the event
//!     uncommitted, and goes on to `Admitted` along with the commit, before any foreign code can
//!     intervene; so while it is `Waiting` the event is the claim's own by O1.
//!
//! C2. Where the cell's poll is ready that is its `Take`, which it gives out once. So
//!     [`Claim::poll_complete`], which alone polls it, then owns the event by O4.
#![allow(unsafe_code)]

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use super::Record;
use super::places::Tenant;
use super::target::CancelTarget;
use crate::attempt::Attempt;
use crate::cqe::Cqe;
use crate::drive::{Completion, Drive};
use crate::event::Event;
use crate::outcome::Outcome;
use crate::ring_id::Home;
use crate::sharing::Sharing;
use crate::sqe::Sqes;

/// How often an event that goes on after a part of it may be served at once, in one poll.
const ATTEMPTS_MAX: u32 = 16;

/// How far an operation has come, seen from its future.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    /// No queue has its entries yet.
    Waiting,
    /// It is the driver's and the kernel's.
    Admitted,
    /// The driver has been told to submit it, too.
    Submitted,
    /// It has ended, and the event has been taken out. What is left is memory.
    Taken,
}

/// The future's share of an operation.
pub(crate) struct Claim<E: Event, S: Sharing> {
    record: S::Share<Record<E, S>>,
    progress: Progress,
    /// Whether the driver has just been asked to serve it at once, and is not to be asked again.
    asked: bool,
    /// How much of the operation was served at once while it went on after that.
    served: u64,
}

impl<E: Event, S: Sharing> Claim<E, S> {
    /// Moves `event` to the heap, where it stays until its operation has ended.
    ///
    /// `asked` says whether the driver has just been asked to serve it at once.
    pub(crate) fn new(event: E, asked: bool) -> Claim<E, S> {
        let record = S::share(|| Record::new(event));
        Claim { record, progress: Progress::Waiting, asked, served: 0 }
    }

    /// Has `driver` commit the event's entries.
    // Always inlined, as that is where it is called; and so is what a driver does to make room.
    #[inline(always)]
    pub(crate) fn poll_admit<D: Drive<Sharing = S>>(
        &mut self,
        mut driver: Pin<&mut D>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        if self.progress != Progress::Waiting {
            // Perhaps by a call of the driver that panicked after it had the event prepared.
            return Poll::Ready(Ok(()));
        }
        let mut attempts = if std::mem::take(&mut self.asked) { ATTEMPTS_MAX } else { 0 };
        let mut sqes = Sqes::new();
        loop {
            // SAFETY: C1: waiting; the entries of an earlier call went with that call, and those
            // of an earlier turn have been executed.
            unsafe { self.record.prepare_first(&mut sqes) }?;
            let Some(entry) = sqes.only() else { break };
            // What is registered with a ring is served by that ring, if by any.
            if attempts == ATTEMPTS_MAX || sqes.home() != Home::ANY {
                break;
            }
            let served = driver.as_mut().attempt(Attempt::new(entry));
            let Some(result) = served.and_then(|served| served.result_of(entry)) else { break };
            // SAFETY: AT1, C1: the entry was executed and is done with, and the event is ours.
            if unsafe { !self.record.served(result) } {
                self.progress = Progress::Submitted;
                return Poll::Ready(Ok(()));
            }
            // The event goes on after a part of it.
            attempts += 1;
            self.served += u64::try_from(result).unwrap_or(0);
            sqes = Sqes::new();
        }
        let mut refused = None;
        let Claim { record, progress, .. } = self;
        let polled = driver.poll_prepare(cx, record.steps(), |reservation, _cx| {
            match reservation.commit(Tenant::of_record(record), &mut sqes) {
                Ok(()) => {
                    // Noted here and not after the call: the driver may panic in between.
                    *progress = Progress::Admitted;
                    Completion::new(true)
                }
                Err(reason) => {
                    refused = Some(reason);
                    Completion::new(false)
                }
            }
        });
        if self.progress == Progress::Admitted {
            // Nobody else has seen the operation yet, so it cannot have been cancelled, unless by
            // a driver that is shutting down: that one has sent its cancel along.
            return Poll::Ready(Ok(()));
        }
        match (refused, polled) {
            (Some(reason), _) => Poll::Ready(Err(reason.into())),
            (None, Poll::Ready(Err(error))) => Poll::Ready(Err(error)),
            (None, Poll::Pending) => Poll::Pending,
            (None, Poll::Ready(Ok(_))) => Poll::Ready(Err(io::Error::other(
                "the driver accepted the event without having it prepared",
            ))),
        }
    }

    /// Whether the event is the kernel's, as far as the future knows.
    pub(crate) fn is_admitted(&self) -> bool {
        matches!(self.progress, Progress::Admitted | Progress::Submitted)
    }

    /// Whether the driver has been told to submit it.
    #[inline]
    pub(crate) fn is_submitted(&self) -> bool {
        self.progress == Progress::Submitted
    }

    /// Whether no queue has the event's entries yet.
    pub(crate) fn is_waiting(&self) -> bool {
        self.progress == Progress::Waiting
    }

    /// How much of the operation was served at once while it went on after that.
    pub(crate) fn served(&self) -> u64 {
        self.served
    }

    /// Whether the output has been taken.
    pub(crate) fn is_over(&self) -> bool {
        self.progress == Progress::Taken
    }

    /// Has `driver` submit what it has admitted, unless it has been told before.
    #[inline]
    pub(crate) fn poll_submit<D: Drive>(&mut self, driver: Pin<&mut D>, cx: &mut Context<'_>) {
        // An error concerns the driver, which goes on trying; the operation is in flight.
        if self.progress == Progress::Admitted && driver.poll_submit(cx).is_ready() {
            self.progress = Progress::Submitted;
        }
    }

    pub(crate) fn poll_cqe(&self, cx: &Context<'_>, index: usize) -> Poll<Option<Cqe>> {
        self.record.cell().poll_cqe(index, cx.waker())
    }

    #[inline]
    pub(crate) fn poll_unread(
        &self,
        cx: &Context<'_>,
        unread: &mut VecDeque<Cqe>,
    ) -> Poll<Option<Cqe>> {
        self.record.cell().poll_unread(cx.waker(), unread)
    }

    /// The output, as soon as the operation has ended, and whether it is that of an operation that
    /// has not run. `stopped` makes the error of one that has not.
    #[inline]
    pub(crate) fn poll_complete(
        &mut self,
        cx: &Context<'_>,
        stopped: Option<&dyn Fn() -> io::Error>,
    ) -> Poll<(E::Output, bool)> {
        assert!(self.progress != Progress::Taken, "a submission was polled after its output");
        let mut only = None;
        ready!(self.record.cell().poll(cx.waker(), &mut only));
        self.progress = Progress::Taken;
        // SAFETY: C2.
        Poll::Ready(unsafe {
            self.record.complete(only.as_ref(), stopped.map(|stopped| stopped()))
        })
    }

    /// Puts `event` where the one before was, whose output has been taken, unless somebody still
    /// holds a share of that operation, as those do who would cancel it.
    pub(crate) fn renew(&mut self, event: E) -> Result<(), E> {
        match S::sole(&mut self.record) {
            Some(record) if self.progress == Progress::Taken => record.renew(event),
            _ => return Err(event),
        }
        self.progress = Progress::Waiting;
        self.served = 0;
        Ok(())
    }

    /// The event of an operation that never started.
    pub(crate) fn into_event(self) -> E {
        assert!(self.progress == Progress::Waiting, "what is in flight is the kernel's");
        // SAFETY: C1; it waits, and a claim that is used up will not be admitted.
        let event = unsafe { self.record.take() };
        event.expect("an event that was never committed is still there (C1)")
    }

    pub(crate) fn target(&self) -> CancelTarget<S> {
        CancelTarget::new(S::forget_event(self.record.clone()))
    }

    /// The future goes. Yields a target where the driver is to cancel the operation.
    #[inline]
    pub(crate) fn depart(self, detach: bool) -> Option<CancelTarget<S>> {
        if self.is_waiting() && self.served > 0 {
            // A part of it is done, and must not be lost with the event.
            let stopped = io::Error::from_raw_os_error(libc::ECANCELED);
            self.into_event().cancelled(Outcome::refused(stopped));
            return None;
        }
        let request = self.is_admitted() && self.record.depart(detach);
        request.then(|| self.target())
    }
}
