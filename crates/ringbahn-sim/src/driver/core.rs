//! The ring of a simulated driver, and the turns in which it is driven.
//!
//! | invariant | kept by |
//! |---|---|
//! | No foreign code runs while `state` or `kernel` is borrowed. | wakers, batches and what a flush leaves are moved out first |
//! | Foreign code finds all that has ended. | what is left of a batch lies in `state`, where a call from within goes on with it |
//! | What is prepared is submitted. | each turn, and the end of `block_on`, submits |
//! | Time goes on only where nothing can be done. | a turn waits only where nobody has been woken and nothing is left to do |

use std::cell::{Cell, RefCell, RefMut};
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use ringbahn_core::{
    Batch, CancelTarget, Cancelling, Completion, Local, Metrics, OperationTable, Reservation,
    Selection,
};

use crate::counters::Counters;
use crate::driver::alarm::Alarm;
use crate::driver::backlog::Backlog;
use crate::driver::refusal::{Refusal, too_long};
use crate::kernel::{Entered, Kernel};
use crate::queue::submission::SubmissionQueue;

/// The pauses between tries of what cannot be done at the moment, in nanoseconds.
pub(super) const PAUSE_MIN: u64 = 1_000_000;
pub(super) const PAUSE_MAX: u64 = 64 * PAUSE_MIN;

/// How many calls may fail one after the other before the simulation is given up.
const FAILURES_MAX: u32 = 10_000;

/// The ring of a simulated driver, and the kernel behind it.
#[derive(Debug)]
pub(crate) struct Core {
    pub(super) table: Rc<OperationTable<Local>>,
    pub(crate) kernel: RefCell<Kernel>,
    state: RefCell<State>,
    pub(crate) alarm: Arc<Alarm>,
    pub(crate) waker: Waker,
    /// How many calls of `block_on` are under way, one inside another.
    depth: Cell<u32>,
    /// Whether [`Core::act`] is under way.
    acting: Cell<bool>,
    pub(crate) seed: u64,
}

#[derive(Debug)]
pub(super) struct State {
    submission: SubmissionQueue,
    pub(super) backlog: Backlog,
    /// Those who wait for room in the queue.
    waiters: Vec<Waker>,
    /// Why no event is accepted any more.
    pub(super) refusal: Option<Refusal>,
    /// What is left to be done of the CQEs that have been read.
    pub(super) batch: Batch<Local>,
    /// When cancels that missed are to be tried again.
    pub(super) retry_at: Option<u64>,
    /// The pause before the next try of what has failed last.
    pub(super) pause: u64,
    /// How many calls have failed since the last one that did not.
    failures: u32,
    pub(super) counters: Counters,
    /// Operations that ended before they had done anything.
    pub(super) stopped: u64,
}

impl Core {
    pub(crate) fn new(
        seed: u64,
        table: Rc<OperationTable<Local>>,
        submission: SubmissionQueue,
        kernel: Kernel,
    ) -> Core {
        let alarm = Arc::new(Alarm::new());
        Core {
            table,
            kernel: RefCell::new(kernel),
            state: RefCell::new(State {
                submission,
                backlog: Backlog::new(),
                waiters: Vec::new(),
                refusal: None,
                batch: Batch::new(),
                retry_at: None,
                pause: PAUSE_MIN,
                failures: 0,
                counters: Counters::default(),
                stopped: 0,
            }),
            waker: Waker::from(alarm.clone()),
            alarm,
            depth: Cell::new(0),
            acting: Cell::new(false),
            seed,
        }
    }

