//! Futures and operations with a bound on their time.

use std::future::{pending, ready};
use std::io;
use std::io::Write as _;
use std::time::{Duration, SystemTime};

use ringbahn::Drive;
use ringbahn::event::{Position, Read};
use ringbahn::time::{Timeout, Timers};

use crate::scene::{Wakes, pipe, run, until_idle};
use crate::{local, skip};

const SHORT: Duration = Duration::from_millis(2);
const LONG: Duration = Duration::from_secs(3600);

#[test]
fn a_future_is_dropped_when_its_time_is_over() {
    let Some(driver) = skip::driver("a_future_is_dropped_when_its_time_is_over", 2, 4) else {
        return;
    };
    let timers = Timers::on(driver.clone());
    let (held, waker) = Wakes::new();
    let future = async move {
        let _held = waker;
        pending::<()>().await;
    };
    let error = run(Timeout::new(timers.sleep(SHORT), future)).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    assert_eq!(std::sync::Arc::strong_count(&held), 1);
    let until = SystemTime::now() + SHORT;
    run(Timeout::new(timers.sleep_until(until), pending::<()>())).unwrap_err();
    assert!(SystemTime::now() >= until);
    until_idle(&driver);
}

#[test]
fn a_future_that_is_ready_takes_its_timer_back() {
    let test = "a_future_that_is_ready_takes_its_timer_back";
    let Some(driver) = skip::driver(test, 2, 4) else { return };
    let timers = Timers::on(driver.clone());
    assert_eq!(run(Timeout::new(timers.sleep(LONG), ready(7))).unwrap(), 7);
    assert_eq!(driver.counters().submitted, 0, "it was never armed");
    let later = timers.sleep(SHORT);
    run(Timeout::new(timers.sleep(LONG), later)).unwrap().unwrap();
    // Both are over; the first one is looked at first.
    assert_eq!(run(Timeout::new(timers.sleep(Duration::ZERO), ready(7))).unwrap(), 7);
    assert_eq!(timers.armed(), 0);
}

#[test]
fn a_future_whose_time_cannot_be_kept_says_so() {
    let test = "a_future_whose_time_cannot_be_kept_says_so";
    let Some(driver) = skip::driver(test, 2, 4) else { return };
    let timers = Timers::on(driver.clone());
    run(driver.shutdown(LONG));
    let error = run(Timeout::new(timers.sleep(LONG), pending::<()>())).unwrap_err();
    assert_ne!(error.kind(), io::ErrorKind::TimedOut);
    assert!(error.to_string().contains("shut down"), "{error}");
}

#[test]
fn an_operation_that_takes_too_long_gives_its_buffer_back() {
    let test = "an_operation_that_takes_too_long_gives_its_buffer_back";
    local::in_time(move || {
        let Some(driver) = local::driver(test, 2, 4) else { return };
        let timers = Timers::on(driver.clone());
        let (reader, mut writer) = pipe();
        let read =
            |buffer| driver.clone().submit(Read::new(reader.clone(), buffer, Position::Current));
        let buffer = b"before".to_vec();
        let (result, buffer) = driver.block_on(read(buffer).timeout(SHORT));
        assert_eq!(
            (result.unwrap_err().kind(), &buffer[..]),
            (io::ErrorKind::TimedOut, &b"before"[..])
        );
        // By a sleep, and a cancel that waits for the end.
        let mut reading = read(buffer);
        driver.block_on(async {
            let bounded = Timeout::new(timers.sleep(SHORT), &mut reading).await;
            assert_eq!(bounded.unwrap_err().kind(), io::ErrorKind::TimedOut);
        });
        let (result, buffer) = driver.block_on(reading.cancel()).into_inner();
        result.unwrap_err();
        writer.write_all(b"next").unwrap();
        let (count, buffer) = driver.block_on(read(buffer).timeout(LONG));
        assert_eq!((count.unwrap(), &buffer[..]), (4, &b"next"[..]));
        local::until_idle(&driver);
        local::end(&driver);
    });
}
