//! An operation: an event on the heap, and the record that says whose it is.
//!
//! Records are shared by a submission (the future's side), the operation table of a ring (the
//! kernel's side), and for moments by whoever reaps CQEs.
//!
//! # Safety
//!
//! Who may touch the event of a record:
//!
//! O1. Before its entries are committed to a queue: the submission, which is borrowed mutably for
//!     as long as it does so. Entries prepared meanwhile are dropped before it does so again.
//!
//! O2. From the commit until the table has seen the last CQE of every entry: the kernel. Nobody
//!     makes a reference to the event, and the record is not freed, since the table owns a share
//!     of it and leaks that share rather than dropping it.
//!
//! O3. From then until [`Cell::end`] has been told: whoever reaped the last CQE. The table hands
//!     out an [`Ended`] once per commit, so it is one; or it tells the cell by itself
//!     ([`Header::finish`]), and hands out none. A `Resubmit` leaves the event in the same hands,
//!     until it is committed (O2) or told to have ended after all.
//!
//! O4. After that: whoever got `Take` or `Dispose` from the cell, which it gives out once.
#![allow(unsafe_code)]

use std::io;

use crate::completion::cell::{Cell, Cqes, Departure, End};
use crate::cqe::Cqe;
use crate::event::Event;
use crate::outcome::Outcome;
use crate::panics::contain_panic;
use crate::sharing::{Shared, Sharing};
use crate::sqe::{SQES_PER_EVENT_MAX, Sqes};
use crate::sync::UnsafeCell;

pub(crate) mod batch;
pub(crate) mod claim;
pub(crate) mod ended;
pub(crate) mod header;
pub(crate) mod id;
pub(crate) mod in_place;
mod metered;
pub(crate) mod places;
pub(crate) mod repeats;
pub(crate) mod table;
pub(crate) mod target;

pub(crate) use header::{Header, StepEnd};
use id::step_of;
use repeats::Repeats;

/// An operation with its event's type forgotten: what a ring knows.
pub trait Operation<S: Sharing> {
    fn header(&self) -> &Header<S>;

    /// Gives the event what the last CQE means for it.
    ///
    /// Runs code of the event and of wakers.
    ///
    /// # Safety
    ///
    /// The caller has an [`Ended`] of this operation, and uses it up.
    unsafe fn end(&self, cqe: &Cqe) -> Ending;

    /// Ends an operation that wanted to be submitted once more and cannot be.
    ///
    /// # Safety
    ///
    /// The caller has a [`Resubmission`] of this operation, and uses it up.
    unsafe fn give_up(&self);
}

/// What the end of an operation came to.
pub enum Ending {
    /// The result waits for the future, which has been woken.
    Finished,
    /// Nobody waited, and the result has been disposed of.
    Disposed,
    /// The event wants to be submitted once more, with these entries.
    Again(Sqes<'static>),
}

/// An event on the heap, and its header.
pub struct Record<E, S: Sharing> {
    header: Header<S>,
    event: UnsafeCell<Option<E>>,
}

// SAFETY: O1 to O4: at any time one thread touches the event, and the hand-overs between them go
// through the locks of queue, table and cell. The event itself is `Send`.
unsafe impl<E: Send> Sync for Record<E, Shared> {}

impl<E: Event, S: Sharing> Record<E, S> {
    pub(crate) fn new(event: E) -> Record<E, S> {
        let steps = event.sqes_needed();
        let header = Header::new(event.unread_max(), steps, repeats(&event, steps));
        Record { header, event: UnsafeCell::new(Some(event)) }
    }

    /// Makes the record of an operation that has ended that of another one, not started yet.
    /// Nobody else knows of it.
    pub(crate) fn renew(&mut self, event: E) {
        let steps = event.sqes_needed();
        let header = &mut self.header;
        let waker = header.cell.renew(event.unread_max());
        // Relaxed: whoever gets to know of the record gets to know of this, too.
        header.leave(steps, repeats(&event, steps));
        // The former event has been taken out; if not, it is dropped here.
        self.event = UnsafeCell::new(Some(event));
        drop(waker);
    }

    pub(crate) fn cell(&self) -> &Cell<S> {
        &self.header.cell
    }

    /// How many entries the event asked for.
    #[inline]
    pub(crate) fn steps(&self) -> u32 {
        self.header.steps()
    }

    /// Lays out the event's entries on an empty tray.
    ///
    /// # Safety
    ///
    /// The caller holds the event by O1 or O3.
    #[inline]
    unsafe fn prepare(&self, sqes: &mut Sqes<'static>) -> io::Result<()> {
        self.event.with_mut(|event| {
            // SAFETY: O1 or O3, by the contract of this function.
            let event = unsafe { &mut *event };
            if let Some(event) = event {
                // SAFETY: O2 to O4 are what `prepare` asks of its caller.
                unsafe { event.prepare(sqes) };
            }
        });
        if self.steps() == 1 && sqes.plain().is_some() {
            return Ok(());
        }
        self.check_special(sqes)
    }

