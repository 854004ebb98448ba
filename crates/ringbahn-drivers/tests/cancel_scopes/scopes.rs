//! Operations that are bound to a scope.

use std::io::Write as _;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use ringbahn_core::event::{Nop, Position, Read, Timeout};
use ringbahn_core::{CancelScope, Drive};
use ringbahn_drivers::SharedDriver;

use crate::canary;
use crate::scene::{Wakes, end, on_wake, pipe, poll_once, run, start, until, until_idle};
use crate::skip;
use crate::watched::Watched;

const LONG: Duration = Duration::from_secs(3600);

#[test]
fn a_scope_reports_exactly_what_became_of_its_operations() {
    let test = "a_scope_reports_exactly_what_became_of_its_operations";
    let Some(driver) = skip::driver(test, 2, 4) else { return };
    let ends = Arc::new(AtomicUsize::new(0));
    for ready in 0..6 {
        let scope = CancelScope::<SharedDriver>::new();
        let mut pipes = Vec::new();
        let mut reads: Vec<_> = (0..6)
            .map(|_| {
                let (reader, writer) = pipe();
                let event = Read::new(reader, Watched::new(&ends), Position::Current);
                pipes.push(writer);
                let mut read = Box::pin(driver.clone().submit(event).within(&scope));
                start(&mut read);
                read
            })
            .collect();
        let mut outside = Box::pin(driver.clone().submit(Timeout::new(LONG)));
        start(&mut outside);
        // Those that have ended are none of the scope's any more, polled or not. One is counted as
        // ended a moment before that is so, and then is one that has completed.
        for writer in &mut pipes[..ready] {
            writer.write_all(b"x").unwrap();
        }
        until("they have ended", || driver.counters().in_flight as usize == 7 - ready);
        // In the task that holds the futures, which are not polled meanwhile.
        let report = run(scope.cancel());
        let stopped = 6 - ready as u64;
        let others = report.completed;
        assert_eq!((report.asked, report.cancelled), (stopped + others, stopped));
        assert!(others <= ready as u64, "{report:?}");
        for (number, read) in reads.iter_mut().enumerate() {
            let (result, buffer) = run(read);
            match number < ready {
                true => assert_eq!((result.unwrap(), buffer.filled()), (1, &b"x"[..])),
                false => assert_eq!(result.unwrap_err().raw_os_error(), Some(libc::ECANCELED)),
            }
        }
        assert!(poll_once(outside.as_mut()).is_pending(), "it is in no scope");
        drop(outside);
        until_idle(&driver);
    }
    assert_eq!(ends.load(Ordering::SeqCst), 36);
    assert_eq!(driver.counters().repeated, 0);
    end(&driver);
    canary::inspect();
}

#[test]
fn what_is_bound_to_a_cancelled_scope_never_starts() {
    let test = "what_is_bound_to_a_cancelled_scope_never_starts";
    let Some(driver) = skip::driver(test, 2, 4) else { return };
    let scope = CancelScope::new();
    let before = driver.clone().submit(Nop).within(&scope);
    let report = run(scope.cancel());
    assert_eq!((report.asked, report.cancelled, report.completed), (0, 0, 0));
    let after = driver.clone().submit(Nop).within(&scope);
    for operation in [before, after] {
        assert_eq!(run(operation).unwrap_err().raw_os_error(), Some(libc::ECANCELED));
    }
    assert_eq!(driver.counters().submitted, 0);
    assert!(scope.is_cancelled());
    assert_eq!(run(scope.cancel()).asked, 0);
}

#[test]
fn an_operation_that_was_in_flight_before_it_was_bound_is_told_to_stop() {
    let test = "an_operation_that_was_in_flight_before_it_was_bound_is_told_to_stop";
    let Some(driver) = skip::driver(test, 2, 4) else { return };
    let scope = CancelScope::new();
    let bind = |scope: &CancelScope<SharedDriver>| {
        let mut timeout = driver.clone().submit(Timeout::new(LONG));
        start(&mut timeout);
        timeout.within(scope)
    };
    let mut early = bind(&scope);
    start(&mut early);
    assert_eq!(scope.members(), 1);
    let report = run(scope.cancel());
    assert_eq!((report.asked, report.cancelled), (1, 1));
    run(early).unwrap_err();
    // The scope has been cancelled already; the operation is at its next poll.
    run(bind(&scope)).unwrap_err();
    end(&driver);
}

#[test]
fn ended_and_dropped_operations_leave_their_scope() {
    let test = "ended_and_dropped_operations_leave_their_scope";
    let Some(driver) = skip::driver(test, 2, 4) else { return };
    let scope = CancelScope::<SharedDriver>::new();
    for _ in 0..50 {
        run(driver.clone().submit(Nop).within(&scope)).unwrap();
        let short = Timeout::new(Duration::from_micros(10));
        let mut short = driver.clone().submit(short).within(&scope);
        if poll_once(Pin::new(&mut short)).is_pending() {
            run(short).unwrap();
        }
        let mut dropped = driver.clone().submit(Timeout::new(LONG)).within(&scope);
        start(&mut dropped);
        assert_eq!(scope.members(), 1);
        drop(dropped);
        assert_eq!(scope.members(), 0);
    }
    // The dropped ones were told to stop by that, and not by the scope.
    assert_eq!(run(scope.cancel()).asked, 0);
    until_idle(&driver);
    end(&driver);
}

