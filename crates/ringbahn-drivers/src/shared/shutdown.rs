//! The end of a shared driver: what it waits for, how long, and what it reports.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use ringbahn_core::Batch;

use super::core::{Core, lock};
use crate::counters::{Ends, add};
use crate::report::{Report, announce_leak};

/// How long after the deadline the cancels of the last operations may take.
const GRACE_TIME: Duration = Duration::from_secs(1);

/// How long to wait for another thread to submit an operation once more.
const MOMENT: Duration = Duration::from_millis(1);

/// How far the end of a driver has come.
#[derive(Debug, Default)]
pub(crate) struct Closing {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Until when detached operations may run; `None` before the end has begun.
    deadline: Option<Instant>,
    /// Whether detached operations have been told to stop, too.
    past_deadline: bool,
    /// The numbers at the beginning.
    before: Ends,
    report: Option<Report>,
    waiters: Vec<Waker>,
}

/// What looks after the ring is to do about the driver's end.
#[derive(Debug)]
pub(crate) enum Step {
    /// Go on, and look again after so long at the latest.
    Continue(Option<Duration>),
    /// Tell detached operations to stop, and look again.
    CancelDetached,
    /// Nothing is left to be done.
    Exit,
}

impl Closing {
    /// The end begins. `false` where it had begun before.
    pub(crate) fn begin(&self, ends: Ends, time: Duration) -> bool {
        let mut state = lock(&self.state);
        if state.deadline.is_some() {
            return false;
        }
        let now = Instant::now();
        state.deadline = Some(now.checked_add(time).unwrap_or(now + Duration::from_secs(1 << 30)));
        state.before = ends;
        true
    }

    /// What is to be done now, with so many operations in flight.
    pub(crate) fn step(&self, core: &Core, in_flight: usize) -> Step {
        let mut state = lock(&self.state);
        let Some(deadline) = state.deadline else { return Step::Continue(None) };
        if in_flight == 0 {
            // Whoever repeats an operation does so at once, and does not call the helper for it.
            return if core.is_done() { Step::Exit } else { Step::Continue(Some(MOMENT)) };
        }
        if state.report.is_some() {
            return Step::Continue(None);
        }
        let now = Instant::now();
        if now < deadline {
            return Step::Continue(Some(deadline - now));
        }
        if !state.past_deadline {
            state.past_deadline = true;
            return Step::CancelDetached;
        }
        let last_moment = deadline + GRACE_TIME;
        if now < last_moment {
            return Step::Continue(Some(last_moment - now));
        }
        drop(state);
        announce_leak(in_flight);
        let panics = self.finish(core.ends(), in_flight);
        add(&core.tally.panics, panics);
        Step::Continue(None)
    }

    /// The end is there, with so many operations left to the kernel. Says how many wakers of those
    /// who wait for it have panicked.
    pub(crate) fn finish(&self, ends: Ends, leaked: usize) -> u64 {
        let waiters = {
            let mut state = lock(&self.state);
            // An operation that is repeated counts as completed for a moment.
            let ended = ends.completed.saturating_sub(state.before.completed);
            let cancelled = ends.stopped - state.before.stopped;
            let completed = ended.saturating_sub(cancelled);
            let report = Report { completed, cancelled, leaked: leaked as u64 };
            state.report.get_or_insert(report);
            std::mem::take(&mut state.waiters)
        };
        let mut batch: Batch = Batch::new();
        waiters.into_iter().for_each(|waiter| batch.wake(waiter));
        u64::from(batch.run().panics)
    }
}

/// The future of [`SharedDriver::shutdown`](super::SharedDriver::shutdown) and of its like on other
/// drivers that threads share.
#[derive(Debug)]
#[must_use = "the shutdown goes on without it, but nobody reads its report"]
pub struct Shutdown {
    closing: Arc<Closing>,
    forked: bool,
}

impl Shutdown {
    pub(crate) fn new(closing: Arc<Closing>, forked: bool) -> Shutdown {
        Shutdown { closing, forked }
    }
}

impl Future for Shutdown {
    type Output = Report;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Report> {
        if self.forked {
            // The operations are the parent's, and so is the report.
            return Poll::Ready(Report::default());
        }
        let waker = cx.waker().clone();
        let mut state = lock(&self.closing.state);
        if let Some(report) = state.report {
            drop(state);
            return Poll::Ready(report);
        }
        // A clone that is not needed is dropped after the lock, which was taken later.
        if !state.waiters.iter().any(|known| known.will_wake(&waker)) {
            state.waiters.push(waker);
        }
        Poll::Pending
    }
}
