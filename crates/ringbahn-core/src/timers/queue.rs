//! [`Queue`]: the timers of one clock, as tasks and the kernel's timer meet there.
//!
//! Tasks arm and release timers; the operation that has ended in the ring fires those that are due.
//! Both may happen on any thread, so this is behind a mutex also where the driver is one thread's
//! own: the event of an operation may be sent to another thread, and so may a waker.
//!
//! | word | what it says |
//! |---|---|
//! | `aim` | when the kernel's timer is to end, for the first deadline; `None` without one |
//! | `fired` | when timers have fired last, at the least the slack before others do |
//! | `epoch` | which kernel timer that is; one of an earlier epoch has no say |
//! | `attention` | whether a task has to look after the kernel's timer |
//!
//! While `attention` is set, the kernel's timer is being looked after, or an armed timer's task has
//! been woken for it. It hands that on where it goes.
//!
//! No waker is called, cloned or dropped under the lock.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::task::{Poll, Wake, Waker};
use std::time::Duration;

use smallvec::SmallVec;

use super::deadlines::{Deadlines, Standing, Ticket};
use crate::clock::{Clock, Deadline, NEVER};
use crate::panics::contain_panic;
use crate::sync::{Mutex, lock};

/// How many timers fire before the lock is given to others.
const FIRED_MAX: usize = 32;

/// The timers of one clock.
pub(super) struct Queue {
    clock: Clock,
    /// By how much a timer may fire later than it is due, in nanoseconds.
    slack: u64,
    state: Mutex<State>,
}

struct State {
    deadlines: Deadlines,
    aim: Option<u64>,
    fired: u64,
    epoch: u64,
    attention: bool,
    /// Why the last timers that failed have failed.
    failure: Option<Arc<io::Error>>,
}

impl Queue {
    pub(super) fn new(clock: Clock, slack: Duration) -> Queue {
        let slack = u64::try_from(slack.as_nanos()).unwrap_or(NEVER).min(NEVER);
        let state = State {
            deadlines: Deadlines::new(),
            aim: None,
            fired: 0,
            epoch: 0,
            attention: false,
            failure: None,
        };
        Queue { clock, slack, state: Mutex::new(state) }
    }

    /// By how much a timer may fire later than it is due.
    pub(super) fn slack(&self) -> Duration {
        Duration::from_nanos(self.slack)
    }

    /// How many timers are armed.
    pub(super) fn armed(&self) -> usize {
        lock(&self.state).deadlines.armed()
    }

    /// Arms a timer. Says whether the kernel's timer is to be looked after.
    pub(super) fn arm(&self, deadline: u64, waker: Waker) -> io::Result<(Ticket, bool)> {
        let mut state = lock(&self.state);
        let ticket = match state.deadlines.arm(deadline, waker) {
            Ok(ticket) => ticket,
            Err(waker) => {
                drop(state);
                drop(waker);
                return Err(io::Error::other("there are too many timers"));
            }
        };
        let aim = state.aim_for(deadline, self.slack);
        if state.aim.is_none_or(|current| aim < current) {
            state.aim = Some(aim);
            state.epoch += 1;
            state.attention = true;
        }
        Ok((ticket, state.attention))
    }

    /// How a timer stands: with an error where it never fires. Also says whether the kernel's timer
    /// is to be looked after. Where the timer is armed, `waker` is left for the time when it fires.
    pub(super) fn poll(&self, ticket: &Ticket, waker: &Waker) -> (Poll<io::Result<()>>, bool) {
        {
            let mut state = lock(&self.state);
            let standing = state.standing(ticket);
            let known = state.deadlines.waker(ticket);
            if standing.is_ready() || known.as_ref().is_some_and(|known| known.will_wake(waker)) {
                return (standing, state.attention);
            }
        }
        let waker = waker.clone();
        let mut state = lock(&self.state);
        let (standing, attention) = (state.standing(ticket), state.attention);
        let unused = match standing {
            Poll::Pending => state.deadlines.waker(ticket).replace(waker),
            Poll::Ready(_) => Some(waker),
        };
        drop(state);
        drop(unused);
        (standing, attention)
    }

    /// A timer is not wanted any more.
    pub(super) fn release(&self, ticket: Ticket) {
        let mut state = lock(&self.state);
        let waker = state.deadlines.release(ticket);
        let attention = state.attention;
        drop(state);
        if attention {
            // Its task may have been the one that was woken for it.
            self.nudge();
        }
        drop(waker);
    }

    /// What the kernel's timer is to be, where there is to be one. Whoever asks looks after it.
    pub(super) fn wanted(&self) -> Option<(Deadline, u64)> {
        let mut state = lock(&self.state);
        state.attention = false;
        let aim = state.aim?;
        Some((self.moment(aim), state.epoch))
    }

    /// Fires what is due. Yields when the kernel's timer of `epoch` is to end next, unless there
    /// is another one by now, or nothing to wait for.
    pub(super) fn fire(&self, epoch: u64) -> Option<Deadline> {
        let now = self.clock.nanoseconds();
        let mut wakers = SmallVec::<[Waker; FIRED_MAX]>::new();
        loop {
            let mut state = lock(&self.state);
            let due = std::iter::from_fn(|| state.deadlines.fire(now)).take(FIRED_MAX);
            let mut fired = 0;
            wakers.extend(due.inspect(|_| fired += 1).flatten());
            if fired > 0 {
                state.fired = now;
            }
            let mut next = None;
            if fired < FIRED_MAX && epoch == state.epoch {
                let earliest = state.deadlines.earliest();
                next = earliest.map(|deadline| state.aim_for(deadline, self.slack));
                state.aim = next;
            }
            drop(state);
            wake_all(&mut wakers);
            if fired < FIRED_MAX {
                return next.map(|next| self.moment(next));
            }
        }
    }

