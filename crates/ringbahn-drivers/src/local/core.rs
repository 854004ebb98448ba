//! The ring of a local driver, and the turns in which it is driven.
//!
//! | invariant | kept by |
//! |---|---|
//! | No foreign code runs while `state` is borrowed. | wakers, batches and what a flush leaves are moved out first |
//! | Foreign code finds all that has ended. | what is left of a batch lies in `state`, where a call from within goes on with it |
//! | Who sleeps can be woken. | a turn sleeps in the ring only with the [bell](super::bell) in flight |
//! | Who waits for room is not forgotten. | a turn sleeps only where nobody waits |
//! | What is prepared is submitted. | each turn, and the end of `block_on`, submits |

use std::cell::{Cell, RefCell, RefMut};
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::thread;
use std::time::{Duration, Instant};

use ringbahn_core::{Attempt, Batch, CancelTarget, Completion, Local, Reservation, Served};

use super::allowance::Allowance;
use super::parker::Parker;
use super::tasks::Places;
use crate::at_once::AtOnce;
use crate::backlog::Backlog;
use crate::counters::Counters;
use crate::refusal::{Refusal, forked, too_long};
use crate::{CompletionQueue, Queues, RingHandle, SubmissionQueue};

/// The pauses between tries of what cannot be done at the moment.
const PAUSE_MIN: Duration = Duration::from_millis(1);
pub(super) const PAUSE_MAX: Duration = Duration::from_millis(64);

/// What the thread waits for beyond the first completion.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gathering {
    pub(super) completions: u32,
    pub(super) time: Duration,
}

/// The ring of a local driver.
#[derive(Debug)]
pub(super) struct Core {
    pub(super) ring: RingHandle<Local>,
    at_once: AtOnce,
    gathering: Option<Gathering>,
    /// How many operations may be served at once until the next turn.
    allowance: Allowance,
    pub(super) parker: Arc<Parker>,
    pub(super) tasks: Places,
    state: RefCell<State>,
    /// How many calls of `block_on` are under way, one inside another.
    depth: Cell<u32>,
    /// Whether [`Core::act`] is under way.
    acting: Cell<bool>,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) submission: SubmissionQueue<Local>,
    pub(super) completion: CompletionQueue<Local>,
    pub(super) backlog: Backlog<Local>,
    /// Those who wait for room in the queue.
    waiters: Vec<Waker>,
    /// Why no event is accepted any more.
    pub(super) refusal: Option<Refusal>,
    /// The bell, once it has been hung up.
    pub(super) bell: Option<CancelTarget<Local>>,
    /// What is left to be done of the CQEs that have been read.
    pub(super) batch: Batch<Local>,
    /// When cancels that missed are to be tried again.
    pub(super) retry_at: Option<Instant>,
    /// The pause before the next try of what has failed last.
    pub(super) pause: Duration,
    pub(super) counters: Counters,
    /// Operations that ended before they had done anything.
    pub(super) stopped: u64,
    /// Whether it has been said that operations are left to the kernel.
    pub(super) given_up: bool,
}

impl Core {
    pub(super) fn new(
        queues: Queues<Local>,
        serve_at_once: bool,
        gathering: Option<Gathering>,
    ) -> io::Result<Core> {
        let parker = Arc::new(Parker::new()?);
        Ok(Core {
            ring: queues.handle,
            at_once: AtOnce::new(serve_at_once),
            gathering,
            allowance: Allowance::new(),
            tasks: Places::new(&parker),
            parker,
            state: RefCell::new(State {
                submission: queues.submission,
                completion: queues.completion,
                backlog: Backlog::new(),
                waiters: Vec::new(),
                refusal: None,
                bell: None,
                batch: Batch::new(),
                retry_at: None,
                pause: PAUSE_MIN,
                counters: Counters::default(),
                stopped: 0,
                given_up: false,
            }),
            depth: Cell::new(0),
            acting: Cell::new(false),
        })
    }

