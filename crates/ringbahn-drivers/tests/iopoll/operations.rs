//! What any driver does, as far as a ring that polls can.

use std::path::PathBuf;
use std::pin::Pin;
use std::thread;
use std::time::Duration;

use futures::future::join_all;
use ringbahn_core::event::{EventExt, Nop, Position, Read, Write};
use ringbahn_drivers::Report;

use crate::driven::{self, end, until_idle};
use crate::driver;
use crate::scene::{descriptors, in_child, poll_once, run, shared, threads, until};

#[test]
fn threads_do_thousands_of_operations() {
    for (entries, completions) in [(1, 2), (4, 4)] {
        let test = "threads_do_thousands_of_operations";
        let Some(driver) = driver(test, entries, completions) else { return };
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    for _ in 0..500 {
                        run(driver.clone().submit(Nop)).unwrap();
                    }
                });
            }
        });
        assert_eq!(driver.counters().completed, 1500);
        end(&driver);
    }
}

#[test]
fn who_waits_for_room_is_woken() {
    let Some(driver) = driver("who_waits_for_room_is_woken", 2, 2) else { return };
    driven::who_waits_for_room_is_woken(&driver);
    end(&driver);
}

#[test]
fn chains_run_in_order() {
    let Some(driver) = driver("chains_run_in_order", 4, 4) else { return };
    for _ in 0..50 {
        let ((first, second), third) = run(driver.clone().submit(Nop.link(Nop).link(Nop)));
        first.and(second).and(third).unwrap();
    }
    end(&driver);
}

#[test]
fn what_is_dropped_runs_to_its_end_and_leaves_nothing() {
    let test = "what_is_dropped_runs_to_its_end_and_leaves_nothing";
    let Some(driver) = driver(test, 1, 2) else { return };
    let file = shared(tempfile::tempfile().unwrap());
    for _ in 0..100 {
        let read = Read::new(file.clone(), vec![0; 8], Position::At(0));
        let mut read = driver.clone().submit(read);
        let _ = poll_once(Pin::new(&mut read));
        drop(read);
    }
    until_idle(&driver);
    end(&driver);
}

#[test]
fn a_cancel_waits_for_the_end() {
    let Some(driver) = driver("a_cancel_waits_for_the_end", 1, 2) else { return };
    let unstarted = run(driver.clone().submit(Nop).cancel());
    assert!(unstarted.is_cancelled(), "it was never submitted");
    let file = shared(tempfile::tempfile().unwrap());
    let mut read = driver.clone().submit(Read::new(file, vec![7; 8], Position::At(0)));
    if poll_once(Pin::new(&mut read)).is_pending() {
        let (_, buffer) = run(read.cancel()).into_inner();
        assert_eq!(buffer.len(), 8);
    }
    end(&driver);
}

#[test]
fn a_shutdown_refuses_what_comes_after_it() {
    let Some(driver) = driver("a_shutdown_refuses_what_comes_after_it", 1, 2) else { return };
    run(join_all((0..8).map(|_| driver.clone().submit(Nop))));
    assert_eq!(end(&driver), Report::default());
    let refused = run(driver.clone().submit(Nop)).unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::NotConnected);
}

#[test]
fn what_was_built_is_given_back_with_the_last_handle() {
    let test = "operations::what_was_built_is_given_back_with_the_last_handle";
    in_child(test, || {
        let before = (descriptors(), threads());
        for _ in 0..3 {
            let driver = driver(test, 1, 2).unwrap();
            run(driver.submit(Nop)).unwrap();
        }
        until("all is given back", || (descriptors(), threads()) == before);
    });
}

/// How many nanoseconds the helper threads of this process have run.
fn helpers_have_run() -> u64 {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let read = |path: PathBuf| std::fs::read_to_string(path).unwrap_or_default();
    let helpers = tasks.map(|task| task.unwrap().path());
    let helpers = helpers.filter(|task| read(task.join("comm")).starts_with("ringbahn-helper"));
    let run = helpers.map(|helper| {
        let times = read(helper.join("schedstat"));
        times.split(' ').next().and_then(|time| time.parse::<u64>().ok()).unwrap_or(0)
    });
    run.sum()
}

#[test]
fn the_helper_rests_when_nothing_is_in_flight() {
    let test = "operations::the_helper_rests_when_nothing_is_in_flight";
    in_child(test, || {
        let driver = driver(test, 4, 8).unwrap();
        let file = shared(tempfile::tempfile().unwrap());
        for _ in 0..20 {
            // Some of these are done elsewhere, and the helper is called.
            let write = Write::new(file.clone(), vec![0; 8], Position::At(0));
            let _ = run(driver.clone().submit(write));
        }
        until_idle(&driver);
        let mut before = 0;
        until("no helper runs", || {
            let now = helpers_have_run();
            // sleep: a thread that does not rest runs meanwhile, and its time is looked at again.
            std::thread::sleep(Duration::from_millis(20));
            now > 0 && std::mem::replace(&mut before, now) == now && helpers_have_run() == now
        });
        end(&driver);
    });
}