#[test]
fn operations_dropped_after_the_cancel_are_in_the_report_all_the_same() {
    let test = "operations_dropped_after_the_cancel_are_in_the_report_all_the_same";
    let Some(driver) = skip::driver(test, 2, 4) else { return };
    let ends = Arc::new(AtomicUsize::new(0));
    let scope = CancelScope::new();
    let (reader, _writer) = pipe();
    let reads: Vec<_> = (0..20)
        .map(|_| {
            let event = Read::new(reader.clone(), Watched::new(&ends), Position::Current);
            let mut read = Box::pin(driver.clone().submit(event).within(&scope));
            start(&mut read);
            read
        })
        .collect();
    let cancelling = scope.cancel();
    drop(reads);
    let report = run(cancelling);
    assert_eq!((report.asked, report.cancelled, report.completed), (20, 20, 0));
    until("their buffers are gone", || ends.load(Ordering::SeqCst) == 20);
    end(&driver);
    canary::inspect();
}

#[test]
fn an_operation_is_told_to_stop_once_and_counted_once() {
    let test = "an_operation_is_told_to_stop_once_and_counted_once";
    let Some(driver) = skip::driver(test, 2, 4) else { return };
    let (first, second) = (CancelScope::new(), CancelScope::<SharedDriver>::new());
    let mut timeouts: Vec<_> = (0..8)
        .map(|_| {
            let mut timeout = driver.clone().submit(Timeout::new(LONG)).within(&first);
            start(&mut timeout);
            timeout
        })
        .collect();
    let whole = driver.cancel_all().unwrap();
    let scoped = first.cancel();
    assert_eq!((whole.so_far().asked, scoped.so_far().asked), (8, 0));
    let (whole, scoped) = (run(whole), run(scoped));
    assert_eq!((whole.cancelled, scoped.cancelled), (8, 0));
    assert_eq!(run(second.cancel()).asked, 0);
    for timeout in &mut timeouts {
        run(timeout).unwrap_err();
    }
    assert_eq!(driver.counters().cancelled, 8);
    end(&driver);
}

#[test]
fn a_race_of_ends_and_cancels_is_reported_to_the_last_operation() {
    let test = "a_race_of_ends_and_cancels_is_reported_to_the_last_operation";
    let Some(driver) = skip::driver(test, 2, 4) else { return };
    let mut totals = (0, 0);
    for round in 0..100_u64 {
        let scope = CancelScope::<SharedDriver>::new();
        let tasks: Vec<_> = std::thread::scope(|threads| {
            let tasks: Vec<_> = (0..3_u64)
                .map(|number| {
                    let (driver, scope) = (driver.clone(), scope.clone());
                    threads.spawn(move || {
                        let time = Duration::from_micros(round * number % 70);
                        run(driver.submit(Timeout::new(time)).within(&scope))
                    })
                })
                .collect();
            let report = run(scope.cancel());
            assert_eq!(report.asked, report.cancelled + report.completed);
            totals = (totals.0 + report.asked, totals.1 + report.cancelled);
            tasks.into_iter().map(|task| task.join().unwrap()).collect()
        });
        let stopped = tasks.into_iter().filter_map(Result::err);
        assert!(
            stopped.map(|error| error.raw_os_error()).all(|errno| errno == Some(libc::ECANCELED))
        );
    }
    assert!(totals.0 >= totals.1);
    assert_eq!(driver.counters().repeated, 0, "none of them ended cancelled unasked");
    end(&driver);
}

#[test]
fn wakers_may_use_the_scope_and_the_driver_while_it_is_cancelled() {
    let test = "wakers_may_use_the_scope_and_the_driver_while_it_is_cancelled";
    let Some(driver) = skip::driver(test, 1, 2) else { return };
    let scope = CancelScope::<SharedDriver>::new();
    let (wakes, count) = Wakes::new();
    let waker = {
        let (driver, scope) = (driver.clone(), scope.clone());
        on_wake(move || {
            let late = driver.clone().submit(Timeout::new(LONG)).within(&scope);
            run(late).unwrap_err();
            assert_eq!((scope.cancel().so_far().asked, scope.members()), (0, 0));
            count.wake_by_ref();
        })
    };
    let mut timeouts: Vec<_> = (0..4)
        .map(|_| {
            let mut timeout = driver.clone().submit(Timeout::new(LONG)).within(&scope);
            let polled = Pin::new(&mut timeout).poll(&mut Context::from_waker(&waker));
            assert!(polled.is_pending());
            timeout
        })
        .collect();
    let mut cancelling = scope.cancel();
    let _ = Pin::new(&mut cancelling).poll(&mut Context::from_waker(&waker));
    let report = run(cancelling);
    assert_eq!((report.asked, report.cancelled), (4, 4));
    until("all are woken", || wakes.count() >= 4);
    for timeout in &mut timeouts {
        assert!(matches!(poll_once(Pin::new(timeout)), Poll::Ready(Err(_))));
    }
    drop(waker);
    end(&driver);
}
