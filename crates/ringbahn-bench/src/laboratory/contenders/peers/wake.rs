//! A loop that another thread wakes through the waker of its task.

use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::thread::{self, Thread};

use futures::task::AtomicWaker;

use super::library::Library;
use crate::laboratory::case::Wake;
use crate::laboratory::contender::Failure;
use crate::laboratory::meter::Meter;

/// What the loop and the one who asks it have in common.
struct Door {
    waker: AtomicWaker,
    /// Whether there is a question. The loop takes it with `Acquire`, from a store with `Release`.
    is_asked: AtomicBool,
    /// Whether the question has been answered. Loaded with `Acquire`, from a store with `Release`.
    is_answered: AtomicBool,
    /// Whether there will be no question any more, as `is_asked`.
    is_closed: AtomicBool,
    /// The one who asks.
    guest: Thread,
}

/// The guest measures, on this thread; the loop has a thread of its own.
pub(super) fn wake<L: Library>(case: &Wake, meter: &mut Meter) -> Result<(), Failure> {
    let door = Door {
        waker: AtomicWaker::new(),
        is_asked: AtomicBool::new(false),
        is_answered: AtomicBool::new(false),
        is_closed: AtomicBool::new(false),
        guest: thread::current(),
    };
    let mut stopwatch = meter.stopwatch();
    thread::scope(|scope| {
        let host = scope.spawn(|| {
            let result = L::run(async |_| door.answer().await);
            // Whoever still waits for an answer must see that there will be none.
            door.is_closed.store(true, Ordering::Release);
            door.guest.unpark();
            result
        });
        while meter.goes_on() {
            for _ in 0..case.lap() {
                let start = stopwatch.start();
                if !door.ask() {
                    break;
                }
                stopwatch.stop(start);
            }
            meter.took(&mut stopwatch);
            meter.did(case.lap());
            if host.is_finished() {
                break;
            }
        }
        door.is_closed.store(true, Ordering::Release);
        door.waker.wake();
        host.join().unwrap_or_else(|_| Err("the loop has panicked".into()))
    })
}

impl Door {
    /// Asks, and waits for the answer. Whether there was one.
    fn ask(&self) -> bool {
        self.is_asked.store(true, Ordering::Release);
        self.waker.wake();
        while !self.is_answered.swap(false, Ordering::Acquire) {
            if self.is_closed.load(Ordering::Acquire) {
                return false;
            }
            thread::park();
        }
        true
    }

    /// Answers until the door is closed.
    async fn answer(&self) -> Result<(), Failure> {
        poll_fn(|cx| {
            self.waker.register(cx.waker());
            if self.is_closed.load(Ordering::Acquire) {
                return Poll::Ready(Ok(()));
            }
            if self.is_asked.swap(false, Ordering::Acquire) {
                self.is_answered.store(true, Ordering::Release);
                self.guest.unpark();
            }
            Poll::Pending
        })
        .await
    }
}
