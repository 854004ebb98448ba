//! The ring of a local driver, and the turns in which it is driven.
//!
//! | invariant | kept by |
//! |---|---|
//! | No foreign code runs while `state` is borrowed. | wakers, batches and what a flush leaves are moved out first |
//! | Who sleeps can be woken. | a turn sleeps in the ring only with the [`Bell`] in flight |
//! | What is prepared is submitted. | each turn, and the end of `block_on`, submits |

use std::cell::{Cell, RefCell, RefMut};
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::thread;
use std::time::{Duration, Instant};

use ringbahn_core::{
    Aftermath, Attempt, Batch, CancelTarget, Completion, Drive, Local, Reservation, Served,
};

use super::bell::Bell;
use super::parker::Parker;
use crate::at_once::AtOnce;
use crate::backlog::Backlog;
use crate::counters::Counters;
use crate::refusal::{Refusal, too_long};
use crate::{CompletionQueue, Queues, RingHandle, SubmissionQueue};

/// How many CQEs are read before their consequences are run.
const REAP_MAX: usize = 64;

/// How many operations are served at once before the ring has its turn. A task that reads what is
/// in memory would keep the thread to itself otherwise.
const SERVED_MAX: u32 = 64;

/// The pauses between tries of what cannot be done at the moment.
const PAUSE_MIN: Duration = Duration::from_millis(1);
const PAUSE_MAX: Duration = Duration::from_millis(64);

/// The ring of a local driver.
#[derive(Debug)]
pub(super) struct Core {
    pub(super) ring: RingHandle<Local>,
    at_once: AtOnce,
    /// How many operations have been served at once since the last turn.
    served: Cell<u32>,
    pub(super) parker: Arc<Parker>,
    state: RefCell<State>,
    /// How many calls of `block_on` are under way, one inside another.
    depth: Cell<u32>,
}

#[derive(Debug)]
pub(super) struct State {
    submission: SubmissionQueue<Local>,
    completion: CompletionQueue<Local>,
    pub(super) backlog: Backlog<Local>,
    /// Those who wait for room in the queue.
    waiters: Vec<Waker>,
    /// Why no event is accepted any more.
    pub(super) refusal: Option<Refusal>,
    /// The bell, once it has been hung up.
    pub(super) bell: Option<CancelTarget<Local>>,
    /// The batch of the last reap, empty, so that its memory serves again.
    batch: Option<Box<Batch<Local>>>,
    /// When cancels that missed are to be tried again.
    retry_at: Option<Instant>,
    /// The pause before the next try of what has failed last.
    pause: Duration,
    pub(super) counters: Counters,
    /// Operations that ended before they had done anything.
    pub(super) stopped: u64,
}

impl Core {
    pub(super) fn new(queues: Queues<Local>, serve_at_once: bool) -> io::Result<Core> {
        Ok(Core {
            ring: queues.handle,
            at_once: AtOnce::new(serve_at_once),
            served: Cell::new(0),
            parker: Arc::new(Parker::new()?),
            state: RefCell::new(State {
                submission: queues.submission,
                completion: queues.completion,
                backlog: Backlog::new(),
                waiters: Vec::new(),
                refusal: None,
                bell: None,
                batch: None,
                retry_at: None,
                pause: PAUSE_MIN,
                counters: Counters::default(),
                stopped: 0,
            }),
            depth: Cell::new(0),
        })
    }

