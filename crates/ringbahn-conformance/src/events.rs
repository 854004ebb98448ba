//! Events of the suite's own: those that go round by themselves.
//!
//! # Safety
//!
//! Nothing here relies on an invariant: the entries are nops, which name no memory. Only the
//! method of the trait is unsafe, to call.
#![allow(unsafe_code)]

use std::io;

use ringbahn_core::{Event, Outcome, Sqe, Sqes};

/// Goes round a number of times, as an operation may that completes a little at a time, and
/// yields how many rounds there were.
pub(crate) struct Rounds {
    wanted: u32,
    done: u32,
}

impl Rounds {
    /// Goes round `wanted` times.
    pub(crate) fn new(wanted: u32) -> Rounds {
        Rounds { wanted, done: 0 }
    }

    /// Goes round until it is cancelled.
    pub(crate) fn endless() -> Rounds {
        Rounds { wanted: u32::MAX, done: 0 }
    }
}

impl Event for Rounds {
    type Output = io::Result<u32>;

    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        sqes.push(Sqe::nop());
    }

    fn complete(self, outcome: Outcome<'_, Self>) -> io::Result<u32> {
        // The last round was not asked for another.
        outcome.result().map(|_| self.done + 1)
    }

    fn resubmit(&mut self, _outcome: &Outcome<'_, Self>) -> bool {
        let goes_on = self.done + 1 < self.wanted;
        self.done += u32::from(goes_on);
        goes_on
    }
}
