//! [`Turns`]: whose turn a submission belongs to, and who ends it.
//!
//! | runtime | turns | ended by |
//! |---|---|---|
//! | of one thread, or nobody knows of how many | one | the driver's own task |
//! | of several | one for each thread, besides the first, which has none | a task for each |
//!
//! What a thread has gathered enters the kernel at its turn's end. The task that ends it is woken
//! by the thread itself, so it runs there, after what is ready; or on another thread that is idle
//! and takes it over, and then at once. The driver's own task is woken by the reactor, on whichever
//! thread that runs, so among several it is no thread's.
//!
//! Which thread a turn belongs to is found out: it is the one that its task has run on, unless that
//! has a turn already. On a thread without one a submission enters at once, and calls a task now
//! and then. That of a thread of the runtime comes to run there, and has found its thread.
//!
//! So a thread's submissions never wait for another thread, however long that one computes.

use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::task::Waker;

use super::gathering::Gathering;
use crate::shared::core::lock;

/// Of the submissions of threads without a turn, every so many calls a task; and after the first
/// thousands, by which those of the runtime have found their turns, every so many.
const CALL_EVERY: u32 = 64;
const CALL_SELDOM: u32 = 1024;

/// How many submissions of threads without a turn there are before calls become seldom.
const FIRST: u32 = 4096;

/// The thread of a turn that has not been found yet, and of one that is no thread's.
const UNKNOWN: usize = 0;
const NOBODY: usize = usize::MAX;

/// The turns of a runtime's threads.
pub(super) struct Turns {
    turns: Box<[Turn]>,
    /// The thread of each.
    ///
    /// Relaxed: a guess that is wrong has a submission wait for another thread's turn, or enter at
    /// once, and loses nothing.
    homes: Box<[AtomicUsize]>,
    /// How many submissions have come on threads without a turn.
    elsewhere: AtomicU32,
}

/// A turn, on cache lines of its own, and how the task is called that ends it.
#[repr(align(128))]
pub(super) struct Turn {
    gathering: Gathering,
    /// Whether the task has been called since it last ended the turn.
    ///
    /// SeqCst, and exchanges: whoever calls has published first and then sets this; the task clears
    /// it first and then looks for what is published. So a caller who finds it set, and leaves it
    /// at that, has its entries seen: the clearing follows, and takes over what was before.
    called: AtomicBool,
    /// The waker of the task, unless it has been woken by it. Taken out to be called, since
    /// foreign code must not run under the lock.
    waker: Mutex<Option<Waker>>,
}

/// When a submission enters the kernel.
pub(super) enum Moment<'a> {
    Now,
    /// At once; and the task of this turn is called.
    NowWithCall(&'a Turn),
    /// When this turn ends, whose task is called.
    TurnsEnd(&'a Turn),
}

impl Turns {
    /// Those of a runtime with so many threads.
    pub(super) fn new(threads: usize) -> Turns {
        let several = threads > 1;
        let count = if several { 1 + threads } else { 1 };
        let first = if several { NOBODY } else { UNKNOWN };
        let home = |number| AtomicUsize::new(if number == 0 { first } else { UNKNOWN });
        Turns {
            turns: (0..count).map(|_| Turn::new()).collect(),
            homes: (0..count).map(home).collect(),
            elsewhere: AtomicU32::new(0),
        }
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.turns.len()
    }

    /// The turn of this number, which is less than their count.
    pub(super) fn numbered(&self, number: usize) -> &Turn {
        &self.turns[number]
    }

    /// When a submission of the calling thread enters the kernel.
    pub(super) fn moment(&self) -> Moment<'_> {
        match self.at_home(this_thread()) {
            Some(number) if self.turns[number].gathering.gathers() => {
                Moment::TurnsEnd(&self.turns[number])
            }
            Some(_) => Moment::Now,
            None => self.moment_elsewhere(),
        }
    }

    /// The same, on a thread without a turn.
    fn moment_elsewhere(&self) -> Moment<'_> {
        let before = self.elsewhere.fetch_add(1, Ordering::Relaxed);
        let every = if before < FIRST { CALL_EVERY } else { CALL_SELDOM };
        if !before.is_multiple_of(every) {
            return Moment::Now;
        }
        // One that has no thread yet; else one after the other.
        let first = usize::from(self.count() > 1);
        let one_of_all = || first + (before / every) as usize % (self.count() - first);
        let number = self.at_home(UNKNOWN).unwrap_or_else(one_of_all);
        Moment::NowWithCall(&self.turns[number])
    }

    /// The turn of this number ends, on the calling thread: whoever looks afterwards sees what was
    /// published before the task was called.
    pub(super) fn end(&self, number: usize) {
        let (here, home) = (this_thread(), &self.homes[number]);
        if self.at_home(here).is_none() && home.load(Ordering::Relaxed) != NOBODY {
            home.store(here, Ordering::Relaxed);
        }
        let turn = &self.turns[number];
        turn.called.swap(false, Ordering::SeqCst);
        turn.gathering.end_turn();
    }

    /// Whether the turn of this number is to be put off on the calling thread, whose task has been
    /// woken before others that may submit, too.
    pub(super) fn goes_on(&self, number: usize) -> bool {
        let home = self.homes[number].load(Ordering::Relaxed);
        self.turns[number].gathering.is_open() && home == this_thread()
    }

    /// The turn whose thread this is.
    fn at_home(&self, thread: usize) -> Option<usize> {
        self.homes.iter().position(|home| home.load(Ordering::Relaxed) == thread)
    }
}

