//! The end of a local driver: what it waits for, and how long.

use std::io;
use std::time::{Duration, Instant};

use ringbahn_core::{Cancelling, Selection};

use super::LocalDriver;
use super::core::Core;
use crate::RingHandle;
use crate::refusal::{Refusal, forked};
use crate::report::{Report, announce_leak};
use crate::trace::shuts_down;

/// How long after the deadline the cancels of the last operations may take.
const GRACE_TIME: Duration = Duration::from_secs(1);

/// The longest sleep while the end is waited for: cancels that miss are tried again.
const LOOK_TIME: Duration = Duration::from_millis(10);

impl Core {
    /// Accepts nothing any more, asks for the end of what is in flight, and waits until the kernel
    /// is done with it; with what was detached, until `time` has passed. Blocks the thread.
    pub(super) fn drain(&self, time: Duration) -> Report {
        if self.ring.forked() {
            // The operations are the parent's, and so is the report.
            return Report::default();
        }
        shuts_down(self.in_flight());
        self.parker.silence();
        let (completed, stopped, given_up) = {
            let mut state = self.state();
            state.refusal.get_or_insert(Refusal::ShutDown { past_deadline: false });
            (state.counters.completed, state.stopped, state.given_up)
        };
        self.wake_waiters();
        self.cancel_all(false);
        let now = Instant::now();
        let mut deadline = now.checked_add(time).unwrap_or(now + Duration::from_secs(1 << 30));
        // What has been told to stop, and has not, is given no more time than the caller wants.
        let mut past_deadline = given_up;
        let mut bell_cancelled = false;
        if given_up {
            self.enter(RingHandle::enter_ready);
            self.reap();
        }
        loop {
            self.flush();
            let (left, dead) = self.left();
            if left == 0 || dead {
                break;
            }
            if !bell_cancelled && self.state().is_bell_in_flight() {
                // Not before: it may have been on its way into the ring once more.
                bell_cancelled = true;
                let mut state = self.state();
                let bell = state.bell.clone();
                state.backlog.cancels.extend(bell);
                continue;
            }
            let now = Instant::now();
            if now >= deadline && past_deadline {
                break;
            } else if now >= deadline {
                past_deadline = true;
                deadline = now + GRACE_TIME;
                self.state().refusal = Some(Refusal::ShutDown { past_deadline });
                self.cancel_all(true);
                continue;
            }
            let pause = (deadline - now).min(LOOK_TIME);
            self.enter(|ring| ring.enter_timeout(1, pause));
            self.reap();
        }
        let leaked = self.in_flight();
        if leaked > 0 && !std::mem::replace(&mut self.state().given_up, true) {
            announce_leak(leaked);
        }
        let state = self.state();
        // What was to be submitted once more counts as completed for a moment.
        let cancelled = state.stopped.saturating_sub(stopped);
        let ended = state.counters.completed.saturating_sub(completed);
        Report { completed: ended.saturating_sub(cancelled), cancelled, leaked: leaked as u64 }
    }

    /// How many operations are yet to end, the bell among them, and whether the ring is dead.
    fn left(&self) -> (usize, bool) {
        let state = self.state();
        let left = self.ring.table().in_flight() + state.backlog.resubmissions.len();
        (left, matches!(state.refusal, Some(Refusal::Dead(_))))
    }

    /// Tells what is in flight and selected to stop: with the next turn, or now where there is
    /// none.
    pub(super) fn cancel_selected(&self, selection: &Selection) -> io::Result<Cancelling> {
        if self.ring.forked() {
            return Err(forked());
        }
        let (targets, cancelling) = self.ring.table().cancel_selected(selection);
        if !targets.is_empty() {
            {
                let mut state = self.state();
                state.counters.cancelled += targets.len() as u64;
                state.backlog.cancels.extend(targets);
            }
            self.act_outside();
        }
        Ok(cancelling)
    }

    fn cancel_all(&self, detached: bool) {
        let targets = self.ring.table().cancel_all(detached);
        let mut state = self.state();
        state.counters.cancelled += targets.len() as u64;
        state.backlog.cancels.extend(targets);
    }
}

/// The last handle has gone.
impl Drop for Core {
    fn drop(&mut self) {
        if self.ring.table().in_flight() > 0 || !self.state().backlog.is_empty() {
            let given_up = self.state().given_up;
            let time = if given_up { Duration::ZERO } else { LocalDriver::WIND_UP_TIME };
            let _report = self.drain(time);
        }
        // None of them has a handle of the driver, or that would not have gone.
        drop(self.tasks.close(&self.parker));
    }
}
