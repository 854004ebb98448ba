//! What a timer costs among a million.
//!
//! | column | what is measured |
//! |---|---|
//! | arm | the first poll of a sleep |
//! | again | another poll with the same waker |
//! | drop | the drop of a sleep that is armed |
//! | fire | from the moment when all are due until the last one is woken |
//! | bytes | what a sleep and its timer allocate and keep, the future itself included |
//!
//! The deadlines are random: hours away for those that are dropped, within a millisecond for those
//! that fire. What is measured is the time that the process has run, in the program and in the
//! kernel: the shared driver fires on a thread of its own, and what other programs do does not
//! count. The ways have their turns in each round. Operations are timers of the kernel, one each:
//! of these there are a tenth, since the kernel keeps memory for each of them that is not in the
//! column.
//!
//! The last line is what it costs to arm a timer that is due before all others, where the kernel's
//! timer has to be replaced.

use std::error::Error;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use ringbahn::time::Timers;
use ringbahn::{Drive, LocalDriver, SharedDriver, event};

use rustix::time::{ClockId, clock_gettime};

use crate::allocations;
use crate::sample::Sample;

/// How often each way has its turn, after one to warm up.
const ROUNDS: usize = 5;

/// How long after the beginning of a round the timers are due that fire.
const DUE: Duration = Duration::from_secs(2);

/// The smallest time in which all are due.
const SPREAD: Duration = Duration::from_millis(1);

/// How often an earliest timer is armed.
const EARLIEST: u32 = 2000;

/// The figures of one way.
#[derive(Default)]
struct Figures {
    arm: Sample,
    again: Sample,
    drop: Sample,
    fire: Sample,
    bytes: Sample,
}

/// Counts how many timers have fired.
#[derive(Default)]
struct Fired(AtomicUsize);

