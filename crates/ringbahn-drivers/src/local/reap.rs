//! What a local driver does about the CQEs that it finds.

use std::time::Instant;

use ringbahn_core::{Aftermath, Consequence, Local};

use super::core::{Core, PAUSE_MAX};
use crate::trace::{cancels_missed, has_overflown};

impl Core {
    /// Reads CQEs and runs their consequences, one after the other.
    ///
    /// Those that have not been read yet lie in the queue, and what is left to be done of the
    /// others in the driver and not on the stack: a waker may come back here and wait for an
    /// operation that has ended along with its own.
    pub(super) fn reap(&self) {
        loop {
            let mut next = None;
            if self.read(&mut next) {
                let Some(consequence) = &mut next else { continue };
                if let Some(aftermath) = consequence.run() {
                    self.settle(aftermath, u64::from(consequence.is_stop()));
                }
            } else if !self.bring_in_overflow() {
                return;
            }
        }
    }

    /// Takes what is left to be done, or reads a CQE. `false` where there is neither.
    #[inline]
    fn read(&self, next: &mut Option<Consequence<Local>>) -> bool {
        let state = &mut *self.state();
        if !state.batch.is_empty() {
            *next = state.batch.pop();
            return true;
        }
        // The bell is not counted once it is to ring no more.
        let bell = state.refusal.is_some() && state.is_bell_in_flight();
        let Some(reaped) = state.completion.reap_next(next, &mut state.batch) else { return false };
        if !bell || state.is_bell_in_flight() {
            state.counters.completed += u64::from(reaped.finished);
            state.stopped += u64::from(reaped.stopped);
        }
        state.counters.unknown_cqes += u64::from(reaped.unknown);
        true
    }

    /// Fills the completion queue from the kernel's list. `false` where that is empty, or cannot be
    /// had now.
    fn bring_in_overflow(&self) -> bool {
        if !self.ring.overflowed() {
            return false;
        }
        has_overflown();
        {
            let counters = &mut self.state().counters;
            counters.overflows += 1;
            counters.enters += 1;
        }
        self.ring.enter_flush().is_ok() && !self.state().completion.is_empty()
    }

    /// Puts on the backlog what a consequence has left to be done. `stopped` is 1 where that is the
    /// end of an operation that was stopped.
    #[cold]
    fn settle(&self, aftermath: Aftermath<Local>, stopped: u64) {
        let Aftermath { resubmissions, cancels, missed_cancels, disposed, panics, .. } = aftermath;
        self.ring.table().count_disposed(&aftermath.disposed_opcodes);
        cancels_missed(missed_cancels.len());
        let mut state = self.state();
        state.counters.disposed += u64::from(disposed);
        state.counters.panics += u64::from(panics);
        if !resubmissions.is_empty() {
            let count = resubmissions.len() as u64;
            // They have been counted as completed, and are not; the bell is not counted at all.
            state.counters.completed -= count;
            state.stopped -= stopped;
            state.counters.repeated += count.saturating_sub(self.parker.take_rings());
            state.backlog.resubmissions.extend(resubmissions);
        }
        state.counters.cancelled += cancels.len() as u64;
        state.backlog.cancels.extend(cancels);
        if !missed_cancels.is_empty() {
            state.backlog.missed_cancels.extend(missed_cancels);
            let pause = state.pause;
            state.pause = (pause * 2).min(PAUSE_MAX);
            state.retry_at.get_or_insert_with(|| Instant::now() + pause);
        }
    }
}
