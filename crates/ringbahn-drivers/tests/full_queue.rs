//! More operations than a queue has room for, and wakers that add to them.

use std::future::Future;
use std::io::{self, Write as _};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::thread;

use ringbahn_core::event::{EventExt, Fsync, Nop, Position, Read, Write};
use ringbahn_core::{Drive, SharedFd, Submission};
use ringbahn_drivers::SharedDriver;

#[path = "support/canary.rs"]
mod canary;
#[path = "support/scene.rs"]
mod scene;
#[path = "support/skip.rs"]
mod skip;
#[path = "support/watched.rs"]
mod watched;

use scene::{Wakes, end, pipe, poll_once, run, shared, start, until};
use watched::Watched;

fn read(driver: &SharedDriver, reader: &SharedFd) -> Submission<Read<[u8; 1]>, SharedDriver> {
    driver.clone().submit(Read::new(reader.clone(), [0; 1], Position::Current))
}

#[test]
fn as_many_as_fit_and_one_more_or_less_all_complete() {
    let test = "as_many_as_fit_and_one_more_or_less_all_complete";
    const CAPACITY: usize = 4;
    for count in (1..=3).flat_map(|k| [k * CAPACITY - 1, k * CAPACITY, k * CAPACITY + 1]) {
        let Some(driver) = skip::driver(test, CAPACITY as u32, CAPACITY as u32) else { return };
        let (reader, mut writer) = pipe();
        let mut reads: Vec<_> = (0..count).map(|_| read(&driver, &reader)).collect();
        let (wakes, waker) = Wakes::new();
        for read in &mut reads {
            assert!(Pin::new(read).poll(&mut Context::from_waker(&waker)).is_pending());
        }
        assert_eq!(wakes.count(), 0);
        assert_eq!(driver.counters().in_flight, count as u64);
        let data: Vec<u8> = (0..count as u8).collect();
        writer.write_all(&data).unwrap();
        let mut received: Vec<_> = reads.into_iter().map(|read| run(read).1[0]).collect();
        received.sort_unstable();
        assert_eq!(received, data);
        end(&driver);
    }
}

#[test]
fn an_operation_that_waits_for_one_of_another_task_does_not_wait_for_ever() {
    let test = "an_operation_that_waits_for_one_of_another_task_does_not_wait_for_ever";
    let Some(driver) = skip::driver(test, 1, 2) else { return };
    for _ in 0..100 {
        let (reader, writer) = io::pipe().unwrap();
        let mut read = read(&driver, &shared(reader));
        start(&mut read);
        // Polled once and never again: it must reach the kernel all the same.
        let event = Write::new(shared(writer), [7; 1], Position::Current);
        let mut write = driver.clone().submit(event);
        let _ = poll_once(Pin::new(&mut write));
        let (count, buffer) = run(read);
        assert_eq!((count.unwrap(), buffer), (1, [7]));
        drop(write);
    }
    end(&driver);
}

#[test]
fn a_pair_is_never_torn_apart_by_others_who_fill_the_queue() {
    let test = "a_pair_is_never_torn_apart_by_others_who_fill_the_queue";
    let Some(driver) = skip::driver(test, 2, 4) else { return };
    let done = Arc::new(AtomicBool::new(false));
    let others: Vec<_> = (0..3)
        .map(|_| {
            let (driver, done) = (driver.clone(), done.clone());
            thread::spawn(move || {
                while !done.load(Ordering::SeqCst) {
                    run(driver.clone().submit(Nop)).unwrap();
                }
            })
        })
        .collect();
    let file = shared(tempfile::tempfile().unwrap());
    for _ in 0..2000 {
        let write = Write::new(file.clone(), "whole", Position::At(0));
        let ((count, _), synced) = run(driver.clone().submit(write.link(Nop)));
        assert_eq!(count.unwrap(), 5);
        synced.unwrap();
        // A pair whose head fails takes its second part with it, and nobody else's entry.
        let write = Write::new(file.clone(), "whole", Position::At(u64::MAX));
        let ((count, _), synced) = run(driver.clone().submit(write.link(Fsync::new(file.clone()))));
        assert_eq!(count.unwrap_err().kind(), io::ErrorKind::InvalidInput);
        assert_eq!(synced.unwrap_err().raw_os_error(), Some(libc::ECANCELED));
    }
    done.store(true, Ordering::SeqCst);
    others.into_iter().for_each(|other| other.join().unwrap());
    assert_eq!(driver.counters().repeated, 0, "somebody else was stopped");
    end(&driver);
}

