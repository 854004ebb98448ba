//! [`AnyEvent`]: an event with its type forgotten, so that one type of operation serves all cases.
//!
//! A submission of another type of event is compiled anew, with all that belongs to it. Here that
//! is done once for each [`Kind`](crate::kind::Kind); an event adds no more than its own methods.
//!
//! # Safety
//!
//! N1. The entries of an [`AnyEvent`] are those of the event within, which lies in a box: it stays
//!     where it is and is touched by nobody as long as that is asked of the one around it, and what
//!     the kernel says of the one is said of the other.
#![allow(unsafe_code)]

use std::any::Any;
use std::fmt;

use ringbahn_core::{Event, Outcome, Sqes};

/// An event with its type forgotten.
pub(crate) struct AnyEvent {
    event: Box<dyn Erased>,
}

/// The output of an event whose type is forgotten.
pub(crate) type AnyOutput = Box<dyn Any>;

impl AnyEvent {
    /// `event` with its type forgotten.
    pub(crate) fn new<E: Event>(event: E) -> AnyEvent {
        AnyEvent { event: Box::new(event) }
    }
}

/// The output as what it is.
pub(crate) fn output<T: 'static>(output: AnyOutput) -> T {
    *output.downcast().expect("an operation yields the output of its own event")
}

/// [`Event`] without associated types.
trait Erased: Send {
    fn sqes_needed(&self) -> u32;

    /// # Safety
    ///
    /// That of [`Event::prepare`].
    unsafe fn prepare(&mut self, sqes: &mut Sqes<'_>);

    fn complete(self: Box<Self>, outcome: Outcome<'_, AnyEvent>) -> AnyOutput;

    fn cancelled(self: Box<Self>, outcome: Outcome<'_, AnyEvent>);

    fn resubmit(&mut self, outcome: &Outcome<'_, AnyEvent>) -> bool;
}

impl<E: Event> Erased for E {
    fn sqes_needed(&self) -> u32 {
        Event::sqes_needed(self)
    }

    unsafe fn prepare(&mut self, sqes: &mut Sqes<'_>) {
        // SAFETY: N1; our caller has promised what this event asks of its own.
        unsafe { Event::prepare(self, sqes) };
    }

    fn complete(self: Box<Self>, outcome: Outcome<'_, AnyEvent>) -> AnyOutput {
        // SAFETY: N1: the entries are this event's.
        let outcome = unsafe { outcome.of_inner() };
        Box::new(Event::complete(*self, outcome))
    }

    fn cancelled(self: Box<Self>, outcome: Outcome<'_, AnyEvent>) {
        // SAFETY: N1: the entries are this event's.
        let outcome = unsafe { outcome.of_inner() };
        Event::cancelled(*self, outcome);
    }

    fn resubmit(&mut self, outcome: &Outcome<'_, AnyEvent>) -> bool {
        // SAFETY: N1: the entries are this event's, which only looks at this outcome.
        let outcome = unsafe { Outcome::completed(outcome.cqes()) };
        Event::resubmit(self, &outcome)
    }
}

impl Event for AnyEvent {
    type Output = AnyOutput;

    fn sqes_needed(&self) -> u32 {
        self.event.sqes_needed()
    }

    unsafe fn prepare(&mut self, sqes: &mut Sqes<'_>) {
        // SAFETY: N1; our caller has promised what the event within asks of its own.
        unsafe { self.event.prepare(sqes) };
    }

    fn complete(self, outcome: Outcome<'_, Self>) -> AnyOutput {
        self.event.complete(outcome)
    }

    fn cancelled(self, outcome: Outcome<'_, Self>) {
        self.event.cancelled(outcome);
    }

    fn resubmit(&mut self, outcome: &Outcome<'_, Self>) -> bool {
        self.event.resubmit(outcome)
    }
}

impl fmt::Debug for AnyEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnyEvent").finish_non_exhaustive()
    }
}