    /// # Errors
    ///
    /// As for `prepare_first`.
    #[inline(never)]
    fn check_special(&self, sqes: &Sqes<'static>) -> io::Result<()> {
        let pushed = sqes.entries().len();
        if sqes.is_open_chain() {
            // It would hang on whatever operation comes next in the queue.
            let message = "the last event of a chain prepared no entry";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        let steps = self.steps();
        if pushed == steps as usize && (1..=SQES_PER_EVENT_MAX).contains(&steps) {
            return Ok(());
        }
        Err(wrong_count(steps, pushed))
    }

    /// Lays out the event's entries, on an empty tray, before the operation has started.
    ///
    /// # Errors
    ///
    /// `InvalidInput` where the event did not prepare as many entries as it asked for, or the last
    /// one is linked to nothing.
    ///
    /// # Safety
    ///
    /// The record has not been committed, the caller is its submission, and the entries of
    /// earlier calls have been dropped.
    #[inline]
    pub(crate) unsafe fn prepare_first(&self, sqes: &mut Sqes<'static>) -> io::Result<()> {
        // SAFETY: O1, by the contract of this function.
        unsafe { self.prepare(sqes) }
    }

    /// The event's one entry has been executed before it was committed, with `result`. Says
    /// whether the event wants to go round again; else the operation has ended.
    ///
    /// # Safety
    ///
    /// The caller holds the event by O1, and the result is that of its entry, once.
    pub(crate) unsafe fn served(&self, result: i32) -> bool {
        let cqe = Cqe { result, ..Cqe::default() };
        // Nobody waits yet, so there is nobody to wake.
        if self.header.finish(&cqe).is_some() {
            return false;
        }
        // SAFETY: O1 is as good as O3: there is nobody else.
        if unsafe { self.wants_repeat(&cqe) } {
            return true;
        }
        self.tell_end(Some(&cqe), false);
        false
    }

    /// Moves the event out.
    ///
    /// # Safety
    ///
    /// The caller holds the event by O1 and will not commit the record, or by O4.
    pub(crate) unsafe fn take(&self) -> Option<E> {
        self.event.with_mut(|event| {
            // SAFETY: O1 or O4, by the contract of this function.
            let event = unsafe { &mut *event };
            event.take()
        })
    }

    /// The output of an operation that has ended, for the one who got `Take`, and with it its only
    /// CQE, if there is no other. With `stopped` given, that is the error of an operation that was
    /// cancelled before it did anything.
    ///
    /// # Safety
    ///
    /// The caller holds the event by O4.
    #[inline]
    pub(crate) unsafe fn complete(
        &self,
        only: Option<&Cqe>,
        stopped: Option<io::Error>,
    ) -> (E::Output, bool) {
        let several;
        let cqes = match only {
            Some(cqe) => std::slice::from_ref(cqe),
            None => {
                several = self.ordered(self.header.cell.take_cqes());
                &several[..]
            }
        };
        // SAFETY: V1: these are the CQEs of the record's own event, and it is taken once (O4).
        let outcome = unsafe { Outcome::completed(cqes) };
        let has_not_run = outcome.has_not_run();
        let outcome = match stopped {
            Some(reason) if has_not_run => outcome.because(reason),
            _ => outcome,
        };
        // SAFETY: O4, by the contract of this function.
        let event = unsafe { self.take() };
        let event = event.expect("the event of an operation is taken once (O4)");
        (event.complete(outcome), has_not_run)
    }

    /// Runs the cancellation callback, for the one who got `Dispose`.
    ///
    /// # Safety
    ///
    /// The caller holds the event by O4.
    pub(crate) unsafe fn dispose(&self, cqes: Cqes) {
        let cqes = self.ordered(cqes);
        // SAFETY: O4, by the contract of this function.
        if let Some(event) = unsafe { self.take() } {
            // SAFETY: V1: these are the CQEs of the record's own event, and it is taken once (O4).
            let outcome = unsafe { Outcome::completed(&cqes) };
            event.cancelled(outcome);
        }
    }

    /// The future goes. Says whether the driver is to cancel the operation.
    pub(crate) fn depart(&self, detach: bool) -> bool {
        let cell = &self.header.cell;
        match if detach { cell.detach() } else { cell.abandon() } {
            Departure::Request => return true,
            Departure::Nothing => {}
            // SAFETY: O4: the cell has just given out `Dispose`.
            Departure::Dispose(cqes) => unsafe { self.dispose(cqes) },
        }
        false
    }

    /// The CQEs by step, and within a step in the order of arrival.
    fn ordered(&self, mut cqes: Cqes) -> Cqes {
        if self.steps() > 1 {
            cqes.sort_by_key(|cqe| step_of(cqe.user_data));
        }
        cqes
    }

    /// Whether the event wants to be submitted once more.
    ///
    /// # Safety
    ///
    /// The caller holds the event by O3.
    unsafe fn wants_repeat(&self, last: &Cqe) -> bool {
        if self.steps() != 1 {
            return false;
        }
        let Some(cqe) = self.header.cell.cqe_to_repeat(last) else { return false };
        // SAFETY: V1: this is the CQE of the record's own event. It is told again when the event
        // is completed, unless it goes round once more; events count on that.
        let outcome = unsafe { Outcome::completed(std::slice::from_ref(&cqe)) };
        self.event.with_mut(|event| {
            // SAFETY: O3, by the contract of this function.
            let event = unsafe { &mut *event };
            event.as_mut().is_some_and(|event| event.resubmit(&outcome))
        })
    }

    /// Runs `ask`, code of the event; should it panic, the operation ends here and now.
    #[inline]
    fn or_end<R>(&self, cqe: Option<&Cqe>, ask: impl FnOnce() -> R) -> R {
        /// Dropped only where `ask` panics.
        struct Fuse<F: FnMut()>(F);

        impl<F: FnMut()> Drop for Fuse<F> {
            #[cold]
            fn drop(&mut self) {
                contain_panic(&mut self.0);
            }
        }

        let fuse = Fuse(|| drop(self.tell_end(cqe, false)));
        let answer = ask();
        std::mem::forget(fuse);
        answer
    }

    /// Tells the cell that the last CQE came, and does what it says; `None` where that is to
    /// submit the event once more.
    fn tell_end(&self, cqe: Option<&Cqe>, repeat: bool) -> Option<Ending> {
        match self.header.cell.end(cqe, repeat) {
            End::Resubmit => return None,
            End::Wake(Some(waker)) => waker.wake(),
            End::Wake(None) | End::Nothing => {}
            End::Dispose(cqes) => {
                // SAFETY: O4: the cell has just given out `Dispose`.
                unsafe { self.dispose(cqes) };
                return Some(Ending::Disposed);
            }
        }
        Some(Ending::Finished)
    }
}

/// After which ends `event`, of so many entries, could want to be submitted once more.
#[inline]
fn repeats(event: &impl Event, steps: u32) -> Repeats {
    // Several are not repeated.
    if steps == 1 { event.repeats() } else { Repeats::NEVER }
}

#[cold]
fn wrong_count(steps: u32, pushed: usize) -> io::Error {
    let message = format!(
        "the event asked for {steps} entries and prepared {pushed}; \
         both must be the same number from 1 to {SQES_PER_EVENT_MAX}"
    );
    io::Error::new(io::ErrorKind::InvalidInput, message)
}

impl<E: Event, S: Sharing> Operation<S> for Record<E, S> {
    fn header(&self) -> &Header<S> {
        &self.header
    }

