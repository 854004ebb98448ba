//! What a simulated driver does about the CQEs that it finds.

use ringbahn_core::{Aftermath, Local};

use crate::driver::core::{Core, PAUSE_MAX};

/// How many CQEs are read before their consequences are run.
const REAP_MAX: u32 = 64;

impl Core {
    /// Reads CQEs and runs their consequences.
    ///
    /// What is left of a batch lies in the driver and not on the stack: a waker may come back here
    /// and wait for an operation that has ended along with its own.
    pub(crate) fn reap(&self) {
        loop {
            let consequence = self.state().batch.pop();
            if let Some(mut consequence) = consequence {
                if let Some(aftermath) = consequence.run() {
                    self.settle(aftermath, u64::from(consequence.is_stop()));
                }
            } else if self.read() == 0 && !self.bring_in_overflow() {
                return;
            }
        }
    }

    /// Reads CQEs, whose consequences are then in the batch. Says how many there were.
    fn read(&self) -> u32 {
        self.tell_time();
        let state = &mut *self.state();
        let reaped = self.kernel.borrow_mut().completion.reap(&mut state.batch, REAP_MAX);
        state.counters.completed += u64::from(reaped.finished);
        state.stopped += u64::from(reaped.stopped);
        state.counters.unknown_cqes += u64::from(reaped.unknown);
        reaped.count
    }

    /// Fills the completion queue from what the kernel has kept back. `false` where that is
    /// nothing.
    fn bring_in_overflow(&self) -> bool {
        let mut kernel = self.kernel.borrow_mut();
        if !kernel.completion.has_overflown() {
            return false;
        }
        kernel.completion.flush();
        self.state().counters.overflows += 1;
        true
    }

    /// Puts on the backlog what a consequence has left to be done. `stopped` is 1 where that is the
    /// end of an operation that was stopped.
    fn settle(&self, aftermath: Aftermath<Local>, stopped: u64) {
        let Aftermath { resubmissions, cancels, missed_cancels, disposed, panics, .. } = aftermath;
        self.table.count_disposed(&aftermath.disposed_opcodes);
        let now = self.kernel.borrow().now;
        let mut state = self.state();
        state.counters.disposed += u64::from(disposed);
        state.counters.panics += u64::from(panics);
        if !resubmissions.is_empty() {
            let count = resubmissions.len() as u64;
            // They have been counted as completed, and are not.
            state.counters.completed -= count;
            state.stopped -= stopped;
            state.counters.repeated += count;
            state.backlog.resubmissions.extend(resubmissions);
        }
        state.counters.cancelled += cancels.len() as u64;
        state.backlog.cancels.extend(cancels);
        if !missed_cancels.is_empty() {
            state.backlog.missed_cancels.extend(missed_cancels);
            let pause = state.pause;
            state.pause = (pause * 2).min(PAUSE_MAX);
            state.retry_at.get_or_insert(now + pause);
        }
    }
}
