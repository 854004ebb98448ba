//! Calls that are to wake the kernel's thread, and fail.

use std::io;
use std::pin::Pin;
use std::time::Duration;

use ringbahn_core::Drive;
use ringbahn_core::event::Nop;

use crate::driven::end;
use crate::driver;
use crate::scene::{in_child_with_enters, poll_once, run, until};

#[test]
fn wakes_that_fail_for_a_moment_are_tried_again() {
    let test = "failed_wakes::wakes_that_fail_for_a_moment_are_tried_again";
    // The first call is that of the round trip at setup.
    in_child_with_enters("error=EAGAIN:when=2+2", test, || {
        let driver = driver(test, 1, 2).unwrap();
        until("some have failed", || {
            run(driver.clone().submit(Nop)).unwrap();
            // sleep: the kernel's thread is to fall asleep; how often, is counted.
            std::thread::sleep(Duration::from_millis(4));
            driver.counters().failed_enters >= 3
        });
        assert!(driver.counters().enters >= 6, "{:?}", driver.counters());
        end(&driver);
    });
}

#[test]
fn a_ring_whose_thread_is_gone_fails_new_operations_and_frees_nothing_early() {
    let test =
        "failed_wakes::a_ring_whose_thread_is_gone_fails_new_operations_and_frees_nothing_early";
    in_child_with_enters("error=EOWNERDEAD:when=2+", test, || {
        let driver = driver(test, 4, 8).unwrap();
        let mut kept = Vec::new();
        until("a wake has failed", || {
            let mut nop = Box::pin(driver.clone().submit(Nop));
            if poll_once(Pin::new(&mut nop)).is_pending() {
                kept.push(nop);
            }
            // sleep: the kernel's thread is to fall asleep; whether it has, is counted.
            std::thread::sleep(Duration::from_millis(4));
            driver.counters().failed_enters > 0
        });
        let error = run(driver.clone().submit(Nop)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::Other);
        assert!(error.to_string().contains("ring is dead"), "{error}");
        let report = run(driver.shutdown(Duration::ZERO));
        // A thread that was about to fall asleep has taken the entry all the same.
        assert_eq!(driver.counters().in_flight, report.leaked);
        let mut ready = 0;
        for nop in &mut kept {
            ready += u64::from(poll_once(Pin::new(nop)).is_ready());
        }
        assert_eq!(ready + report.leaked, kept.len() as u64);
    });
}
