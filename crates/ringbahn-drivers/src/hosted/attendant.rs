//! [`Attendant`]: what others see of the task that looks after a hosted ring.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

use super::turns::{Moment, Turns};
use crate::shared::lookout::Host;

/// What others see of the task that looks after a hosted ring.
pub(super) struct Attendant {
    /// Whether the task is there: from the beginning until it is dropped or ends.
    attending: AtomicBool,
    /// The turns of the runtime's threads. The task itself ends the first.
    pub(super) turns: Turns,
}

impl Attendant {
    /// In a runtime of so many threads.
    pub(super) fn new(threads: usize) -> Attendant {
        Attendant { attending: AtomicBool::new(true), turns: Turns::new(threads) }
    }

    /// When a submission of the calling thread enters the kernel.
    pub(super) fn moment(&self) -> Moment<'_> {
        if self.is_attending() { self.turns.moment() } else { Moment::Now }
    }

    /// The task goes, and with it those that end the other turns. See [`Host`] for what it does
    /// afterwards.
    pub(super) fn leave(&self) {
        self.attending.store(false, Ordering::SeqCst);
        drop(self.turns.numbered(0).take_waker());
        for number in 1..self.turns.count() {
            if let Some(waker) = self.turns.numbered(number).take_waker() {
                waker.wake();
            }
        }
    }
}

impl Host for Attendant {
    fn is_attending(&self) -> bool {
        self.attending.load(Ordering::SeqCst)
    }

    fn call(&self) {
        self.turns.numbered(0).call();
    }
}

impl fmt::Debug for Attendant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attendant").field("attending", &self.is_attending()).finish_non_exhaustive()
    }
}