impl Turn {
    fn new() -> Turn {
        Turn {
            gathering: Gathering::new(),
            called: AtomicBool::new(false),
            waker: Mutex::new(None),
        }
    }

    /// The task is polled, with this waker. It looks only afterwards what there is to do.
    pub(super) fn listen(&self, waker: &Waker) {
        let waker = waker.clone();
        let old = lock(&self.waker).replace(waker);
        drop(old);
    }

    /// There is something to do for the task.
    pub(super) fn call(&self) {
        if self.called.swap(true, Ordering::SeqCst) {
            return;
        }
        // The first poll finds out by itself.
        if let Some(waker) = self.take_waker() {
            waker.wake();
        }
    }

    /// Takes the task's waker away.
    pub(super) fn take_waker(&self) -> Option<Waker> {
        lock(&self.waker).take()
    }
}

impl fmt::Debug for Turns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Turns").field("count", &self.count()).finish_non_exhaustive()
    }
}

/// What tells threads apart: the address of something that each has of its own.
fn this_thread() -> usize {
    thread_local!(static PLACE: u8 = const { 0 });
    PLACE.with(|place| std::ptr::from_ref(place).addr())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What becomes of the next submission of this thread: it enters, it enters and calls this
    /// turn, or it is left to the end of this turn.
    #[derive(Debug, PartialEq)]
    enum Next {
        Enters,
        Calls(usize),
        Waits(usize),
    }

    fn next(turns: &Turns) -> Next {
        let number = |turn| turns.turns.iter().position(|known| std::ptr::eq(known, turn));
        match turns.moment() {
            Moment::Now => Next::Enters,
            Moment::NowWithCall(turn) => Next::Calls(number(turn).unwrap()),
            Moment::TurnsEnd(turn) => Next::Waits(number(turn).unwrap()),
        }
    }

    fn elsewhere(scenario: impl FnOnce() + Send) {
        std::thread::scope(|scope| scope.spawn(scenario).join().unwrap());
    }

    #[test]
    fn a_thread_without_a_turn_attracts_the_task_of_one() {
        let turns = Turns::new(2);
        turns.end(1);
        assert_eq!(next(&turns), Next::Waits(1));
        elsewhere(|| {
            assert_eq!(next(&turns), Next::Calls(2));
            assert_eq!(next(&turns), Next::Enters);
            turns.end(2);
            assert_eq!(next(&turns), Next::Waits(2));
        });
        assert_eq!(next(&turns), Next::Waits(1), "its turn is not another thread's");
    }

    #[test]
    fn a_task_that_runs_on_another_thread_leaves_its_turn_where_it_is() {
        let turns = Turns::new(2);
        turns.end(1);
        // Two, so that it goes on gathering.
        (0..2).for_each(|_| assert_eq!(next(&turns), Next::Waits(1)));
        assert!(turns.goes_on(1));
        elsewhere(|| {
            assert!(!turns.goes_on(1), "it is not put off here");
            turns.end(2);
            turns.end(1);
            assert_eq!(next(&turns), Next::Waits(2));
        });
        assert_eq!(next(&turns), Next::Waits(1));
    }

    #[test]
    fn among_several_threads_the_drivers_own_task_ends_no_turn() {
        let turns = Turns::new(2);
        turns.end(0);
        for _ in 0..10 * CALL_EVERY {
            assert!(matches!(next(&turns), Next::Enters | Next::Calls(1 | 2)));
        }
    }

    #[test]
    fn a_single_turn_follows_its_task() {
        let turns = Turns::new(1);
        turns.end(0);
        elsewhere(|| {
            assert_eq!(next(&turns), Next::Calls(0));
            turns.end(0);
            assert_eq!(next(&turns), Next::Waits(0));
        });
        assert_eq!(next(&turns), Next::Enters);
    }

    #[test]
    fn threads_that_are_not_the_runtimes_call_seldom() {
        let turns = Turns::new(2);
        elsewhere(|| turns.end(1));
        elsewhere(|| turns.end(2));
        let calls = (0..FIRST + 4 * CALL_SELDOM).filter(|_| matches!(next(&turns), Next::Calls(_)));
        assert_eq!(calls.count() as u32, FIRST / CALL_EVERY + 4);
    }
}
