//! Sleeps on drivers that end, are short of room, refuse, or panic, and in forked children.
#![allow(unsafe_code)]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use ringbahn::time::Timers;

use crate::moody::{Mood, Moody};
use crate::scene::{Wakes, end, in_child, poll_once, run, until, until_idle};
use crate::{local, skip};

const SHORT: Duration = Duration::from_millis(2);
const LONG: Duration = Duration::from_secs(3600);
/// Time enough to arm a sleep and look at it on a machine that is busy with other things.
const AMPLE: Duration = Duration::from_millis(50);

#[test]
fn every_sleep_ends_with_an_error_when_its_driver_is_shut_down() {
    let test = "every_sleep_ends_with_an_error_when_its_driver_is_shut_down";
    let Some(driver) = skip::driver(test, 2, 4) else { return };
    let timers = Timers::on(driver.clone());
    let tasks = std::thread::scope(|scope| {
        let tasks: Vec<_> = (1..=8)
            .map(|part| {
                let sleep = timers.sleep(part * LONG);
                scope.spawn(move || run(sleep))
            })
            .collect();
        until("all sleep", || timers.armed() == 8);
        end(&driver);
        tasks.into_iter().map(|task| task.join().unwrap()).collect::<Vec<_>>()
    });
    for ended in tasks {
        let message = ended.unwrap_err().to_string();
        assert!(message.contains("shut down"), "{message}");
    }
    assert_eq!(timers.armed(), 0);
    run(timers.sleep(LONG)).unwrap_err();
    run(timers.sleep(Duration::ZERO)).unwrap();
}

#[test]
fn sleeps_on_a_local_driver_end_with_it() {
    let test = "sleeps_on_a_local_driver_end_with_it";
    local::in_time(move || {
        let Some(driver) = local::driver(test, 2, 4) else { return };
        let timers = Timers::on(driver.clone());
        let (mut first, mut second) = (timers.sleep(LONG), timers.sleep(2 * LONG));
        driver.block_on(async {
            assert!(local::poll_once(Pin::new(&mut first)).await.is_pending());
            assert!(local::poll_once(Pin::new(&mut second)).await.is_pending());
        });
        assert_eq!(driver.counters().in_flight, 1);
        local::end(&driver);
        assert!(matches!(poll_once(Pin::new(&mut second)), Poll::Ready(Err(_))));
        assert!(matches!(poll_once(Pin::new(&mut first)), Poll::Ready(Err(_))));
        driver.block_on(timers.sleep(LONG)).unwrap_err();
        assert_eq!(timers.armed(), 0);
    });
}

#[test]
fn the_last_sleep_and_handle_take_the_kernels_timer_with_them() {
    let test = "the_last_sleep_and_handle_take_the_kernels_timer_with_them";
    let Some(driver) = skip::driver(test, 2, 4) else { return };
    let timers = Timers::on(driver.clone());
    let mut sleep = timers.sleep(LONG);
    assert!(poll_once(Pin::new(&mut sleep)).is_pending());
    drop(timers);
    assert_eq!(driver.counters().in_flight, 1);
    drop(sleep);
    until_idle(&driver);
    assert_eq!(driver.counters().cancelled, 1);
}

#[test]
fn a_sleep_that_waits_for_room_hands_that_on_when_it_is_dropped() {
    let test = "a_sleep_that_waits_for_room_hands_that_on_when_it_is_dropped";
    let Some(driver) = skip::driver(test, 2, 4) else { return };
    for drop_before in [false, true] {
        let moody = Moody::new(driver.clone(), Mood::Full);
        let timers = Timers::on(moody.clone());
        let mut first = timers.sleep(AMPLE);
        let mut second = timers.sleep(AMPLE + SHORT);
        let (wakes, waker) = Wakes::new();
        assert!(poll_once(Pin::new(&mut first)).is_pending());
        let mut cx = Context::from_waker(&waker);
        assert!(Pin::new(&mut second).poll(&mut cx).is_pending());
        // The first one is to look after the kernel's timer, and never does.
        if drop_before {
            drop(first);
            moody.change(Mood::Good);
        } else {
            moody.change(Mood::Good);
            drop(first);
        }
        until("the second one is woken", || wakes.count() > 0);
        run(second).unwrap();
        drop(timers);
        until_idle(&driver);
    }
}

#[test]
fn a_driver_that_refuses_fails_all_sleeps_and_serves_later_ones() {
    let test = "a_driver_that_refuses_fails_all_sleeps_and_serves_later_ones";
    let Some(driver) = skip::driver(test, 2, 4) else { return };
    let moody = Moody::new(driver.clone(), Mood::Good);
    let timers = Timers::on(moody.clone());
    let mut long = timers.sleep(LONG);
    assert!(poll_once(Pin::new(&mut long)).is_pending());
    moody.change(Mood::Refusing);
    // Later than the first: the kernel's timer is good for it.
    let mut longer = timers.sleep(2 * LONG);
    assert!(poll_once(Pin::new(&mut longer)).is_pending());
    let error = run(timers.sleep(LONG / 2)).unwrap_err();
    assert!(error.to_string().contains("in no mood"), "{error}");
    for mut failed in [long, longer] {
        assert!(matches!(poll_once(Pin::new(&mut failed)), Poll::Ready(Err(_))));
    }
    moody.change(Mood::Good);
    run(timers.sleep(SHORT)).unwrap();
    assert_eq!(timers.armed(), 0);
    drop(timers);
    until_idle(&driver);
}