    unsafe fn end(&self, cqe: &Cqe) -> Ending {
        if let Some(waker) = self.header.finish(cqe) {
            if let Some(waker) = waker {
                waker.wake();
            }
            return Ending::Finished;
        }
        // SAFETY: O3: the caller has the operation's `Ended`; what has been finished has returned.
        unsafe { self.end_slowly(cqe) }
    }

    unsafe fn give_up(&self) {
        self.tell_end(None, false);
    }
}

impl<E: Event, S: Sharing> Record<E, S> {
    /// Asks the event whether it wants to be submitted once more, and ends its operation if not.
    ///
    /// # Safety
    ///
    /// As for [`Operation::end`].
    unsafe fn end_slowly(&self, cqe: &Cqe) -> Ending {
        let repeat = self.or_end(Some(cqe), || {
            // SAFETY: O3, by the contract of this function.
            unsafe { self.wants_repeat(cqe) }
        });
        if let Some(ending) = self.tell_end(Some(cqe), repeat) {
            return ending;
        }
        let mut sqes = Sqes::new();
        let prepared = self.or_end(None, || {
            // SAFETY: O3: the cell said `Resubmit`, so the event is still ours, and the entries
            // of before have ended.
            unsafe { self.prepare(&mut sqes) }
        });
        match prepared {
            Ok(()) => Ending::Again(sqes),
            Err(_) => self.tell_end(None, false).unwrap_or(Ending::Finished),
        }
    }
}
