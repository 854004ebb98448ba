//! What a local driver does about the CQEs that it finds.

use std::time::Instant;

use ringbahn_core::{Aftermath, Batch, Local};

use super::core::{Core, PAUSE_MAX};

impl Core {
    /// Reads CQEs and runs their consequences, one after another: a waker may wait for an operation
    /// that has ended along with its own, and would not find its CQE in a batch on the stack.
    pub(super) fn reap(&self) {
        let mut batch = Batch::new();
        loop {
            let reaped = {
                let mut state = self.state();
                let bell = state.refusal.is_some() && state.is_bell_in_flight();
                let reaped = state.completion.reap(&mut batch, 1);
                // The bell is not counted, and this was its last CQE.
                if !bell || state.is_bell_in_flight() {
                    state.counters.completed += reaped.finished as u64;
                    state.stopped += reaped.stopped as u64;
                }
                state.counters.unknown_cqes += reaped.unknown as u64;
                reaped
            };
            if !batch.is_empty() {
                let aftermath = batch.run();
                self.settle(aftermath, reaped.stopped as u64);
            }
            if reaped.count == 0 && !self.bring_in_overflow() {
                return;
            }
        }
    }

    /// Fills the completion queue from the kernel's list. `false` where that is empty, or cannot be
    /// had now.
    fn bring_in_overflow(&self) -> bool {
        if !self.ring.overflowed() {
            return false;
        }
        {
            let counters = &mut self.state().counters;
            counters.overflows += 1;
            counters.enters += 1;
        }
        self.ring.enter_flush().is_ok() && !self.state().completion.is_empty()
    }

    /// Puts on the backlog what a batch has left to be done, in which so many had been stopped.
    fn settle(&self, aftermath: Aftermath<Local>, stopped: u64) {
        let Aftermath { resubmissions, missed_cancels, disposed, panics, .. } = aftermath;
        if resubmissions.is_empty() && missed_cancels.is_empty() && disposed + panics == 0 {
            return;
        }
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
        if !missed_cancels.is_empty() {
            state.backlog.missed_cancels.extend(missed_cancels);
            let pause = state.pause;
            state.pause = (pause * 2).min(PAUSE_MAX);
            state.retry_at.get_or_insert_with(|| Instant::now() + pause);
        }
    }
}
