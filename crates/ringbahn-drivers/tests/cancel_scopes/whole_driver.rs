//! All operations of a driver.

use std::pin::Pin;
use std::time::Duration;

use ringbahn_core::event::{Nop, OpenAt, OpenOptions, Position, Read, Timeout};
use ringbahn_core::{Drive, Timers};

use crate::scene::{end, pipe, poll_once, run, start, until};
use crate::skip;

const SHORT: Duration = Duration::from_millis(3);
const LONG: Duration = Duration::from_secs(3600);

#[test]
fn all_operations_are_told_to_stop_and_the_driver_goes_on() {
    let test = "all_operations_are_told_to_stop_and_the_driver_goes_on";
    let Some(driver) = skip::driver(test, 2, 4) else { return };
    let (reader, _writer) = pipe();
    let mut reads: Vec<_> = (0..10)
        .map(|_| {
            let event = Read::new(reader.clone(), vec![0; 1], Position::Current);
            let mut read = driver.clone().submit(event);
            start(&mut read);
            read
        })
        .collect();
    let mut timeout = driver.clone().submit(Timeout::new(LONG));
    start(&mut timeout);
    // This one is told to stop by its drop.
    reads.pop();
    let report = run(driver.cancel_all().unwrap());
    assert_eq!((report.asked, report.cancelled, report.completed), (10, 10, 0));
    for read in &mut reads {
        run(Pin::new(read)).0.unwrap_err();
    }
    run(timeout).unwrap_err();
    run(driver.clone().submit(Nop)).unwrap();
    assert_eq!(run(driver.cancel_all().unwrap()).asked, 0);
    end(&driver);
}

/// An open of a FIFO without a writer is interrupted in a worker thread of the kernel.
#[test]
fn an_operation_in_a_worker_thread_is_told_to_stop_too() {
    let test = "an_operation_in_a_worker_thread_is_told_to_stop_too";
    let Some(driver) = skip::driver(test, 2, 4) else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fifo");
    let made = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
    assert!(made.success());
    let mut open =
        driver.clone().submit(OpenAt::new(&path, OpenOptions::new().read(true)).unwrap());
    let polled = poll_once(Pin::new(&mut open));
    let report = run(driver.cancel_all().unwrap());
    // Some kernels open it without waiting for a writer.
    assert_eq!(report.asked, u64::from(polled.is_pending()));
    assert_eq!(report.asked, report.cancelled + report.completed);
    if polled.is_pending() {
        let opened = run(open);
        assert_eq!(opened.is_ok(), report.completed == 1);
    }
    assert_eq!(driver.counters().repeated, 0);
    end(&driver);
}

#[test]
fn sleeps_go_on_when_all_operations_are_told_to_stop() {
    let test = "sleeps_go_on_when_all_operations_are_told_to_stop";
    let Some(driver) = skip::driver(test, 2, 4) else { return };
    let timers = Timers::on(driver.clone());
    for _ in 0..10 {
        let begin = std::time::Instant::now();
        let sleep = timers.sleep(SHORT);
        let sleeper = std::thread::spawn(move || run(sleep));
        until("it sleeps", || driver.counters().in_flight == 1 || timers.armed() == 0);
        let report = run(driver.cancel_all().unwrap());
        assert!(report.asked <= 1);
        sleeper.join().unwrap().unwrap();
        assert!(begin.elapsed() >= SHORT);
    }
    drop(timers);
    end(&driver);
}
