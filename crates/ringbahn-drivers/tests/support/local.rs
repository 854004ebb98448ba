//! What scenarios of the driver of one thread share.
#![allow(dead_code, reason = "no scenario needs all of it")]

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

use ringbahn_drivers::{LocalDriver, Report};

/// How long a scenario may take.
const PATIENCE: Duration = Duration::from_secs(25);

/// A driver of the given size, which takes every operation through its ring; or `None` and a line
/// in the log where there is no io_uring.
pub(crate) fn driver(test: &str, entries: u32, completions: u32) -> Option<LocalDriver> {
    let builder = LocalDriver::builder().entries(entries).completion_entries(completions);
    match builder.serve_at_once(false).build() {
        Ok(driver) => Some(driver),
        Err(error) => {
            crate::skip::skip(test, &format!("no io_uring: {error}"));
            None
        }
    }
}

/// Runs `scenario` on a thread of its own, and fails where it does not end: a driver that is not
/// woken sleeps for ever.
#[track_caller]
pub(crate) fn in_time(scenario: impl FnOnce() + Send + 'static) {
    let (sender, receiver) = channel::<()>();
    let thread = thread::spawn(move || {
        let _sender = sender;
        scenario();
    });
    match receiver.recv_timeout(PATIENCE) {
        Err(RecvTimeoutError::Timeout) => panic!("the scenario has not ended in time"),
        _ => {
            if let Err(panic) = thread.join() {
                std::panic::resume_unwind(panic);
            }
        }
    }
}

/// A shutdown after which all accounts balance, and which finds nothing worth waiting for.
#[track_caller]
pub(crate) fn end(driver: &LocalDriver) -> Report {
    let begin = Instant::now();
    let report = driver.shutdown(Duration::from_secs(30));
    let counters = driver.counters();
    assert!(begin.elapsed() < Duration::from_secs(10), "it waited for nothing: {counters:#?}");
    assert_eq!(report.leaked, 0, "{counters:#?}");
    assert_eq!(counters.submitted, counters.completed, "{counters:#?}");
    assert_eq!((counters.in_flight, counters.unknown_cqes), (0, 0), "{counters:#?}");
    report
}

/// Is pending once: the driver takes a turn meanwhile.
pub(crate) async fn yields() {
    let mut yielded = false;
    poll_fn(|cx| match std::mem::replace(&mut yielded, true) {
        true => Poll::Ready(()),
        false => {
            cx.waker().wake_by_ref();
            Poll::Pending
        }
    })
    .await;
}

/// Polls `future` once, as a task of the driver that runs this.
pub(crate) async fn poll_once<F: Future>(mut future: Pin<&mut F>) -> Poll<F::Output> {
    poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await
}

/// Takes turns of the driver that runs this until `condition` holds.
#[track_caller]
pub(crate) fn until(driver: &LocalDriver, what: &str, mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    driver.block_on(async {
        while !condition() {
            assert!(Instant::now() < end, "not in time: {what}");
            yields().await;
        }
    });
}

/// Takes turns until the kernel has let go of everything.
#[track_caller]
pub(crate) fn until_idle(driver: &LocalDriver) {
    until(driver, "nothing is in flight", || {
        let counters = driver.counters();
        counters.in_flight == 0 && counters.submitted == counters.completed
    });
}