    pub(super) fn state(&self) -> RefMut<'_, State> {
        self.state.borrow_mut()
    }

    pub(crate) fn counters(&self) -> Counters {
        Counters { in_flight: self.table.in_flight() as u64, ..self.state().counters }
    }

    pub(crate) fn metrics(&self) -> Option<Metrics> {
        self.table.metrics()
    }

    /// Has latencies measured by the clock of the simulation: called before entries are committed,
    /// and before CQEs are read.
    pub(super) fn tell_time(&self) {
        self.table.tell_time(self.kernel.borrow().now);
    }

    #[inline]
    pub(super) fn poll_prepare<'cx>(
        &self,
        cx: &mut Context<'cx>,
        count: u32,
        prepare: impl FnOnce(Reservation<'_, Local>, &mut Context<'cx>) -> Completion<'cx>,
    ) -> Poll<io::Result<Completion<'cx>>> {
        self.tell_time();
        loop {
            {
                let state = &mut *self.state();
                if state.refusal.is_none()
                    && let Some(reservation) = state.submission.reserve(count)
                {
                    let receipt = prepare(reservation, cx);
                    state.counters.submitted += u64::from(receipt.is_committed());
                    return Poll::Ready(Ok(receipt));
                }
            }
            ready!(self.poll_room(cx, count))?;
        }
    }

    /// Has the kernel take what is in the queue. Where that leaves too little room, the task is
    /// woken after the next time.
    #[cold]
    fn poll_room(&self, cx: &Context<'_>, count: u32) -> Poll<io::Result<()>> {
        {
            let state = self.state();
            if let Some(refusal) = state.refusal {
                return Poll::Ready(Err(refusal.error()));
            }
            let capacity = state.submission.capacity();
            if count > capacity {
                return Poll::Ready(Err(too_long(count, capacity)));
            }
        }
        self.enter(None);
        let state = self.state();
        if state.submission.capacity() - state.submission.len() >= count {
            return Poll::Ready(Ok(()));
        }
        drop(state);
        let waker = cx.waker().clone();
        let mut state = self.state();
        state.counters.full_queue_waits += 1;
        state.waiters.push(waker);
        Poll::Pending
    }

    /// Leaves the submission to the turn to come, if there is one.
    pub(super) fn poll_submit(&self) -> io::Result<u32> {
        if self.depth.get() > 0 {
            return Ok(0);
        }
        Ok(self.act())
    }

    /// Gets a cancel of `target` to the kernel: with the next turn, or now where there is none.
    pub(super) fn cancel(&self, target: CancelTarget<Local>) {
        let mut state = self.state();
        state.counters.cancelled += 1;
        state.backlog.cancels.push_back(target);
        drop(state);
        if self.depth.get() == 0 {
            self.act();
        }
    }

    /// Tells what is in flight and selected to stop: with the next turn, or now where there is
    /// none.
    pub(super) fn cancel_selected(&self, selection: &Selection) -> Cancelling {
        let (targets, cancelling) = self.table.cancel_selected(selection);
        let mut state = self.state();
        state.counters.cancelled += targets.len() as u64;
        state.backlog.cancels.extend(targets);
        drop(state);
        if self.depth.get() == 0 {
            self.act();
        }
        cancelling
    }

    /// Submits and reaps what there is where no turn is to come. Says how many entries the kernel
    /// took.
    ///
    /// Called by a waker or an event that it runs itself, it does nothing: it goes on afterwards.
    pub(super) fn act(&self) -> u32 {
        let mut submitted = 0;
        if self.acting.replace(true) {
            return submitted;
        }
        loop {
            self.flush();
            let taken = self.enter(None).taken.unwrap_or(0);
            submitted += taken;
            self.reap();
            let left = self.is_unsubmitted() || !self.state().backlog.cancels.is_empty();
            if taken == 0 || !left {
                break;
            }
        }
        self.acting.set(false);
        submitted
    }

    fn is_unsubmitted(&self) -> bool {
        !self.state().submission.is_empty()
    }

    /// Counts a call of `block_on` in.
    pub(crate) fn begin(&self) -> Inside<'_> {
        self.depth.set(self.depth.get() + 1);
        self.alarm.notify();
        Inside(self)
    }

    /// Submits what is prepared, waits until there is something to do, and does what has
    /// completed. `false` where there is nothing to wait for, and never will be.
    pub(crate) fn turn(&self) -> bool {
        let room = self.flush();
        let (idle, retry_at) = {
            let state = self.state();
            (room && state.waiters.is_empty() && state.batch.is_empty(), state.retry_at)
        };
        let waits = idle && !self.alarm.is_notified() && self.kernel.borrow().completion.is_empty();
        let entered = self.enter(waits.then(|| retry_at.unwrap_or(u64::MAX)));
        self.reap();
        if entered.is_spurious {
            self.alarm.notify();
        }
        let stuck = entered.is_idle && !self.alarm.is_notified() && self.state().backlog.is_empty();
        !stuck
    }

    /// Moves the backlog to the queue. `false` where something found no room.
    pub(super) fn flush(&self) -> bool {
        self.tell_time();
        let flushed = {
            let now = self.kernel.borrow().now;
            let mut state = self.state();
            let state = &mut *state;
            if state.retry_at.is_some_and(|at| at <= now) {
                state.retry_at = None;
                let missed = std::mem::take(&mut state.backlog.missed_cancels);
                state.backlog.cancels.extend(missed);
            }
            if state.backlog.is_empty() {
                return true;
            }
            state.backlog.flush(&mut state.submission, state.refusal)
        };
        let room = !flushed.full;
        let (ended, panics) = flushed.finish();
        let mut state = self.state();
        state.counters.completed += ended;
        state.counters.panics += panics;
        room
    }

    /// Enters the kernel, to wait until the time `until` if there is one, and deals with its
    /// errors.
    pub(super) fn enter(&self, until: Option<u64>) -> Entered {
        let entered = {
            let mut state = self.state();
            state.counters.enters += 1;
            self.kernel.borrow_mut().enter(&mut state.submission, until)
        };
        match entered.taken {
            Ok(_) => {
                let mut state = self.state();
                state.pause = PAUSE_MIN;
                state.failures = 0;
            }
            Err(errno) => self.overcome(errno),
        }
        self.wake_waiters();
        entered
    }

    /// What is to be done about an enter that has failed. What was prepared stays so.
    #[cold]
    fn overcome(&self, errno: i32) {
        let (failures, pause) = {
            let mut state = self.state();
            state.counters.failed_enters += 1;
            state.failures += 1;
            // A signal passes by itself, as a rule; what is short needs time.
            let passes = errno == libc::EINTR && state.failures < 100;
            let pause = if passes { 0 } else { state.pause };
            state.pause = (state.pause * 2).min(PAUSE_MAX);
            (state.failures, pause)
        };
        let mut kernel = self.kernel.borrow_mut();
        if kernel.completion.is_empty() {
            kernel.now += pause;
        }
        drop(kernel);
        assert!(
            failures < FAILURES_MAX || self.depth.get() == 0,
            "io_uring_enter has failed {failures} times in a row, as the faults demand"
        );
    }

    /// Wakes those who wait for room: there is some, or there never will be.
    pub(super) fn wake_waiters(&self) {
        let waiters = {
            let mut state = self.state();
            if state.waiters.is_empty() {
                return;
            }
            std::mem::take(&mut state.waiters)
        };
        let mut batch: Batch<Local> = Batch::new();
        waiters.into_iter().for_each(|waiter| batch.wake(waiter));
        let panics = batch.run().panics;
        self.state().counters.panics += u64::from(panics);
    }
}

/// A call of `block_on`, counted in; out again when it is dropped, also by a panic.
pub(crate) struct Inside<'a>(&'a Core);

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        let core = self.0;
        core.depth.set(core.depth.get() - 1);
        // A call around this one may have been woken meanwhile.
        core.alarm.notify();
        if core.depth.get() == 0 && (core.is_unsubmitted() || !core.state().backlog.is_empty()) {
            core.act();
        }
    }
}
