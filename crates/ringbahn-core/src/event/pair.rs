//! [`Pair`]: two events in one operation, for the kinds of chain to be made of.

use crate::event::Event;
use crate::outcome::Outcome;
use crate::panics::contain_panic;
use crate::sqe::{Coupling, SQES_PER_EVENT_MAX, Sqes};

/// Two events whose entries stand next to each other in one submission.
#[derive(Debug)]
pub(super) struct Pair<A, B> {
    first: A,
    second: B,
    /// How many of the entries are the first event's: as many as it has pushed, whatever it says
    /// when it is asked once more. By them the CQEs are told apart, which each event believes.
    first_steps: u32,
}

/// The second event and its outcome, until somebody wants them: disposed of where the first one
/// panics.
struct Second<'a, B: Event> {
    rest: Option<(B, Outcome<'a, B>)>,
}

impl<B: Event> Drop for Second<'_, B> {
    fn drop(&mut self) {
        if let Some((event, outcome)) = self.rest.take() {
            if std::thread::panicking() {
                // A second panic that got out of here would end the process.
                contain_panic(|| event.cancelled(outcome));
            } else {
                event.cancelled(outcome);
            }
        }
    }
}

impl<A: Event, B: Event> Pair<A, B> {
    /// # Panics
    ///
    /// Panics where both together need more entries than an event may have.
    pub(super) fn new(first: A, second: B) -> Pair<A, B> {
        let first_steps = first.sqes_needed();
        let entries = first_steps.saturating_add(second.sqes_needed());
        assert!(
            entries <= SQES_PER_EVENT_MAX,
            "a chain of {entries} entries, where {SQES_PER_EVENT_MAX} are the most"
        );
        Pair { first, second, first_steps }
    }

    pub(super) fn sqes_needed(&self) -> u32 {
        self.first.sqes_needed().saturating_add(self.second.sqes_needed())
    }

    /// Lays out the entries of both, the second event's hanging on the first one's last.
    ///
    /// # Safety
    ///
    /// As for [`Event::prepare`], of which this is a part.
    #[allow(unsafe_code, reason = "passes on the duty of its own caller")]
    pub(super) unsafe fn prepare(&mut self, sqes: &mut Sqes<'_>, coupling: Coupling) {
        let before = sqes.entries().len();
        // SAFETY: E1: the first event is a part of this one, so it stays in place as long.
        unsafe { self.first.prepare(sqes) };
        self.first_steps = (sqes.entries().len() - before) as u32;
        sqes.couple_last(coupling);
        // SAFETY: E1: as for the first one.
        unsafe { self.second.prepare(sqes) };
    }

    pub(super) fn complete<E>(self, outcome: Outcome<'_, E>) -> (A::Output, B::Output) {
        let (head, tail) = outcome.split_at(self.first_steps);
        let mut second = Second { rest: Some((self.second, tail)) };
        let first = self.first.complete(head);
        let (event, tail) = second.rest.take().expect("taken here only");
        (first, event.complete(tail))
    }

    pub(super) fn cancelled<E>(self, outcome: Outcome<'_, E>) {
        let (head, tail) = outcome.split_at(self.first_steps);
        let _second = Second { rest: Some((self.second, tail)) };
        self.first.cancelled(head);
    }
}

/// Makes a kind of chain, which has a [`Pair`] and nothing else, the event that it is.
macro_rules! event_of_pair {
    ($name:ident, $coupling:expr) => {
        impl<A: Event, B: Event> Event for $name<A, B> {
            type Output = (A::Output, B::Output);

            fn sqes_needed(&self) -> u32 {
                self.pair.sqes_needed()
            }

            #[allow(unsafe_code, reason = "passes on the duty of its own caller")]
            unsafe fn prepare(&mut self, sqes: &mut Sqes) {
                // SAFETY: E1: the pair is all there is of this event.
                unsafe { self.pair.prepare(sqes, $coupling) };
            }

            fn complete(self, outcome: Outcome<'_, Self>) -> Self::Output {
                self.pair.complete(outcome)
            }

            fn cancelled(self, outcome: Outcome<'_, Self>) {
                self.pair.cancelled(outcome);
            }

            /// Of several entries some have run; nobody but the caller knows what may run again.
            fn resubmit(&mut self, _outcome: &Outcome<'_, Self>) -> bool {
                false
            }
        }
    };
}
pub(super) use event_of_pair;