#[test]
fn a_pair_longer_than_the_queue_is_refused_and_comes_back() {
    let test = "a_pair_longer_than_the_queue_is_refused_and_comes_back";
    let Some(driver) = skip::driver(test, 1, 2) else { return };
    let (reader, _writer) = pipe();
    let first = Read::new(reader.clone(), b"first".to_vec(), Position::Current);
    let second = Read::new(reader, b"second".to_vec(), Position::Current);
    let ((result, first), (_, second)) = run(driver.clone().submit(first.link(second)));
    let error = result.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    assert!(error.to_string().contains("more entries"), "{error}");
    assert_eq!((&first[..], &second[..]), (&b"first"[..], &b"second"[..]));
    assert_eq!(driver.counters().submitted, 0);
    run(driver.clone().submit(Nop)).unwrap();
    end(&driver);
}

#[test]
fn a_waker_may_submit_another_operation() {
    let test = "a_waker_may_submit_another_operation";
    let Some(driver) = skip::driver(test, 1, 2) else { return };
    let (reader, mut writer) = pipe();
    let done = Arc::new(AtomicUsize::new(0));
    let mut reads: Vec<_> = (0..8).map(|_| read(&driver, &reader)).collect();
    let waker = {
        let (driver, done) = (driver.clone(), done.clone());
        scene::on_wake(move || {
            run(driver.clone().submit(Nop)).unwrap();
            done.fetch_add(1, Ordering::SeqCst);
        })
    };
    for read in &mut reads {
        assert!(Pin::new(read).poll(&mut Context::from_waker(&waker)).is_pending());
    }
    writer.write_all(&[0; 8]).unwrap();
    until("all wakers have run", || done.load(Ordering::SeqCst) == 8);
    reads.into_iter().for_each(|read| assert_eq!(run(read).0.unwrap(), 1));
    end(&driver);
}

#[test]
fn a_waker_may_drop_other_futures_and_the_last_handle() {
    let test = "a_waker_may_drop_other_futures_and_the_last_handle";
    let Some(driver) = skip::driver(test, 1, 2) else { return };
    let (reader, mut writer) = pipe();
    let ends = Arc::new(AtomicUsize::new(0));
    let (other_reader, _other_writer) = pipe();
    let others: Vec<_> = (0..8)
        .map(|_| {
            let buffer = Watched::new(&ends);
            let event = Read::new(other_reader.clone(), buffer, Position::Current);
            let mut other = driver.clone().submit(event);
            start(&mut other);
            other
        })
        .collect();
    let mut first = read(&driver, &reader);
    let bag = Mutex::new(Some((others, driver.clone())));
    let waker = scene::on_wake(move || drop(bag.lock().unwrap().take()));
    assert!(Pin::new(&mut first).poll(&mut Context::from_waker(&waker)).is_pending());
    drop(driver);
    writer.write_all(&[0; 1]).unwrap();
    until("the others have ended", || ends.load(Ordering::SeqCst) == 8);
    run(first).0.unwrap();
    canary::inspect();
}

#[test]
fn a_waker_may_poll_its_own_future() {
    let test = "a_waker_may_poll_its_own_future";
    let Some(driver) = skip::driver(test, 1, 2) else { return };
    let (reader, mut writer) = pipe();
    let slot = Arc::new(Mutex::new(Some(read(&driver, &reader))));
    let (sender, receiver) = std::sync::mpsc::channel();
    let waker = {
        let (slot, sender) = (slot.clone(), Mutex::new(sender));
        scene::on_wake(move || {
            let mut read = slot.lock().unwrap().take().unwrap();
            if let Poll::Ready((count, _)) = poll_once(Pin::new(&mut read)) {
                sender.lock().unwrap().send(count.unwrap()).unwrap();
            }
        })
    };
    {
        let mut slot = slot.lock().unwrap();
        let read = slot.as_mut().unwrap();
        assert!(Pin::new(read).poll(&mut Context::from_waker(&waker)).is_pending());
    }
    writer.write_all(&[0; 1]).unwrap();
    assert_eq!(receiver.recv().unwrap(), 1);
    end(&driver);
}

#[test]
fn ten_thousand_abandoned_at_once_are_all_given_back() {
    let test = "ten_thousand_abandoned_at_once_are_all_given_back";
    let Some(driver) = skip::driver(test, 1, 2) else { return };
    let (reader, _writer) = pipe();
    let mut reads: Vec<_> = (0..10_000).map(|_| read(&driver, &reader)).collect();
    reads.iter_mut().for_each(|read| start(read));
    drop(reads);
    scene::until_idle(&driver);
    end(&driver);
}
