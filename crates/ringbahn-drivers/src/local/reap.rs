//! What a local driver does about the CQEs that it finds.

use std::time::Instant;

use ringbahn_core::{Aftermath, Consequence, Local};

use super::core::{Core, PAUSE_MAX};
use super::wakers;
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
            let is_more = self.read(&mut next);
            if let Some(consequence) = &mut next {
                self.run(consequence);
            } else if !is_more && !self.bring_in_overflow() {
                return;
            }
        }
    }

    /// Brings a consequence about. Runs foreign code.
    #[inline(never)]
    fn run(&self, consequence: &mut Consequence<Local>) {
        if let Some(aftermath) = consequence.run() {
            self.settle(aftermath, u64::from(consequence.is_stop()));
        }
    }

    /// Takes what is left to be done, or reads CQEs until one has a consequence to be run. Says
    /// whether there may be more even where none had.
    ///
    /// What wakes tasks of this driver, or its `block_on`, is no consequence to be run: that is no
    /// stranger's code, so it is done here, and a batch of CQEs is read in one go.
    // Apart from what runs consequences: it is a loop that has enough to keep in registers.
    #[inline(never)]
    fn read(&self, next: &mut Option<Consequence<Local>>) -> bool {
        let state = &mut *self.state();
        if !state.batch.is_empty() {
            *next = state.batch.pop();
            return true;
        }
        // The bell is not counted once it is to ring no more, so that each CQE is looked at.
        let refused = state.refusal.is_some();
        let bell = refused && state.is_bell_in_flight();
        let limit = if refused { 1 } else { u32::MAX };
        let reaped =
            state.completion.reap_until(next, &mut state.batch, limit, wakers::wake_at_once);
        if !bell || state.is_bell_in_flight() {
            state.counters.completed += reaped.finished as u64;
            state.stopped += reaped.stopped as u64;
        }
        state.counters.unknown_cqes += reaped.unknown as u64;
        (refused && reaped.count > 0) || !state.batch.is_empty()
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
