//! The timer for hyper.

use std::pin::Pin;
use std::time::{Duration, Instant};

use futures::StreamExt;
use futures::executor::block_on;
use futures::stream::FuturesUnordered;
use hyper::rt::{Sleep, Timer as _};
use ringbahn::hyper::Timer;

#[path = "support/support.rs"]
mod support;
use support::{driver, poll_once, wait_until};

const SHORT: Duration = Duration::from_millis(10);
const LONG: Duration = Duration::from_secs(30);

#[test]
fn sleeps_end_in_the_order_of_their_time() {
    let Some(driver) = driver("sleeps_end_in_the_order_of_their_time") else { return };
    let timer = Timer::new_on_driver(driver);
    let begin = Instant::now();
    let mut ends = Vec::new();
    let mut sleeps: FuturesUnordered<_> = [3, 1, 2]
        .map(|count| {
            let sleep = timer.sleep(SHORT * count);
            async move {
                sleep.await;
                assert!(begin.elapsed() >= SHORT * count);
                count
            }
        })
        .into_iter()
        .collect();
    block_on(async {
        while let Some(count) = sleeps.next().await {
            ends.push(count);
        }
    });
    assert_eq!(ends, [1, 2, 3]);
}

#[test]
fn a_time_that_is_over_is_over_at_once() {
    let Some(driver) = driver("a_time_that_is_over_is_over_at_once") else { return };
    let timer = Timer::new_on_driver(driver.clone());
    assert!(poll_once(&mut timer.sleep_until(Instant::now())).is_ready());
    assert!(poll_once(&mut timer.sleep(Duration::ZERO)).is_ready());
    assert_eq!(driver.counters().submitted, 0);
}

#[test]
fn no_time_is_too_long() {
    let Some(driver) = driver("no_time_is_too_long") else { return };
    let timer = Timer::new_on_driver(driver);
    assert!(poll_once(&mut timer.sleep(Duration::MAX)).is_pending());
}

#[test]
fn a_reset_to_a_later_moment_costs_nothing() {
    let Some(driver) = driver("a_reset_to_a_later_moment_costs_nothing") else { return };
    let timer = Timer::new_on_driver(driver.clone());
    let begin = Instant::now();
    let mut sleep = timer.sleep(LONG);
    for turn in 1..=100 {
        assert!(poll_once(&mut sleep).is_pending());
        timer.reset(&mut sleep, begin + LONG + turn * SHORT);
    }
    assert_eq!(driver.counters().submitted, 1);
}

#[test]
fn a_reset_to_a_later_moment_is_kept() {
    let Some(driver) = driver("a_reset_to_a_later_moment_is_kept") else { return };
    let timer = Timer::new_on_driver(driver);
    let begin = Instant::now();
    let mut sleep = timer.sleep_until(begin + SHORT);
    let _ = poll_once(&mut sleep);
    timer.reset(&mut sleep, begin + 3 * SHORT);
    block_on(sleep);
    assert!(begin.elapsed() >= 3 * SHORT);
}

#[test]
fn a_reset_to_an_earlier_moment_is_kept() {
    let Some(driver) = driver("a_reset_to_an_earlier_moment_is_kept") else { return };
    let timer = Timer::new_on_driver(driver.clone());
    let begin = Instant::now();
    let mut sleep = timer.sleep(LONG);
    assert!(poll_once(&mut sleep).is_pending());
    timer.reset(&mut sleep, begin + SHORT);
    block_on(sleep);
    assert!(begin.elapsed() < LONG / 2);
    wait_until("the long one has ended", || driver.counters().in_flight == 0);
}

#[test]
fn a_sleep_of_another_timer_is_replaced() {
    struct Never;
    impl Future for Never {
        type Output = ();
        fn poll(self: Pin<&mut Self>, _: &mut std::task::Context<'_>) -> std::task::Poll<()> {
            std::task::Poll::Pending
        }
    }
    impl Sleep for Never {}

    let Some(driver) = driver("a_sleep_of_another_timer_is_replaced") else { return };
    let mut sleep: Pin<Box<dyn Sleep>> = Box::pin(Never);
    Timer::new_on_driver(driver).reset(&mut sleep, Instant::now() + SHORT);
    block_on(sleep);
}

#[test]
fn a_sleep_that_is_dropped_is_cancelled() {
    let Some(driver) = driver("a_sleep_that_is_dropped_is_cancelled") else { return };
    let timer = Timer::new_on_driver(driver.clone());
    let mut sleep = timer.sleep(LONG);
    assert!(poll_once(&mut sleep).is_pending());
    drop(sleep);
    wait_until("it has ended", || driver.counters().in_flight == 0);
}

#[test]
fn a_driver_that_has_been_shut_down_ends_no_sleep() {
    let Some(driver) = driver("a_driver_that_has_been_shut_down_ends_no_sleep") else { return };
    let timer = Timer::new_on_driver(driver.clone());
    let mut sleep = timer.sleep(LONG);
    assert!(poll_once(&mut sleep).is_pending());
    block_on(driver.shutdown(Duration::from_secs(5)));
    assert!(poll_once(&mut sleep).is_pending());
    assert!(poll_once(&mut sleep).is_pending());
    assert!(poll_once(&mut timer.sleep(SHORT)).is_pending());
}
