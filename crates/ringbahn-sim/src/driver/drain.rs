//! The end of a simulated driver: what it waits for, and how long.

use std::time::Duration;

use crate::driver::SimDriver;
use crate::driver::core::Core;
use crate::driver::refusal::Refusal;
use crate::report::Report;

/// How long after the deadline the cancels of the last operations may take, in nanoseconds.
const GRACE_TIME: u64 = 1_000_000_000;

impl Core {
    /// Accepts nothing any more, asks for the end of what is in flight, and waits until the kernel
    /// is done with it; with what was detached, until `time` has passed.
    pub(crate) fn drain(&self, time: Duration) -> Report {
        let (completed, stopped) = {
            let mut state = self.state();
            state.refusal.get_or_insert(Refusal { past_deadline: false });
            (state.counters.completed, state.stopped)
        };
        self.wake_waiters();
        self.cancel_all(false);
        let time = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let mut deadline = self.now().saturating_add(time);
        let mut past_deadline = false;
        loop {
            self.flush();
            let left = self.table.in_flight() + self.state().backlog.resubmissions.len();
            if left == 0 {
                break;
            }
            let now = self.now();
            if now >= deadline && past_deadline {
                break;
            } else if now >= deadline {
                past_deadline = true;
                deadline = now + GRACE_TIME;
                self.state().refusal = Some(Refusal { past_deadline });
                self.cancel_all(true);
                continue;
            }
            let until = self.state().retry_at.map_or(deadline, |retry_at| retry_at.min(deadline));
            self.enter(Some(until));
            self.reap();
        }
        let leaked = self.table.in_flight() as u64;
        let state = self.state();
        let cancelled = state.stopped.saturating_sub(stopped);
        let ended = state.counters.completed.saturating_sub(completed);
        Report { completed: ended.saturating_sub(cancelled), cancelled, leaked }
    }

    /// Ends all there is: the machine is off. Then it is switched on again.
    pub(crate) fn reboot(&self) {
        while self.table.in_flight() > 0 || !self.state().backlog.is_empty() {
            self.flush();
            self.enter(None);
            self.reap();
        }
        // Cancels aim at nothing any more.
        let missed = {
            let mut state = self.state();
            state.retry_at = None;
            std::mem::take(&mut state.backlog.missed_cancels)
        };
        drop(missed);
        self.kernel.borrow_mut().crashed = false;
    }

    fn now(&self) -> u64 {
        self.kernel.borrow().now
    }

    fn cancel_all(&self, detached: bool) {
        let targets = self.table.cancel_all(detached);
        let mut state = self.state();
        state.counters.cancelled += targets.len() as u64;
        state.backlog.cancels.extend(targets);
    }
}

/// The last handle has gone.
impl Drop for Core {
    fn drop(&mut self) {
        if self.table.in_flight() > 0 || !self.state().backlog.is_empty() {
            let _report = self.drain(SimDriver::WIND_UP_TIME);
        }
    }
}