    pub(super) fn state(&self) -> RefMut<'_, State> {
        self.state.borrow_mut()
    }

    pub(super) fn counters(&self) -> Counters {
        Counters { in_flight: self.in_flight() as u64, ..self.state().counters }
    }

    /// How many operations the kernel has, without the driver's own one.
    pub(super) fn in_flight(&self) -> usize {
        let bell = self.state().bell.as_ref().is_some_and(CancelTarget::is_in_flight);
        self.ring.table().in_flight() - usize::from(bell)
    }

    /// Serves an operation without the ring, where that can be done.
    #[inline]
    pub(super) fn attempt<'a>(&self, attempt: Attempt<'a>) -> Option<Served<'a>> {
        if self.at_once.may_serve(attempt.entry()) { self.serve(attempt) } else { None }
    }

    fn serve<'a>(&self, attempt: Attempt<'a>) -> Option<Served<'a>> {
        let before = self.served.get();
        if before >= SERVED_MAX || self.ring.forked() || self.state().refusal.is_some() {
            return None;
        }
        let served = self.at_once.serve(attempt)?;
        self.served.set(before + 1);
        let mut state = self.state();
        state.counters.submitted += 1;
        state.counters.completed += 1;
        state.counters.served_at_once += 1;
        Some(served)
    }

    pub(super) fn poll_prepare<'cx>(
        &self,
        cx: &mut Context<'cx>,
        count: u32,
        prepare: impl FnOnce(Reservation<'_, Local>, &mut Context<'cx>) -> Completion<'cx>,
    ) -> Poll<io::Result<Completion<'cx>>> {
        loop {
            {
                let state = &mut *self.state();
                if state.refusal.is_none()
                    && let Some(reservation) = state.submission.reserve(count)?
                {
                    // It is published by the next `enter`.
                    let receipt = prepare(reservation, cx);
                    state.counters.submitted += 1;
                    return Poll::Ready(Ok(receipt));
                }
            }
            ready!(self.poll_room(cx, count))?;
        }
    }

    /// Has the kernel take what is in the queue, which it does at once. Where that leaves too
    /// little room, the task is woken after the next time.
    #[cold]
    fn poll_room(&self, cx: &Context<'_>, count: u32) -> Poll<io::Result<()>> {
        if let Some(refusal) = self.state().refusal {
            return Poll::Ready(Err(refusal.error()));
        }
        let capacity = self.state().submission.capacity();
        if count > capacity {
            return Poll::Ready(Err(too_long(count, capacity)));
        }
        self.enter(|ring| ring.enter(0));
        if self.state().submission.free() >= count {
            return Poll::Ready(Ok(()));
        }
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
        let submitted = self.enter(RingHandle::enter_ready);
        self.reap();
        Ok(submitted)
    }

    /// Gets a cancel of `target` to the kernel: with the next turn, or now where there is none.
    pub(super) fn cancel(&self, target: CancelTarget<Local>) {
        if self.ring.forked() {
            return;
        }
        let mut state = self.state();
        state.counters.cancelled += 1;
        state.backlog.cancels.push_back(target);
        drop(state);
        if self.depth.get() == 0 {
            self.flush();
            self.enter(RingHandle::enter_ready);
            self.reap();
        }
    }

    /// Counts a call of `block_on` in.
    pub(super) fn begin(&self) -> Inside<'_> {
        self.depth.set(self.depth.get() + 1);
        self.parker.alarm.notify();
        Inside(self)
    }

    /// Submits what is prepared, waits until there is something to do, and does what has
    /// completed.
    pub(super) fn turn(&self) {
        self.served.set(0);
        if self.ring.forked() {
            // The ring is the parent's, and so is the bell: there is nothing to wait for but wakes.
            if !self.parker.alarm.is_notified() {
                thread::sleep(PAUSE_MIN);
            }
            return;
        }
        let room = self.flush();
        let idle = !self.parker.alarm.is_notified() && self.state().completion.is_empty();
        let may_sleep = room && idle;
        if may_sleep && !self.hang_up_bell() {
            if self.state().refusal.is_some() {
                return self.sleep_outside();
            }
        } else if may_sleep && self.parker.alarm.park() {
            let pause = self.state().until_retry();
            match pause {
                None => self.enter(|ring| ring.enter(1)),
                Some(pause) => self.enter(|ring| ring.enter_timeout(1, pause)),
            };
            self.parker.alarm.unpark();
            return self.reap();
        }
        if self.is_unsubmitted() || self.ring.has_work() {
            self.enter(RingHandle::enter_ready);
        }
        self.reap();
    }

    /// Sleeps though the ring accepts nothing any more, not even the bell.
    fn sleep_outside(&self) {
        if self.parker.alarm.park() {
            self.parker.sleep();
            self.parker.alarm.unpark();
        }
    }

    /// Sees to it that others can wake a thread that sleeps in the ring. `false` where the bell
    /// cannot be hung up now.
    fn hang_up_bell(&self) -> bool {
        let hung_up = |state: &State| state.bell.is_some() && state.refusal.is_none();
        if hung_up(&self.state()) {
            return true;
        }
        let mut bell = std::pin::pin!(self.submit(Bell::new(&self.parker)));
        // It is the driver's own and waits for nobody.
        let polled = bell.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        let Some(target) = bell.cancel_target().filter(|_| polled.is_pending()) else {
            return false;
        };
        bell.detach();
        let mut state = self.state();
        state.counters.submitted -= 1;
        state.bell = Some(target);
        true
    }

    /// Moves the backlog to the queue. `false` where something found no room.
    pub(super) fn flush(&self) -> bool {
        let flushed = {
            let mut state = self.state();
            let state = &mut *state;
            if state.retry_at.is_some_and(|at| at <= Instant::now()) {
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

    /// Whether something is prepared that the kernel has not taken yet.
    fn is_unsubmitted(&self) -> bool {
        self.state().submission.publish();
        self.ring.unsubmitted() > 0
    }

    /// Publishes what is prepared, enters the kernel by `how`, and deals with its errors. Says how
    /// many entries it took.
    pub(super) fn enter(&self, how: impl FnOnce(&RingHandle<Local>) -> io::Result<u32>) -> u32 {
        {
            let state = &mut *self.state();
            state.submission.publish();
            state.counters.enters += 1;
        }
        let entered = how(&self.ring);
        let waiters = {
            let mut state = self.state();
            match entered {
                Ok(_) => state.pause = PAUSE_MIN,
                Err(_) => state.counters.failed_enters += 1,
            }
            std::mem::take(&mut state.waiters)
        };
        if !waiters.is_empty() {
            let mut batch: Batch<Local> = Batch::new();
            waiters.into_iter().for_each(|waiter| batch.wake(waiter));
            let panics = batch.run().panics;
            self.state().counters.panics += u64::from(panics);
        }
        match entered {
            Ok(submitted) => submitted,
            Err(error) => {
                self.overcome(&error);
                0
            }
        }
    }

    /// What is to be done about an enter that has failed. What was published stays so.
    fn overcome(&self, error: &io::Error) {
        match error.raw_os_error() {
            // A signal; the time is over; the kernel has lost a CQE, and nothing can be done.
            Some(libc::EINTR | libc::ETIME | libc::EBADR) => {}
            // Memory is short, or completions must be fetched first.
            Some(libc::EAGAIN | libc::EBUSY | libc::ENOMEM) => {
                let pause = {
                    let mut state = self.state();
                    let pause = state.pause;
                    state.pause = (pause * 2).min(PAUSE_MAX);
                    state.completion.is_empty().then_some(pause)
                };
                if let Some(pause) = pause {
                    thread::sleep(pause);
                }
            }
            errno => {
                let refusal = Refusal::Dead(errno.unwrap_or(libc::EIO));
                self.state().refusal.get_or_insert(refusal);
            }
        }
    }

    /// Reads CQEs and runs their consequences.
    pub(super) fn reap(&self) {
        // A waker may call `block_on`, and so come here again, while this one's batch is run.
        let mut batch = self.state().batch.take().unwrap_or_default();
        loop {
            let mut jammed = false;
            if self.ring.overflowed() {
                let mut state = self.state();
                state.counters.overflows += 1;
                state.counters.enters += 1;
                drop(state);
                jammed = self.ring.enter_flush().is_err();
            }
            let reaped = {
                let mut state = self.state();
                let reaped = state.completion.reap(&mut batch, REAP_MAX);
                state.counters.completed += reaped.finished as u64;
                state.counters.unknown_cqes += reaped.unknown as u64;
                state.stopped += reaped.stopped as u64;
                reaped
            };
            if !batch.is_empty() {
                let aftermath = batch.run();
                self.settle(aftermath);
            }
            let more = self.ring.overflowed() && !(jammed && reaped.count == 0);
            if reaped.count < REAP_MAX && !more {
                self.state().batch = Some(batch);
                return;
            }
        }
    }

    /// Puts on the backlog what a batch has left to be done.
    fn settle(&self, aftermath: Aftermath<Local>) {
        let Aftermath { resubmissions, missed_cancels, disposed, panics, .. } = aftermath;
        let mut state = self.state();
        state.counters.disposed += u64::from(disposed);
        state.counters.panics += u64::from(panics);
        if !resubmissions.is_empty() {
            let count = resubmissions.len() as u64;
            // They have been counted as completed, and are not; the bell is not counted at all.
            state.counters.completed -= count;
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

impl State {
    /// How long a turn may wait for the sake of cancels that have missed.
    fn until_retry(&self) -> Option<Duration> {
        self.retry_at.map(|at| at.saturating_duration_since(Instant::now()))
    }
}

/// A call of `block_on`, counted in; out again when it is dropped, also by a panic.
pub(super) struct Inside<'a>(&'a Core);

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        let core = self.0;
        core.depth.set(core.depth.get() - 1);
        // A call around this one may have been woken meanwhile.
        core.parker.alarm.notify();
        if !core.ring.forked() {
            core.flush();
            if core.is_unsubmitted() {
                core.enter(|ring| ring.enter(0));
            }
        }
    }
}

/// The driver as it submits its own bell.
impl Drive for &Core {
    type Sharing = Local;

    fn poll_prepare<'cx>(
        self: std::pin::Pin<&mut Self>,
        cx: &mut Context<'cx>,
        count: u32,
        prepare: impl FnOnce(Reservation<'_, Local>, &mut Context<'cx>) -> Completion<'cx>,
    ) -> Poll<io::Result<Completion<'cx>>> {
        Core::poll_prepare(*self, cx, count, prepare)
    }

    fn poll_submit(self: std::pin::Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<u32>> {
        Poll::Ready(Ok(0))
    }

    fn cancel(self: std::pin::Pin<&mut Self>, target: CancelTarget<Local>) {
        Core::cancel(*self, target);
    }
}
