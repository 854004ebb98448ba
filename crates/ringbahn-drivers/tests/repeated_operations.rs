//! Operations that are submitted more than once: after short transfers, and when the driver ends.

use std::io::{self, Read as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use ringbahn_core::event::{Position, ReadExact, WriteAll};
use ringbahn_core::{Drive, Event, Outcome, Sqe, Sqes};

#[path = "support/scene.rs"]
mod scene;
#[path = "support/skip.rs"]
mod skip;

use scene::{end, pipe, run, shared, start};

/// Goes round `rounds` times, as an operation may that completes a little at a time.
struct Again {
    rounds: usize,
}

impl Event for Again {
    type Output = io::Result<usize>;

    #[allow(unsafe_code, reason = "the trait's method is unsafe to call")]
    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        sqes.push(Sqe::nop());
    }

    fn complete(self, outcome: Outcome<'_, Self>) -> io::Result<usize> {
        outcome.result().map(|_| self.rounds)
    }

    fn resubmit(&mut self, _outcome: &Outcome<'_, Self>) -> bool {
        self.rounds = self.rounds.saturating_sub(1);
        self.rounds > 0
    }
}

#[test]
fn an_operation_may_go_round_any_number_of_times() {
    let test = "an_operation_may_go_round_any_number_of_times";
    for rounds in [1, 2, 4, 5, 6, 7, 8, 100] {
        let Some(driver) = skip::driver(test, 1, 2) else { return };
        assert_eq!(run(driver.clone().submit(Again { rounds })).unwrap(), 0);
        let counters = driver.counters();
        assert_eq!((counters.submitted, counters.completed), (1, 1));
        assert_eq!(counters.repeated, rounds as u64 - 1);
        end(&driver);
    }
}

#[test]
fn many_operations_that_go_round_at_once_all_end() {
    let test = "many_operations_that_go_round_at_once_all_end";
    let Some(driver) = skip::driver(test, 1, 2) else { return };
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let driver = driver.clone();
            thread::spawn(move || {
                for rounds in 1..50 {
                    assert_eq!(run(driver.clone().submit(Again { rounds })).unwrap(), 0);
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    end(&driver);
}

#[test]
fn a_detached_write_runs_to_its_end_though_the_driver_is_shut_down() {
    let test = "a_detached_write_runs_to_its_end_though_the_driver_is_shut_down";
    let Some(driver) = skip::driver(test, 1, 2) else { return };
    let (mut reader, writer) = io::pipe().unwrap();
    let data: Vec<u8> = (0..500_000_u32).map(|number| (number % 251) as u8).collect();
    let mut write = Box::pin(driver.clone().submit(WriteAll::new(
        shared(writer),
        data.clone(),
        Position::Current,
    )));
    assert!(scene::poll_once(write.as_mut()).is_pending());
    write.as_mut().detach();
    drop(write);
    let shutdown = driver.shutdown(Duration::from_secs(10));
    let mut received = Vec::new();
    reader.read_to_end(&mut received).unwrap();
    assert_eq!(received.len(), data.len());
    assert!(received == data);
    let report = run(shutdown);
    assert_eq!((report.completed, report.cancelled, report.leaked), (1, 0, 0));
    assert_eq!(driver.counters().submitted, driver.counters().completed);
}

#[test]
fn a_read_that_goes_on_is_stopped_by_the_shutdown_and_gives_its_buffer_back() {
    let test = "a_read_that_goes_on_is_stopped_by_the_shutdown_and_gives_its_buffer_back";
    let Some(driver) = skip::driver(test, 1, 2) else { return };
    let (reader, mut writer) = pipe();
    writer.write_all(b"abc").unwrap();
    let event = ReadExact::new(reader, Vec::with_capacity(64), Position::Current);
    let mut read = driver.clone().submit(event);
    start(&mut read);
    let report = run(driver.shutdown(Duration::from_secs(10)));
    let (result, buffer) = run(read);
    assert!(result.is_err());
    assert_eq!(buffer, b"abc");
    assert_eq!(report.leaked, 0);
}

/// Says that its memory is gone by panicking, in a thread that has nothing to do with it.
struct PanicsAtItsEnd(Arc<AtomicUsize>);

impl Drop for PanicsAtItsEnd {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
        // With nothing to say, since what it says is never freed, on whichever thread it is.
        std::panic::resume_unwind(Box::new(()));
    }
}

/// Wants to go round for ever, and panics when it is disposed of.
struct Endless(PanicsAtItsEnd);

impl Event for Endless {
    type Output = PanicsAtItsEnd;

    #[allow(unsafe_code, reason = "the trait's method is unsafe to call")]
    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        sqes.push(Sqe::nop());
    }

    fn complete(self, _outcome: Outcome<'_, Self>) -> PanicsAtItsEnd {
        self.0
    }

    fn resubmit(&mut self, _outcome: &Outcome<'_, Self>) -> bool {
        true
    }
}

#[test]
fn an_event_that_goes_round_for_ever_and_panics_at_its_end_stops_nobody_else() {
    let test = "an_event_that_goes_round_for_ever_and_panics_at_its_end_stops_nobody_else";
    let Some(driver) = skip::driver(test, 1, 2) else { return };
    let ends = Arc::new(AtomicUsize::new(0));
    for _ in 0..4 {
        let event = Endless(PanicsAtItsEnd(ends.clone()));
        let mut endless = driver.clone().submit(event);
        start(&mut endless);
        drop(endless);
    }
    // A cancel of what goes round finds it, sooner or later, between two rounds.
    scene::until("all have ended", || ends.load(Ordering::SeqCst) == 4);
    let (reader, mut writer) = pipe();
    let event = ReadExact::new(reader, [0; 1], Position::Current);
    let mut read = driver.clone().submit(event);
    start(&mut read);
    writer.write_all(b"x").unwrap();
    run(read).0.unwrap();
    end(&driver);
}
