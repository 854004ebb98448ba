//! The end of a local driver: what it waits for, and how long.

use std::time::{Duration, Instant};

use ringbahn_core::CancelTarget;

use super::LocalDriver;
use super::core::Core;
use crate::refusal::Refusal;
use crate::report::{Report, announce_leak};

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
        self.parker.silence();
        let (completed, stopped, bell) = {
            let mut state = self.state();
            state.refusal.get_or_insert(Refusal::ShutDown { past_deadline: false });
            let bell = state.bell.take().filter(CancelTarget::is_in_flight);
            state.backlog.cancels.extend(bell.clone());
            // The bell is not counted, and will be one of the cancelled.
            let own = u64::from(bell.is_some());
            (state.counters.completed + own, state.stopped + own, bell)
        };
        self.cancel_all(false);
        let now = Instant::now();
        let mut deadline = now.checked_add(time).unwrap_or(now + Duration::from_secs(1 << 30));
        let mut past_deadline = false;
        loop {
            self.flush();
            let left = self.ring.table().in_flight();
            let dead = matches!(self.state().refusal, Some(Refusal::Dead(_)));
            if left == 0 && self.state().backlog.resubmissions.is_empty() || dead {
                break;
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
        let leaked = self.ring.table().in_flight();
        if leaked > 0 {
            announce_leak(leaked);
        }
        let mut state = self.state();
        let cancelled = state.stopped.saturating_sub(stopped);
        let ended = state.counters.completed.saturating_sub(completed);
        state.counters.completed -= u64::from(bell.is_some_and(|bell| !bell.is_in_flight()));
        Report { completed: ended.saturating_sub(cancelled), cancelled, leaked: leaked as u64 }
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
            let _report = self.drain(LocalDriver::WIND_UP_TIME);
        }
    }
}
