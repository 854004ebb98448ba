//! A driver of one's own, in safe code: it starts only so many operations per second.
//!
//! ```sh
//! cargo run --example own_driver
//! ```
//!
//! [`Paced`] stands in front of any other driver, and decides when an operation may start. Who
//! comes too early waits: `poll_prepare` is `Pending` until it is that one's turn. This is
//! backpressure, which callers need not know of; to them an operation simply takes longer. All
//! else is passed on. Whatever such a driver does wrong, memory stays safe: operations hang.

#![forbid(unsafe_code)]

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use futures::stream::{self, StreamExt, TryStreamExt};
use ringbahn::event::Timeout;
use ringbahn::{
    Attempt, BufResultExt, CancelTarget, Completion, Drive, LocalDriver, Reservation, Ring, Served,
    SharedDriver, Submission,
};

/// A driver that starts an operation only every so often, and leaves it to `D` then.
///
/// The operations take turns in the order in which they ask. All clones share one pace; each has
/// a turn and a timer of its own, since each [`Submission`] drives its own clone.
struct Paced<D: Drive> {
    inner: D,
    pace: Arc<Pace>,
    /// When the operation of this clone may start, once it has asked.
    turn: Option<Instant>,
    /// Wakes the task at that time. It runs on the inner driver, so there is no need for a thread
    /// or a reactor, and it goes with the task that waits.
    timer: Option<Pin<Box<Submission<Timeout, D>>>>,
}

struct Pace {
    interval: Duration,
    /// The next turn that nobody has taken.
    next: Mutex<Instant>,
}

impl<D: Drive> Paced<D> {
    fn new(inner: D, per_second: u32) -> Paced<D> {
        let interval = Duration::from_secs(1) / per_second;
        let pace = Pace { interval, next: Mutex::new(Instant::now()) };
        Paced { inner, pace: Arc::new(pace), turn: None, timer: None }
    }

    /// How long it is until this clone's turn; `None` where it has come. Takes one, if need be.
    fn until_turn(&mut self) -> Option<Duration> {
        let now = Instant::now();
        let turn = *self.turn.get_or_insert_with(|| self.pace.take_turn(now));
        turn.checked_duration_since(now).filter(|rest| !rest.is_zero())
    }
}

impl Pace {
    /// The first free turn. What was left unused in the past is gone.
    fn take_turn(&self, now: Instant) -> Instant {
        let mut next = self.next.lock().expect("nobody panics with this lock");
        let turn = now.max(*next);
        *next = turn + self.interval;
        turn
    }
}

impl<D: Drive + Clone> Clone for Paced<D> {
    fn clone(&self) -> Paced<D> {
        Paced { inner: self.inner.clone(), pace: self.pace.clone(), turn: None, timer: None }
    }
}

impl<D: Drive + Clone + Unpin> Drive for Paced<D> {
    type Sharing = D::Sharing;

    fn poll_prepare<'cx>(
        self: Pin<&mut Self>,
        cx: &mut Context<'cx>,
        count: u32,
        prepare: impl FnOnce(Reservation<'_, D::Sharing>, &mut Context<'cx>) -> Completion<'cx>,
    ) -> Poll<io::Result<Completion<'cx>>> {
        let this = self.get_mut();
        while let Some(rest) = this.until_turn() {
            let sleep = || Box::pin(this.inner.clone().submit(Timeout::new(rest)));
            // Who returns `Pending` owes the task a wake: polling the timer sees to that.
            ready!(this.timer.get_or_insert_with(sleep).as_mut().poll(cx))?;
            this.timer = None;
        }
        let prepared = Pin::new(&mut this.inner).poll_prepare(cx, count, prepare);
        if prepared.is_ready() {
            // The turn is used up. Where the inner driver is full, it stays ours for the next try.
            this.turn = None;
        }
        prepared
    }

    /// An operation that is served at once takes a turn as well. Where it would have to wait for
    /// it, the answer is `None`, and the operation comes to `poll_prepare`, which can wait.
    fn attempt<'a>(self: Pin<&mut Self>, attempt: Attempt<'a>) -> Option<Served<'a>> {
        let this = self.get_mut();
        if this.until_turn().is_some() {
            return None;
        }
        let served = Pin::new(&mut this.inner).attempt(attempt)?;
        this.turn = None;
        Some(served)
    }

    fn poll_submit(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<u32>> {
        Pin::new(&mut self.get_mut().inner).poll_submit(cx)
    }

    fn cancel(self: Pin<&mut Self>, target: CancelTarget<D::Sharing>) {
        Pin::new(&mut self.get_mut().inner).cancel(target);
    }
}

const PER_SECOND: u32 = 500;
const READS: u32 = 50;

/// Reads so many times, several at once, and yields how long that took.
async fn read_paced<D: Drive + Clone + Unpin>(driver: D) -> io::Result<Duration> {
    let zero = std::fs::File::open("/dev/zero")?;
    let zero = Ring::new_on_driver(zero, Paced::new(driver, PER_SECOND));
    let start = Instant::now();
    stream::iter(0..READS)
        .map(async |_| zero.read_at(vec![1; 64], 0).await.both())
        .buffer_unordered(8)
        .try_for_each(async |(count, buffer)| {
            assert_eq!((count, buffer), (64, vec![0; 64]));
            Ok(())
        })
        .await?;
    Ok(start.elapsed())
}

fn main() -> io::Result<()> {
    let shared = SharedDriver::new().unwrap_or_else(unavailable);
    let local = LocalDriver::new().unwrap_or_else(unavailable);
    let took = [
        futures::executor::block_on(read_paced(shared))?,
        local.block_on(read_paced(local.clone()))?,
    ];
    for took in took {
        // The first one starts at once, and each of the others an interval later.
        assert!(took >= Duration::from_secs(1) / PER_SECOND * (READS - 1), "{took:?}");
    }
    println!("{READS} reads at {PER_SECOND} per second took {took:.2?}");
    Ok(())
}

/// Ends the program where there is no io_uring. 77 tells a test that this is no failure.
fn unavailable<T>(reason: io::Error) -> T {
    eprintln!("{reason}");
    std::process::exit(77)
}
