//! Operations whose tasks have gone to other threads since.

use std::io::Write as _;
use std::pin::Pin;
use std::thread;
use std::time::Duration;

use ringbahn_core::Drive;
use ringbahn_core::event::{EventExt, Nop, Position, Read};
use ringbahn_drivers::ShardedDriver;

use crate::driven::{self, end, until_idle};
use crate::driver;
use crate::scene::{pipe, poll_once, run, start, until};

/// Runs `action` on a thread that uses another shard than this one does.
fn elsewhere<T: Send>(driver: &ShardedDriver, action: impl FnOnce() -> T + Send) -> T {
    let home = driver.here().home();
    elsewhere_than(driver, home, action)
}

fn elsewhere_than<T: Send>(
    driver: &ShardedDriver,
    home: Option<usize>,
    action: impl FnOnce() -> T + Send,
) -> T {
    if driver.here().home() != home {
        return action();
    }
    // This thread keeps its number meanwhile, so it is another one that comes next. Other tests
    // have threads, too, so that may be one of the same shard.
    thread::scope(|scope| {
        let next: Box<dyn FnOnce() -> T + Send + '_> = Box::new(action);
        scope.spawn(|| elsewhere_than(driver, home, next)).join().unwrap()
    })
}

fn in_flight(driver: &ShardedDriver) -> u64 {
    driver.counters().in_flight
}

#[test]
fn an_operation_completes_wherever_its_task_is() {
    let Some(driver) = driver("an_operation_completes_wherever_its_task_is", 2, 1, 2) else {
        return;
    };
    for number in 0..50_u8 {
        let (reader, mut writer) = pipe();
        let mut read = driven::read(&driver, &reader);
        start(&mut read);
        let data = elsewhere(&driver, || {
            start(&mut read);
            writer.write_all(&[number]).unwrap();
            run(read).1
        });
        assert_eq!(data, [number]);
    }
    end(&driver);
}

#[test]
fn a_drop_and_a_cancel_reach_the_ring_that_has_the_operation() {
    let test = "a_drop_and_a_cancel_reach_the_ring_that_has_the_operation";
    let Some(driver) = driver(test, 2, 1, 2) else { return };
    let (reader, _writer) = pipe();
    for _ in 0..50 {
        let mut dropped = driven::read(&driver, &reader);
        let mut cancelled = driven::read(&driver, &reader);
        start(&mut dropped);
        start(&mut cancelled);
        assert_eq!(in_flight(&driver), 2);
        elsewhere(&driver, || {
            drop(dropped);
            assert!(run(cancelled.cancel()).is_cancelled());
        });
        until("the other one is gone, too", || in_flight(&driver) == 0);
    }
    until_idle(&driver);
    assert_eq!(driver.counters().cancelled, 100);
    end(&driver);
}

#[test]
fn a_borrowed_handle_cancels_on_the_right_ring_as_well() {
    let test = "a_borrowed_handle_cancels_on_the_right_ring_as_well";
    let Some(driver) = driver(test, 2, 1, 2) else { return };
    let (reader, _writer) = pipe();
    let event = Read::new(reader, [0; 1], Position::Current);
    let mut read = (&driver).submit(event);
    start(&mut read);
    elsewhere(&driver, || drop(read));
    until("it is gone", || in_flight(&driver) == 0);
    end(&driver);
}

#[test]
fn a_timeout_that_is_awaited_elsewhere_stops_its_operation() {
    let test = "a_timeout_that_is_awaited_elsewhere_stops_its_operation";
    let Some(driver) = driver(test, 2, 2, 4) else { return };
    let (reader, _writer) = pipe();
    for _ in 0..5 {
        let read = driven::read(&driver, &reader).timeout(Duration::from_millis(5));
        let mut read = Box::pin(read);
        assert!(poll_once(read.as_mut()).is_pending());
        let error = elsewhere(&driver, || run(read)).0.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
    }
    end(&driver);
}

#[test]
fn a_chain_goes_on_while_its_task_goes_elsewhere() {
    let test = "a_chain_goes_on_while_its_task_goes_elsewhere";
    let Some(driver) = driver(test, 2, 2, 4) else { return };
    let (reader, mut writer) = pipe();
    let read = || Read::new(reader.clone(), [0; 1], Position::Current);
    for number in 0..50_u8 {
        let mut pair = driver.clone().submit(read().link(read()));
        start(&mut pair);
        writer.write_all(&[number]).unwrap();
        let ((_, first), (_, second)) = elsewhere(&driver, || {
            start(&mut pair);
            writer.write_all(&[number + 1]).unwrap();
            run(pair)
        });
        assert_eq!((first, second), ([number], [number + 1]));
    }
    end(&driver);
}

#[test]
fn a_chain_that_is_cancelled_elsewhere_gives_every_part_back() {
    let test = "a_chain_that_is_cancelled_elsewhere_gives_every_part_back";
    let Some(driver) = driver(test, 2, 2, 4) else { return };
    let (reader, _writer) = pipe();
    for _ in 0..50 {
        let read = |byte| Read::new(reader.clone(), [byte; 1], Position::Current);
        let mut pair = driver.clone().submit(read(1).link(read(2)));
        start(&mut pair);
        let cancelled = elsewhere(&driver, || run(pair.cancel())).into_inner();
        let ((first, one), (second, two)) = cancelled;
        assert!(first.is_err() && second.is_err());
        assert_eq!((one, two), ([1], [2]));
    }
    end(&driver);
}

#[test]
fn a_task_that_waits_for_room_finds_it_on_the_next_thread() {
    let test = "a_task_that_waits_for_room_finds_it_on_the_next_thread";
    let Some(driver) = driver(test, 2, 1, 2) else { return };
    for _ in 0..100 {
        let mut many: Vec<_> = (0..8).map(|_| driver.clone().submit(Nop)).collect();
        many.iter_mut().for_each(|nop| drop(poll_once(Pin::new(nop))));
        let again: Vec<_> = (0..8).map(|_| driver.clone().submit(Nop)).collect();
        elsewhere(&driver, || {
            drop(many);
            run(futures::future::join_all(again)).into_iter().for_each(|nop| nop.unwrap());
        });
    }
    end(&driver);
}

#[test]
fn a_submission_that_is_restarted_elsewhere_uses_the_ring_there() {
    let test = "a_submission_that_is_restarted_elsewhere_uses_the_ring_there";
    let Some(driver) = driver(test, 2, 1, 2) else { return };
    let mut nop = driver.clone().submit(Nop);
    run(&mut nop).unwrap();
    let before = driver.shard_counters();
    elsewhere(&driver, || {
        Pin::new(&mut nop).restart(Nop);
        run(&mut nop).unwrap();
    });
    let after = driver.shard_counters();
    let home = driver.here().home().unwrap();
    assert_eq!(after[home].submitted, before[home].submitted);
    assert_eq!(after[1 - home].submitted, before[1 - home].submitted + 1);
    end(&driver);
}
