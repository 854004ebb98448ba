//! The thread that wakes a loop, and is answered by it: the same for all loops by hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::{self, JoinHandle};

use crate::laboratory::case::Wake;
use crate::laboratory::contender::Failure;
use crate::laboratory::meter::Meter;

/// What the loop and the thread share.
#[derive(Default)]
struct Shared {
    /// How many answers there have been.
    answers: AtomicU32,
    is_over: AtomicBool,
}

/// Does the workload of wakes: another thread calls `wake`, and this one returns from `wait`.
///
/// The first argument of `wait` is how often it has been called before.
pub(super) fn wakes(
    case: &Wake,
    meter: &mut Meter,
    wake: impl Fn(u32) -> Result<(), Failure> + Send + 'static,
    mut wait: impl FnMut(u32) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let shared = Arc::<Shared>::default();
    let waker = spawn(shared.clone(), wake)?;
    let mut answers = 0;
    let mut stopwatch = meter.stopwatch();
    while meter.goes_on() {
        for _ in 0..case.lap() {
            let start = stopwatch.start();
            // The answer to the wake before, upon which the next follows.
            shared.answers.store(answers + 1, Ordering::Release);
            waker.thread().unpark();
            wait(answers)?;
            answers += 1;
            stopwatch.stop(start);
        }
        meter.did(case.lap());
        meter.took(&mut stopwatch);
    }
    shared.is_over.store(true, Ordering::Release);
    waker.thread().unpark();
    waker.join().map_err(|_| "the thread that wakes has panicked")?
}

fn spawn(
    shared: Arc<Shared>,
    wake: impl Fn(u32) -> Result<(), Failure> + Send + 'static,
) -> Result<JoinHandle<Result<(), Failure>>, Failure> {
    let work = move || {
        let mut wakes = 0;
        loop {
            // Acquire: pairs with the store of the loop's answer.
            while shared.answers.load(Ordering::Acquire) == wakes {
                // Acquire: pairs with the store after the last lap.
                if shared.is_over.load(Ordering::Acquire) {
                    return Ok(());
                }
                thread::park();
            }
            wake(wakes)?;
            wakes += 1;
        }
    };
    Ok(thread::Builder::new().name("waker".to_owned()).spawn(work)?)
}