impl Wake for Fired {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

pub(crate) fn run(arguments: &[String]) -> Result<(), Box<dyn Error>> {
    let count = match arguments {
        [] => 1_000_000,
        [number] => number.parse().map_err(|_| format!("{number} is no number of timers"))?,
        _ => return Err("usage: ringbahn-bench timers [number]".into()),
    };
    let local = LocalDriver::new()?;
    let shared = SharedDriver::new()?;
    let (on_local, on_shared) = (Timers::on(local.clone()), Timers::on(shared.clone()));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let mut figures = [const { None }; 4].map(|_: Option<()>| Figures::default());
    for round in 0..=ROUNDS {
        let turn = || local.block_on(turn());
        let [one, two, three, four] = &mut figures;
        measure(one, round, count, |at| on_local.sleep_until(at), turn)?;
        let wait = || std::thread::sleep(Duration::from_micros(200));
        measure(two, round, count, |at| on_shared.sleep_until(at), wait)?;
        let _inside = runtime.enter();
        let sleep = |at: Instant| Box::pin(tokio::time::sleep_until(at.into()));
        measure(three, round, count, sleep, || runtime.block_on(tokio::task::yield_now()))?;
        let operation = |at: Instant| Box::pin(local.clone().submit(event::Timeout::at(at)));
        measure(four, round, count / 10, operation, turn)?;
    }
    println!("{count} timers: nanoseconds and bytes for each, medians of {ROUNDS} rounds");
    println!("{:<26}{:>8}{:>8}{:>8}{:>8}{:>8}", "", "arm", "again", "drop", "fire", "bytes");
    let names = ["on the local driver", "on the shared driver", "tokio", "operations (a tenth)"];
    for (name, figures) in names.iter().zip(&figures) {
        let Figures { arm, again, drop, fire, bytes } = figures;
        print!("{name:<26}");
        for sample in [arm, again, drop, fire, bytes] {
            print!("{:>8.1}", sample.median());
        }
        println!();
    }
    earliest(&local, &on_local, &on_shared)
}

/// Lets a driver have its turn.
async fn turn() {
    let mut yielded = false;
    std::future::poll_fn(|cx| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// One round of one way: sleeps made by `sleep`, which go on as `turn` is called.
fn measure<F: Future + Unpin>(
    figures: &mut Figures,
    round: usize,
    count: usize,
    sleep: impl Fn(Instant) -> F,
    mut turn: impl FnMut(),
) -> io::Result<()> {
    let fired = Arc::new(Fired::default());
    let waker = Waker::from(fired.clone());
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    let mut below = |limit: Duration| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        Duration::from_nanos(random % limit.as_nanos() as u64)
    };
    let mut samples = [0.0; 5];
    let hours = Duration::from_secs(3600);
    let far = Instant::now() + hours;
    let mut sleeps = Vec::new();
    let kept = allocations::kept(|| {
        sleeps = (0..count).map(|_| sleep(far + below(hours))).collect::<Vec<F>>();
        samples[0] = poll_all(&mut sleeps, &waker);
    });
    samples[1] = poll_all(&mut sleeps, &waker);
    samples[4] = kept as f64 / count as f64;
    let start = run_time();
    drop(sleeps);
    samples[2] = (run_time() - start) / count as f64;
    turn();

    let due = Instant::now() + DUE;
    let mut sleeps: Vec<F> = (0..count).map(|_| sleep(due + below(SPREAD))).collect();
    poll_all(&mut sleeps, &waker);
    if Instant::now() >= due || fired.0.load(Ordering::Relaxed) > 0 {
        return Err(io::Error::other("arming took longer than the timers were to run"));
    }
    // Nobody reaps meanwhile, but the helper of the shared driver, which begins with the first.
    while Instant::now() < due {
        std::hint::spin_loop();
    }
    let start = run_time();
    while fired.0.load(Ordering::Relaxed) < count {
        turn();
    }
    samples[3] = (run_time() - start) / count as f64;
    drop(sleeps);
    if round > 0 {
        let Figures { arm, again, drop, fire, bytes } = figures;
        for (sample, figure) in [arm, again, drop, fire, bytes].into_iter().zip(samples) {
            sample.push(figure);
        }
    }
    Ok(())
}

/// Nanoseconds for each poll.
fn poll_all<F: Future + Unpin>(sleeps: &mut [F], waker: &Waker) -> f64 {
    let mut cx = Context::from_waker(waker);
    let count = sleeps.len() as f64;
    let start = run_time();
    for sleep in sleeps {
        let _ = Pin::new(sleep).poll(&mut cx);
    }
    (run_time() - start) / count
}

/// How long the process has run, in nanoseconds.
fn run_time() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}

fn earliest(
    local: &LocalDriver,
    on_local: &Timers<LocalDriver>,
    on_shared: &Timers<SharedDriver>,
) -> Result<(), Box<dyn Error>> {
    /// Arms timers each of which is due before those before it, 16 in a turn.
    async fn arm<D: Drive + Clone>(timers: &Timers<D>, round: usize) {
        // Before all those of the round before, for one of which the kernel's timer still runs.
        let far = Instant::now() + Duration::from_secs(3600 - 100 * round as u64);
        let mut sleeps = Vec::new();
        for number in 0..EARLIEST {
            let mut sleep = timers.sleep_until(far - Duration::from_millis(1) * number);
            std::future::poll_fn(|cx| {
                let _ = Pin::new(&mut sleep).poll(cx);
                Poll::Ready(())
            })
            .await;
            sleeps.push(sleep);
            if number % 16 == 15 {
                turn().await;
            }
        }
    }
    let (mut locally, mut sharedly) = (Sample::default(), Sample::default());
    for round in 0..=ROUNDS {
        let start = run_time();
        local.block_on(arm(on_local, round));
        let middle = run_time();
        futures::executor::block_on(arm(on_shared, round));
        if round > 0 {
            locally.push((middle - start) / f64::from(EARLIEST));
            sharedly.push((run_time() - middle) / f64::from(EARLIEST));
        }
    }
    println!(
        "one that is due before all others: {:.0} on the local driver, {:.0} on the shared one",
        locally.median(),
        sharedly.median()
    );
    Ok(())
}
