//! Models of a thread that sleeps and of those that wake it: no wake is lost, nobody sleeps for
//! ever, and there is at most one call for each sleep.
//!
//! The thread goes about as `block_on` does, with a real [`Alarm`] and real [`Seat`]s. The ring
//! that it sleeps in is one of the model's, where calls arrive as CQEs of the bell, and those of IO
//! beside them. By these the thread wakes itself, and leaves the alarm `PARKED`, so that a call may
//! come that it needs no more.
//!
//! Run with `RUSTFLAGS="--cfg loom" cargo test --release -p ringbahn-drivers --lib loom`.
//!
//! What they are worth was tried by breaking the protocol. The thread sleeps for ever where
//! `say_parked` stores the word in place of exchanging it, where `park` says that it may sleep
//! though it has been woken, and where `notify` comes before the seat is on the list; and waits in
//! vain for what was done before a wake where `notify` is Acquire, `take_notified` Relaxed, or the
//! flag of a seat is set Relaxed. It is called once too often where `notify` asks for that though
//! the thread has been woken already.

use loom::model::Builder;
use loom::sync::atomic::{AtomicU32, Ordering};
use loom::sync::{Arc, Condvar, Mutex};
use loom::thread;

use super::alarm::Alarm;
use super::ready::Seat;
use crate::sys::fork::ForkGuard;

/// What the thread sleeps in, as far as it can tell.
#[derive(Default)]
struct Ring {
    arrived: Mutex<Arrived>,
    more: Condvar,
}

#[derive(Default)]
struct Arrived {
    /// How many CQEs nobody has read.
    cqes: u32,
    calls: u32,
    sleeps: u32,
}

impl Ring {
    /// A call by the eventfd: the bell rings.
    fn call(&self) {
        self.arrived.lock().unwrap().calls += 1;
        self.complete();
    }

    fn complete(&self) {
        self.arrived.lock().unwrap().cqes += 1;
        self.more.notify_one();
    }

    /// Sleeps until there is a CQE, and reads all there are.
    fn sleep(&self) {
        let mut arrived = self.arrived.lock().unwrap();
        arrived.sleeps += 1;
        while arrived.cqes == 0 {
            arrived = self.more.wait(arrived).unwrap();
        }
        arrived.cqes = 0;
        assert!(arrived.calls <= arrived.sleeps, "it was called once too often");
    }
}

/// What is to be polled.
#[derive(Clone, Copy)]
enum Target {
    /// The future of `block_on`.
    Future,
    /// A task.
    Task(&'static Seat),
}

impl Target {
    /// Its place among the counts.
    fn index(self) -> usize {
        match self {
            Target::Future => 0,
            Target::Task(seat) => 1 + seat.index(),
        }
    }

    /// A wake by another thread, as [`Seat::wake`] and the waker of an alarm do it; but for the
    /// call, which they make by an eventfd.
    fn wake(self, alarm: &Alarm, ring: &Ring) {
        if let Target::Task(seat) = self {
            seat.get_ready_from_elsewhere();
        }
        if alarm.word.notify() {
            ring.call();
        }
    }
}

const TASKS: usize = 2;

/// How often each target has been woken, counted before the wake.
type Counts = [AtomicU32; 1 + TASKS];

/// Polls what has been woken, and sleeps in between, until each target has been polled after it was
/// woken for the last time.
fn run(alarm: &'static Alarm, ring: &Ring, counts: &Counts, expected: [u32; 1 + TASKS]) {
    let mut seen = [0; 1 + TASKS];
    let mut poll = |index: usize| {
        seen[index] = counts[index].load(Ordering::Relaxed);
        seen == expected
    };
    loop {
        let mut over = alarm.take_notified() && poll(0);
        while let Some(seat) = alarm.ready.pop() {
            over = poll(1 + seat.index());
        }
        if over {
            return;
        }
        if !alarm.is_notified() && alarm.park() {
            ring.sleep();
            alarm.unpark();
        }
    }
}

/// Each of `wakers` is a thread with the targets that it wakes, one after the other: 0 is the
/// future, the others are tasks. Another thread completes `completions` of IO.
fn model(wakers: &'static [&'static [usize]], completions: u32) {
    // Not in the model: it asks the kernel for a page.
    let guard = ForkGuard::new().unwrap();
    let builder = Builder::new();
    builder.check(move || {
        // Never freed, as in use.
        let alarm: &Alarm = Box::leak(Box::new(Alarm::new(guard, std::ptr::null())));
        let seats = [0, 1].map(|index| &*Box::leak(Box::new(Seat::new(alarm, index))));
        let targets = [Target::Future, Target::Task(seats[0]), Target::Task(seats[1])];
        let shared: Arc<(Ring, Counts)> = Arc::default();
        let mut expected = [0; 1 + TASKS];
        wakers.iter().copied().flatten().for_each(|target| expected[*target] += 1);
        let mut threads: Vec<_> = wakers
            .iter()
            .map(|woken| {
                let shared = shared.clone();
                thread::spawn(move || {
                    let (ring, counts) = &*shared;
                    for target in woken.iter().map(|index| targets[*index]) {
                        counts[target.index()].fetch_add(1, Ordering::Relaxed);
                        target.wake(alarm, ring);
                    }
                })
            })
            .collect();
        if completions > 0 {
            let shared = shared.clone();
            threads.push(thread::spawn(move || {
                (0..completions).for_each(|_| shared.0.complete());
            }));
        }
        let (ring, counts) = &*shared;
        run(alarm, ring, counts, expected);
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        let arrived = ring.arrived.lock().unwrap();
        assert!(arrived.calls <= arrived.sleeps, "it was called once too often");
    });
}

#[test]
fn two_threads_wake_the_same_task() {
    model(&[&[1], &[1]], 0);
}

#[test]
fn two_threads_wake_a_task_each() {
    model(&[&[1], &[2]], 0);
}

#[test]
fn two_threads_wake_the_future() {
    model(&[&[0], &[0]], 0);
}

#[test]
fn one_thread_wakes_again_while_the_other_wakes_something_else() {
    model(&[&[1, 1], &[0]], 0);
}

#[test]
fn a_thread_that_wakes_by_itself_is_called_in_vain_once_at_most() {
    model(&[&[0]], 2);
    model(&[&[1, 0]], 1);
}
