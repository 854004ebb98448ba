//! A future that another thread wakes, and that answers it.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::task::Poll;
use std::thread;

use futures::task::AtomicWaker;

use super::Host;
use crate::laboratory::case::Wake;
use crate::laboratory::contender::Failure;
use crate::laboratory::meter::{Meter, Stopwatch};

/// What two threads ask and answer each other by.
#[derive(Default)]
struct Bell {
    /// How often the other thread has asked. Stored before the waker is woken, and read behind its
    /// registration.
    asked: AtomicU64,
    /// How often it was answered. Stored before the other thread is unparked, and read by it.
    answered: AtomicU64,
    waker: AtomicWaker,
}

pub(super) fn run(host: &impl Host, case: &Wake, meter: &mut Meter) -> Result<(), Failure> {
    let bell = Arc::new(Bell::default());
    let (to_asker, laps) = channel();
    let (done, from_asker) = channel();
    let (asking, lap) = (bell.clone(), case.lap());
    let asker = thread::Builder::new()
        .name("asker".to_owned())
        .spawn(move || ask(&asking, lap, &laps, &done))?;
    let mut answered = 0;
    let mut stopwatch = meter.stopwatch();
    while meter.goes_on() {
        to_asker.send(stopwatch)?;
        host.block_on(async {
            for _ in 0..lap {
                poll_fn(|cx| {
                    bell.waker.register(cx.waker());
                    let is_asked = bell.asked.load(Ordering::Acquire) > answered;
                    if is_asked { Poll::Ready(()) } else { Poll::Pending }
                })
                .await;
                answered += 1;
                bell.answered.store(answered, Ordering::Release);
                asker.thread().unpark();
            }
        });
        stopwatch = from_asker.recv()?;
        meter.did(lap);
        meter.took(&mut stopwatch);
    }
    drop(to_asker);
    asker.join().map_err(|_| "the thread that asks has panicked".into())
}

/// Asks so often in a lap, and waits for each answer.
fn ask(bell: &Bell, lap: u64, laps: &Receiver<Stopwatch>, done: &Sender<Stopwatch>) {
    let mut asked = 0;
    for mut stopwatch in laps {
        for _ in 0..lap {
            asked += 1;
            let start = stopwatch.start();
            bell.asked.store(asked, Ordering::Release);
            bell.waker.wake();
            while bell.answered.load(Ordering::Acquire) < asked {
                thread::park();
            }
            stopwatch.stop(start);
        }
        if done.send(stopwatch).is_err() {
            return;
        }
    }
}