#[test]
fn a_driver_that_panics_leaves_the_kernels_timer_to_the_next_sleep() {
    let test = "a_driver_that_panics_leaves_the_kernels_timer_to_the_next_sleep";
    let Some(driver) = skip::driver(test, 2, 4) else { return };
    let moody = Moody::new(driver.clone(), Mood::Panicking);
    let timers = Timers::on(moody);
    let mut first = timers.sleep(AMPLE);
    let polled = catch_unwind(AssertUnwindSafe(|| poll_once(Pin::new(&mut first))));
    assert!(polled.is_err());
    let mut second = timers.sleep(AMPLE);
    let (wakes, waker) = Wakes::new();
    assert!(Pin::new(&mut second).poll(&mut Context::from_waker(&waker)).is_pending());
    until("the second one is woken", || wakes.count() > 0);
    run(second).unwrap();
    run(first).unwrap();
    drop(timers);
    until_idle(&driver);
}

/// What a thread has submitted is cancelled by the kernel when it exits.
#[test]
fn a_thread_that_exits_does_not_take_the_kernels_timer_with_it() {
    let test = "a_thread_that_exits_does_not_take_the_kernels_timer_with_it";
    let Some(driver) = skip::driver(test, 2, 4) else { return };
    let timers = Timers::on(driver.clone());
    for _ in 0..8 {
        let mut sleep = timers.sleep(5 * SHORT);
        std::thread::scope(|scope| {
            // On a busy machine it may be over by then.
            scope.spawn(|| drop(poll_once(Pin::new(&mut sleep))));
        });
        run(&mut sleep).unwrap();
        assert!(sleep.deadline().has_passed());
    }
    until_idle(&driver);
}

#[test]
fn sleeps_on_many_threads_end_while_others_arm_and_drop() {
    struct Ignore;

    impl Wake for Ignore {
        fn wake(self: Arc<Self>) {}
    }

    let test = "sleeps_on_many_threads_end_while_others_arm_and_drop";
    let Some(driver) = skip::driver(test, 1, 2) else { return };
    let timers = Timers::on(driver.clone());
    std::thread::scope(|scope| {
        for thread in 0..6_u32 {
            let timers = &timers;
            scope.spawn(move || {
                for round in 0..150_u32 {
                    let time = Duration::from_micros(u64::from((round * 37 + thread * 11) % 400));
                    let mut dropped = timers.sleep(time / 2);
                    let waker = Waker::from(Arc::new(Ignore));
                    let _ = Pin::new(&mut dropped).poll(&mut Context::from_waker(&waker));
                    let sleep = timers.sleep(time);
                    let deadline = sleep.deadline();
                    if round % 3 == 0 {
                        drop(dropped);
                    }
                    run(sleep).unwrap();
                    assert!(deadline.has_passed());
                }
            });
        }
    });
    assert_eq!(timers.armed(), 0);
    drop(timers);
    until_idle(&driver);
}

/// A thread of the parent may hold any lock at that moment, and the kernel's timer is the parent's.
#[test]
fn sleeps_in_a_forked_child_end_with_an_error() {
    let test = "ends::sleeps_in_a_forked_child_end_with_an_error";
    in_child(test, || {
        let Some(driver) = skip::driver(test, 2, 4) else { return };
        let timers = Timers::on(driver.clone());
        let mut long = timers.sleep(LONG);
        assert!(poll_once(Pin::new(&mut long)).is_pending());
        // SAFETY: the child runs a few checks and exits.
        let pid = unsafe { libc::fork() };
        if pid == 0 {
            let is_of_the_fork = |ended| match ended {
                Poll::Ready(Err(error)) => std::io::Error::to_string(&error).contains("fork"),
                _ => false,
            };
            // Later than the parent's, and earlier.
            let mut good = is_of_the_fork(poll_once(Pin::new(&mut long)));
            for time in [SHORT, 2 * LONG] {
                good &= is_of_the_fork(poll_once(Pin::new(&mut timers.sleep(time))));
            }
            drop(long);
            good &= timers.armed() == 0;
            // SAFETY: ends the process without running anything of the parent's.
            unsafe { libc::_exit(i32::from(!good)) };
        }
        assert!(pid > 0);
        let mut status = 0;
        // SAFETY: `status` is a place to write to.
        assert_eq!(unsafe { libc::waitpid(pid, &raw mut status, 0) }, pid);
        assert!(libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0, "{status:#x}");
        // The parent's are as before.
        assert!(poll_once(Pin::new(&mut long)).is_pending());
        run(timers.sleep(SHORT)).unwrap();
        assert_eq!(timers.armed(), 1);
    });
}
