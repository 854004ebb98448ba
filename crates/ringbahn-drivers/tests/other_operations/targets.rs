//! What ends or changes another operation: polls and timeouts.

use std::pin::Pin;
use std::time::{Duration, Instant};

use ringbahn_core::event::{
    Interest, PollAdd, PollRemove, PollUpdate, TargetState, Timeout, TimeoutRemove, TimeoutUpdate,
};
use ringbahn_core::{CancelTarget, Clock, Deadline, Drive, Event, Submission};
use ringbahn_drivers::SharedDriver;

use crate::on_both;
use crate::scene::{pipe, poll_once, run, shared, start, until};

const HOUR: Duration = Duration::from_secs(3600);

/// An operation that waits, and the target that it is.
fn waiting<E: Event>(
    driver: &SharedDriver,
    event: E,
) -> (Submission<E, SharedDriver>, CancelTarget) {
    let mut operation = driver.clone().submit(event);
    until("it is in flight", || {
        assert!(poll_once(Pin::new(&mut operation)).is_pending(), "it has not waited");
        operation.is_in_flight()
    });
    let target = operation.cancel_target().expect("it is in flight");
    (operation, target)
}

#[track_caller]
fn assert_cancelled<T: std::fmt::Debug>(result: std::io::Result<T>) {
    assert_eq!(result.unwrap_err().raw_os_error(), Some(libc::ECANCELED));
}

#[test]
fn a_poll_that_waits_is_removed_and_afterwards_it_is_absent() {
    on_both("a_poll_that_waits_is_removed_and_afterwards_it_is_absent", (5, 11), |driver| {
        let (reader, _writer) = pipe();
        let (poll, target) = waiting(driver, PollAdd::new(reader, Interest::READABLE));
        let remove = || run(driver.clone().submit(PollRemove::new(target.clone()))).unwrap();
        assert_eq!(remove(), TargetState::Waiting);
        assert_cancelled(run(poll));
        assert_eq!(remove(), TargetState::Absent);
    });
}

#[test]
fn a_poll_waits_for_something_else_when_that_is_asked_for() {
    on_both("a_poll_waits_for_something_else_when_that_is_asked_for", (5, 13), |driver| {
        let (near, mut far) = std::os::unix::net::UnixStream::pair().unwrap();
        let near = shared(near);
        let poll = || PollAdd::new(near.clone(), Interest::PRIORITY);
        let update = |target: &CancelTarget, interest| {
            run(driver.clone().submit(PollUpdate::new(target.clone(), interest))).unwrap()
        };
        // What it is ready for already.
        let (first, target) = waiting(driver, poll());
        assert_eq!(update(&target, Interest::WRITABLE), TargetState::Waiting);
        assert!(run(first).unwrap().is_writable());
        assert_eq!(update(&target, Interest::WRITABLE), TargetState::Absent);
        // What it gets ready for later.
        let (mut second, target) = waiting(driver, poll());
        assert_eq!(update(&target, Interest::READABLE), TargetState::Waiting);
        start(&mut second);
        std::io::Write::write_all(&mut far, b"x").unwrap();
        assert!(run(second).unwrap().is_readable());
        // And one that is dropped afterwards is cancelled.
        let (third, target) = waiting(driver, poll());
        assert_eq!(update(&target, Interest::PRIORITY), TargetState::Waiting);
        drop(third);
    });
}

#[test]
fn a_timeout_is_removed_and_given_other_times() {
    on_both("a_timeout_is_removed_and_given_other_times", (5, 15), |driver| {
        let (timeout, target) = waiting(driver, Timeout::new(HOUR));
        let remove = || run(driver.clone().submit(TimeoutRemove::new(target.clone()))).unwrap();
        assert_eq!(remove(), TargetState::Waiting);
        assert_cancelled(run(timeout));
        assert_eq!(remove(), TargetState::Absent);

        let short = Duration::from_millis(5);
        let (timeout, target) = waiting(driver, Timeout::new(HOUR));
        let begin = Instant::now();
        let update = TimeoutUpdate::new(target.clone(), short);
        assert_eq!(run(driver.clone().submit(update)).unwrap(), TargetState::Waiting);
        run(timeout).unwrap();
        assert!(begin.elapsed() >= short);
        let late = TimeoutUpdate::new(target, short);
        assert_eq!(run(driver.clone().submit(late)).unwrap(), TargetState::Absent);

        for clock in [Clock::Monotonic, Clock::Boottime, Clock::Realtime] {
            let timeout = Timeout::at(Deadline::after(clock, HOUR));
            let (timeout, target) = waiting(driver, timeout);
            let soon = Deadline::after(clock, short);
            let update = TimeoutUpdate::at(target, soon);
            assert_eq!(run(driver.clone().submit(update)).unwrap(), TargetState::Waiting);
            run(timeout).unwrap();
            assert!(soon.has_passed(), "{clock:?}");
        }
    });
}

#[test]
fn what_is_of_another_kind_or_ring_is_absent() {
    on_both("what_is_of_another_kind_or_ring_is_absent", (5, 11), |driver| {
        let (timeout, target) = waiting(driver, Timeout::new(HOUR));
        let poll = run(driver.clone().submit(PollRemove::new(target.clone()))).unwrap();
        assert_eq!(poll, TargetState::Absent);
        let other = crate::driver(ringbahn_drivers::Policy::Never).unwrap();
        let foreign = run(other.clone().submit(TimeoutRemove::new(target.clone()))).unwrap();
        assert_eq!(foreign, TargetState::Absent);
        crate::scene::end(&other);
        assert!(target.is_in_flight());
        drop(timeout);
    });
}