    #[inline]
    pub(super) fn state(&self) -> RefMut<'_, State> {
        self.state.borrow_mut()
    }

    pub(super) fn counters(&self) -> Counters {
        Counters { in_flight: self.in_flight() as u64, ..self.state().counters }
    }

    /// How many operations the kernel has, without the driver's own one.
    pub(super) fn in_flight(&self) -> usize {
        let bell = self.state().is_bell_in_flight();
        self.ring.table().in_flight() - usize::from(bell)
    }

    /// Serves an operation without the ring, where that can be done.
    #[inline]
    pub(super) fn attempt<'a>(&self, attempt: Attempt<'a>) -> Option<Served<'a>> {
        if self.at_once.may_serve(attempt.entry()) { self.serve(attempt) } else { None }
    }

    fn serve<'a>(&self, attempt: Attempt<'a>) -> Option<Served<'a>> {
        let ended = || {
            let Counters { completed, served_at_once, .. } = self.state().counters;
            completed - served_at_once
        };
        if !self.allowance.has_more(ended) || self.ring.forked() || self.state().refusal.is_some() {
            return None;
        }
        let table = self.ring.table();
        let (opcode, since) = (attempt.entry().opcode(), table.time());
        let served = self.at_once.serve(attempt)?;
        if served.would_wait() {
            return Some(served);
        }
        table.count_served(opcode, &served, since);
        self.allowance.count();
        let mut state = self.state();
        state.counters.submitted += 1;
        state.counters.completed += 1;
        state.counters.served_at_once += 1;
        Some(served)
    }

    /// Always inlined: there is one call for each type of event, and it is worth being one piece.
    #[inline(always)]
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
                    state.counters.submitted += u64::from(receipt.is_committed());
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
        if self.ring.forked() {
            return Poll::Ready(Err(forked()));
        }
        if let Some(refusal) = self.state().refusal {
            return Poll::Ready(Err(refusal.error()));
        }
        let capacity = self.state().submission.capacity();
        if count > capacity {
            return Poll::Ready(Err(too_long(count, capacity)));
        }
        self.enter(|ring| ring.enter(0));
        let state = self.state();
        if state.refusal.is_some() || state.submission.free() >= count {
            return Poll::Ready(Ok(()));
        }
        drop(state);
        let waker = cx.waker().clone();
        let mut state = self.state();
        state.counters.full_queue_waits += 1;
        state.waiters.push(waker);
        Poll::Pending
    }

    /// Whether something is prepared that the kernel has not taken.
    fn is_unsubmitted(&self) -> bool {
        self.state().submission.publish();
        self.ring.unsubmitted() > 0
    }

    /// Leaves the submission to the turn to come, if there is one.
    #[inline]
    pub(super) fn poll_submit(&self) -> io::Result<u32> {
        if self.depth.get() > 0 {
            return Ok(0);
        }
        Ok(self.act())
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
        self.act_outside();
    }

    /// Submits and reaps what there is, unless a turn is to come.
    pub(super) fn act_outside(&self) {
        if self.depth.get() == 0 {
            self.act();
        }
    }

    /// Submits and reaps what there is where no turn is to come. Says how many entries the kernel
    /// took.
    ///
    /// Called by a waker or an event that it runs itself, it does nothing: it goes on afterwards.
    fn act(&self) -> u32 {
        let mut submitted = 0;
        if self.ring.forked() || self.acting.replace(true) {
            return submitted;
        }
        loop {
            self.flush();
            let taken = self.enter(RingHandle::enter_ready);
            submitted += taken;
            self.reap();
            // What goes round for ever is left to a turn; cancels have an end.
            let left = self.is_unsubmitted() || !self.state().backlog.cancels.is_empty();
            if taken == 0 || !left {
                break;
            }
        }
        self.acting.set(false);
        submitted
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
        self.allowance.renew();
        // By far the most turns have nothing to do but to submit, and to sleep.
        let plain = self.gathering.is_none() && self.state().is_at_rest() && !self.ring.forked();
        if plain && !self.parker.alarm.is_notified() && self.parker.alarm.park() {
            self.enter(|ring| ring.enter(1));
            self.parker.alarm.unpark();
            return self.reap();
        }
        self.turn_otherwise();
    }

    /// The turn of a ring that is not at rest, or of a thread that is not to sleep.
    fn turn_otherwise(&self) {
        if self.ring.forked() {
            // The ring is the parent's, and so is the bell: there is nothing to wait for but wakes.
            if !self.parker.alarm.is_notified() {
                thread::sleep(PAUSE_MIN);
            }
            return;
        }
        let room = self.flush();
        let (idle, dead, refused) = {
            let state = self.state();
            let idle =
                state.waiters.is_empty() && state.batch.is_empty() && state.completion.is_empty();
            let dead = matches!(state.refusal, Some(Refusal::Dead(_)));
            (idle && !self.parker.alarm.is_notified(), dead, state.refusal.is_some())
        };
        // Of what has found no room in a dead ring nothing will ever come.
        if idle && (room || dead) {
            if refused {
                return self.sleep_without_bell(dead);
            }
            if self.hang_up_bell() && self.parker.alarm.park() {
                let pause = self.state().until_retry();
                match (pause, self.gathering) {
                    (None, None) => self.enter(|ring| ring.enter(1)),
                    (None, Some(Gathering { completions, time })) => {
                        self.enter(|ring| ring.enter_gathering(completions.max(1), time, None))
                    }
                    (Some(pause), _) => self.enter(|ring| ring.enter_timeout(1, pause)),
                };
                self.parker.alarm.unpark();
                return self.reap();
            }
        }
        if self.is_unsubmitted() || self.ring.has_work() || !self.state().waiters.is_empty() {
            self.enter(RingHandle::enter_ready);
        } else {
            // What others have left to this thread would wait as long as its tasks are busy.
            self.ring.settle();
        }
        self.reap();
    }

    /// Sleeps though the ring accepts nothing any more, not even the bell.
    fn sleep_without_bell(&self, dead: bool) {
        if !self.parker.alarm.park() {
            return;
        }
        if dead || self.ring.table().in_flight() == 0 {
            self.parker.sleep();
        } else {
            // What the kernel has kept past the end comes back some day, and nobody calls then.
            self.enter(|ring| ring.enter_timeout(1, PAUSE_MAX));
        }
        self.parker.alarm.unpark();
        self.reap();
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

    /// Enters the kernel by `how`, and deals with its errors. Says how many entries it took.
    pub(super) fn enter(&self, how: impl FnOnce(&RingHandle<Local>) -> io::Result<u32>) -> u32 {
        if self.ring.forked() {
            return 0;
        }
        {
            let state = &mut *self.state();
            state.submission.publish();
            state.counters.enters += 1;
        }
        self.ring.settle();
        let entered = match how(&self.ring) {
            // The wait is over, and nothing was to be submitted.
            Err(error) if error.raw_os_error() == Some(libc::ETIME) => Ok(0),
            entered => entered,
        };
        let submitted = match entered {
            Ok(submitted) => {
                let mut state = self.state();
                state.pause = PAUSE_MIN;
                if state.waiters.is_empty() {
                    return submitted;
                }
                submitted
            }
            Err(error) => {
                self.state().counters.failed_enters += 1;
                self.overcome(&error);
                0
            }
        };
        self.wake_waiters();
        submitted
    }

    /// Wakes those who wait for room: there is some, or there never will be.
    pub(super) fn wake_waiters(&self) {
        let waiters = std::mem::take(&mut self.state().waiters);
        if !waiters.is_empty() {
            let mut batch: Batch<Local> = Batch::new();
            waiters.into_iter().for_each(|waiter| batch.wake(waiter));
            let panics = batch.run().panics;
            self.state().counters.panics += u64::from(panics);
        }
    }

    /// What is to be done about an enter that has failed. What was published stays so.
    fn overcome(&self, error: &io::Error) {
        match error.raw_os_error() {
            // A signal; or the kernel has lost a CQE, and nothing can be done.
            Some(libc::EINTR | libc::EBADR) => {}
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
                self.parker.silence();
                let mut state = self.state();
                if !matches!(state.refusal, Some(Refusal::Dead(_))) {
                    state.refusal = Some(Refusal::Dead(errno.unwrap_or(libc::EIO)));
                }
            }
        }
    }
}

impl State {
    /// Whether there is nothing to be done but what the kernel and the tasks do, and others can
    /// wake a thread that sleeps in the ring.
    fn is_at_rest(&self) -> bool {
        let hung_up = self.bell.is_some() && self.refusal.is_none();
        let idle = self.waiters.is_empty() && self.batch.is_empty() && self.completion.is_empty();
        hung_up && idle && self.backlog.is_empty() && self.retry_at.is_none()
    }

    pub(super) fn is_bell_in_flight(&self) -> bool {
        self.bell.as_ref().is_some_and(CancelTarget::is_in_flight)
    }

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
        if core.depth.get() == 0 && (core.is_unsubmitted() || !core.state().backlog.is_empty()) {
            core.act();
        }
    }
}