    /// The kernel's timer cannot be had, for the reason of `error`: no armed timer will fire.
    pub(super) fn fail(&self, error: io::Error) {
        let error = Arc::new(error);
        let mut wakers = SmallVec::<[Waker; FIRED_MAX]>::new();
        loop {
            let mut state = lock(&self.state);
            let former = state.failure.replace(error.clone());
            let mut failed = 0;
            let all = std::iter::from_fn(|| state.deadlines.fail()).take(FIRED_MAX);
            wakers.extend(all.inspect(|_| failed += 1).flatten());
            if failed < FIRED_MAX {
                state.aim = None;
            }
            drop(state);
            drop(former);
            wake_all(&mut wakers);
            if failed < FIRED_MAX {
                return;
            }
        }
    }

    /// Wakes a task to look after the kernel's timer.
    fn nudge(&self) {
        loop {
            let waker = {
                let mut state = lock(&self.state);
                if !state.attention {
                    return;
                }
                state.deadlines.take_waker()
            };
            let Some(waker) = waker else { return };
            if !contain_panic(|| waker.wake()) {
                return;
            }
        }
    }

    fn moment(&self, nanoseconds: u64) -> Deadline {
        Deadline::at(self.clock, Duration::from_nanos(nanoseconds))
    }
}

impl State {
    /// When the kernel's timer is to end for a timer that is due at `deadline`, and for those that
    /// are due until then: at that moment, unless others have fired within the slack before it.
    ///
    /// Never later than the slack after the deadline, also where the clock has been set back since
    /// timers have fired last.
    fn aim_for(&self, deadline: u64, slack: u64) -> u64 {
        let rested = self.fired.min(deadline).saturating_add(slack);
        deadline.max(rested).min(NEVER)
    }

    fn standing(&self, ticket: &Ticket) -> Poll<io::Result<()>> {
        match (self.deadlines.standing(ticket), &self.failure) {
            (Standing::Armed, _) => Poll::Pending,
            (Standing::Failed, Some(error)) => {
                Poll::Ready(Err(io::Error::new(error.kind(), Failure(error.clone()))))
            }
            (Standing::Failed, None) => Poll::Ready(Err(io::Error::other("the timer has failed"))),
            (Standing::Fired, _) => Poll::Ready(Ok(())),
        }
    }
}

/// The kernel's timer is over, or may go on now that there is room for it in the driver's queue.
impl Wake for Queue {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        {
            let mut state = lock(&self.state);
            // Where nothing is waited for, it is over because of that.
            state.attention |= state.aim.is_some();
        }
        self.nudge();
    }
}

/// One failure, told to each timer that it concerns.
#[derive(Debug)]
struct Failure(Arc<io::Error>);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the driver keeps no time: {}", self.0)
    }
}

impl std::error::Error for Failure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.0)
    }
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let armed = self.armed();
        f.debug_struct("Queue").field("clock", &self.clock).field("armed", &armed).finish()
    }
}

/// Wakes all of them, also after one that panicked: each panic is the affair of its task.
fn wake_all(wakers: &mut SmallVec<[Waker; FIRED_MAX]>) {
    for waker in wakers.drain(..) {
        contain_panic(|| waker.wake());
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    const SLACK: u64 = 50;

    /// When the kernel's timer ends for a deadline, where timers have fired last at `fired`.
    fn aim(fired: u64, deadline: u64, slack: u64) -> u64 {
        let queue = Queue::new(Clock::Monotonic, Duration::ZERO);
        let mut state = lock(&queue.state);
        state.fired = fired;
        state.aim_for(deadline, slack)
    }

    #[test]
    fn what_is_due_soon_after_others_waits_for_the_slack_and_no_longer() {
        for (deadline, expected) in [(1000, 1050), (1001, 1050), (1050, 1050), (1051, 1051)] {
            assert_eq!(aim(1000, deadline, SLACK), expected, "due at {deadline}");
            assert_eq!(aim(1000, deadline, 0), deadline, "without slack");
        }
        assert_eq!(aim(0, 7000, SLACK), 7000, "none has fired");
        assert_eq!(aim(1000, NEVER, SLACK), NEVER);
        assert_eq!(aim(1000, 1001, NEVER), NEVER, "as much slack as there is");
    }

    #[test]
    fn a_clock_that_is_set_back_makes_nothing_later_than_the_slack() {
        assert_eq!(aim(1_000_000, 2000, SLACK), 2050);
    }

    #[test]
    fn a_timer_within_the_slack_does_not_move_the_one_of_the_kernel() {
        let queue = Queue::new(Clock::Monotonic, Duration::from_secs(3600));
        let now = Clock::Monotonic.nanoseconds();
        lock(&queue.state).fired = now;
        let arm = |deadline| queue.arm(deadline, Waker::noop().clone()).unwrap();
        let (late, is_first) = arm(now + 500);
        let (moment, epoch) = queue.wanted().unwrap();
        assert!(is_first && moment.time() == Duration::from_nanos(now) + queue.slack());
        let (soon, is_first) = arm(now + 100);
        assert!(!is_first);
        assert_eq!(queue.wanted(), Some((moment, epoch)));
        queue.release(late);
        queue.release(soon);
    }
}
