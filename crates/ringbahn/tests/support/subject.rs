//! The drivers that a test is run on, each in its own way.
#![allow(dead_code, reason = "no test uses all of it")]

use std::future::{Future, poll_fn};
use std::io;
use std::pin::pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use futures::future::{Either, select};
use ringbahn::{Counters, Drive, LocalDriver, Report, SharedDriver, event};

use crate::support::{descriptors, skip, wait_until};

/// A driver of the smallest useful size.
pub(crate) trait Subject: Drive + Clone + Unpin + 'static {
    fn build(serve_at_once: bool) -> io::Result<Self>;

    fn run<F: Future>(&self, future: F) -> F::Output;

    fn counters(&self) -> Counters;

    fn shut_down(&self) -> Report;
}

const DEADLINE: Duration = Duration::from_secs(10);

impl Subject for SharedDriver {
    fn build(serve_at_once: bool) -> io::Result<SharedDriver> {
        let builder = SharedDriver::builder().entries(2).completion_entries(4);
        builder.serve_at_once(serve_at_once).build()
    }

    fn run<F: Future>(&self, future: F) -> F::Output {
        futures::executor::block_on(future)
    }

    fn counters(&self) -> Counters {
        SharedDriver::counters(self)
    }

    fn shut_down(&self) -> Report {
        self.run(self.shutdown(DEADLINE))
    }
}

impl Subject for LocalDriver {
    fn build(serve_at_once: bool) -> io::Result<LocalDriver> {
        let builder = LocalDriver::builder().entries(2).completion_entries(4);
        builder.serve_at_once(serve_at_once).build()
    }

    fn run<F: Future>(&self, future: F) -> F::Output {
        self.block_on(future)
    }

    fn counters(&self) -> Counters {
        LocalDriver::counters(self)
    }

    fn shut_down(&self) -> Report {
        self.shutdown(DEADLINE)
    }
}

/// Who counts descriptors has the process to itself.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs `body` on a driver that serves at once what it can, and on one that leaves all to the
/// ring. Afterwards nothing is in flight, and no descriptor is left.
pub(crate) fn on_both_kinds<D: Subject>(test: &str, mut body: impl FnMut(&D)) {
    let _alone = alone();
    for serve_at_once in [true, false] {
        let before = descriptors();
        let driver = match D::build(serve_at_once) {
            Ok(driver) => driver,
            Err(error) => return skip(test, &format!("no io_uring: {error}")),
        };
        body(&driver);
        assert_eq!(driver.shut_down().leaked, 0);
        let counters = driver.counters();
        assert_eq!((counters.in_flight, counters.unknown_cqes, counters.panics), (0, 0, 0));
        assert_eq!(counters.submitted, counters.completed);
        assert!(serve_at_once || counters.served_at_once == 0);
        drop(driver);
        wait_until("all descriptors are closed", || descriptors() == before);
    }
}

/// How many turns a loop makes: few in an ordinary run, for they are many loops.
/// `cargo xtask stress` asks for more.
pub(crate) fn turns() -> u32 {
    let asked = std::env::var("RINGBAHN_SELECT_TURNS").ok().and_then(|turns| turns.parse().ok());
    asked.unwrap_or(10_000)
}

/// One turn of a `select!`: what the operation has yielded, or `None` where it was dropped.
///
/// Its rival is nothing at all, one turn of the executor, or a time. Sometimes the rival is asked
/// first, so that an operation is dropped that has ended a moment ago.
pub(crate) async fn race<D: Subject, T>(
    driver: &D,
    turn: u32,
    operation: impl Future<Output = T>,
) -> Option<T> {
    let (operation, rival) = (pin!(operation), pin!(rival(driver, turn)));
    if turn % 8 > 4 {
        match select(rival, operation).await {
            Either::Left(_) => None,
            Either::Right((output, _)) => Some(output),
        }
    } else {
        match select(operation, rival).await {
            Either::Left((output, _)) => Some(output),
            Either::Right(_) => None,
        }
    }
}

async fn rival<D: Subject>(driver: &D, turn: u32) {
    match turn % 4 {
        0 => {}
        1 => yield_now().await,
        _ => {
            let time = Duration::from_micros(u64::from(turn * 13 % 60));
            driver.clone().submit(event::Timeout::new(time)).await.unwrap();
        }
    }
}

/// Whether the rival of a turn is a time.
fn has_timer(turn: u32) -> bool {
    turn % 4 > 1
}

/// Lets the executor have a turn.
async fn yield_now() {
    let mut yielded = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
