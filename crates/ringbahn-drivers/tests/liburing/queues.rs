//! Queues that are full, empty, of every size, and used again.

use std::future::{Future as _, poll_fn};
use std::io::Write as _;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use futures::future::join_all;
use ringbahn_core::event::{Nop, Position, Read, Timeout, Write};
use ringbahn_drivers::SharedDriver;

use crate::scene::{pipe, shared};
use crate::subject::Subject;
use crate::support::{LONG, begin, pattern, pending_read};

on_both_drivers! {
    sq_full,
    cq_full,
    cq_overflow,
    cq_size,
    cq_peek_batch,
    nop,
    nop_all_sizes,
    drop_submit,
    submit_reuse,
    submit_and_wait,
    sqwait,
    sq_space_left,
}

/// More operations at once than the submission queue has places: none is refused.
fn sq_full<S: Subject>() {
    let driver = S::make(2, 4).unwrap();
    let outputs = driver.run(join_all((0..50).map(|_| driver.clone().submit(Nop))));
    assert!(outputs.iter().all(Result::is_ok) && outputs.len() == 50);
    driver.end();
}

/// More operations end than the completion queue has places, while nobody reads it.
fn cq_full<S: Subject>() {
    let driver = S::make(2, 4).unwrap();
    let (reader, mut writer) = pipe();
    let reads: Vec<_> = (0..32).map(|_| pending_read(&driver, &reader, 1)).collect();
    writer.write_all(&[9; 32]).unwrap();
    for (result, buffer) in driver.run(join_all(reads)) {
        assert_eq!((result.unwrap(), buffer), (1, vec![9]));
    }
    driver.end();
}

/// The same again and again, with data that tells the reads apart: all of it arrives once.
fn cq_overflow<S: Subject>() {
    let driver = S::make(1, 2).unwrap();
    let (reader, mut writer) = pipe();
    for _ in 0..10 {
        let reads: Vec<_> = (0..64).map(|_| pending_read(&driver, &reader, 1)).collect();
        let sent: Vec<u8> = (0..64).collect();
        writer.write_all(&sent).unwrap();
        let mut received: Vec<u8> =
            driver.run(join_all(reads)).into_iter().flat_map(|(_, buffer)| buffer).collect();
        received.sort_unstable();
        assert_eq!(received, sent);
    }
    driver.end();
}

/// The queues are as long as was told, in powers of two, and the completion queue is never the
/// shorter one.
fn cq_size<S: Subject>() {
    for (entries, completions) in [(8, 8), (8, 9), (1, 64), (8, 4)] {
        let driver = S::make(entries, completions).unwrap();
        let outputs = driver.run(join_all((0..100).map(|_| driver.clone().submit(Nop))));
        assert!(outputs.iter().all(Result::is_ok), "{entries} and {completions} entries");
        driver.end();
    }
    let Ok(driver) = SharedDriver::builder().entries(8).completion_entries(9).build() else {
        return;
    };
    assert_eq!(driver.queue_sizes(), (8, 16));
}

/// Operations that end together are all told of, in the order in which they were submitted.
fn cq_peek_batch<S: Subject>() {
    let driver = S::make(16, 32).unwrap();
    let mut nops: Vec<_> = (0..10).map(|_| driver.clone().submit(Nop)).collect();
    let ended = driver.run(async {
        for nop in &mut nops {
            let _ = poll_fn(|cx| Poll::Ready(Pin::new(&mut *nop).poll(cx))).await;
        }
        driver.clone().submit(Nop).await.unwrap();
        driver.so_far().completed
    });
    assert_eq!(ended, 11, "those before the last have ended before it");
    driver.end();
}

/// Does nothing, many times.
fn nop<S: Subject>() {
    let driver = S::make(1, 2).unwrap();
    for _ in 0..1000 {
        driver.run(driver.clone().submit(Nop)).unwrap();
    }
    let counters = driver.so_far();
    assert_eq!((counters.submitted, counters.completed), (1000, 1000));
    driver.end();
}

/// Rings of every size do nothing, as often as they have places and once more.
fn nop_all_sizes<S: Subject>() {
    for power in 0..=8 {
        let entries = 1 << power;
        let driver = S::make(entries, 2 * entries).unwrap();
        let outputs = driver.run(join_all((0..=entries).map(|_| driver.clone().submit(Nop))));
        assert!(outputs.iter().all(Result::is_ok), "{entries} entries");
        driver.end();
    }
}

/// What is dropped before it was polled was never submitted; afterwards it is seen to its end.
fn drop_submit<S: Subject>() {
    let driver = S::make(2, 4).unwrap();
    let (reader, writer) = pipe();
    let read = || Read::new(reader.clone(), vec![0; 1], Position::Current);
    drop(driver.clone().submit(read()));
    assert_eq!(driver.so_far().submitted, 0);
    drop(pending_read(&driver, &reader, 1));
    driver.until("it has been disposed of", || driver.so_far().disposed > 0);
    let counters = driver.so_far();
    assert_eq!((counters.submitted, counters.completed, counters.disposed), (1, 1, 1));
    assert_eq!(counters.in_flight, 0);
    drop(writer);
    driver.end();
}

/// A future and its buffers are used again as soon as the result is there.
fn submit_reuse<S: Subject>() {
    let driver = S::make(2, 4).unwrap();
    let file = shared(tempfile::tempfile().unwrap());
    let mut buffer = Vec::new();
    let mut write = driver.clone().submit(Write::new(file.clone(), buffer, Position::At(0)));
    for round in 0..20 {
        let (result, back) = driver.run(&mut write);
        assert_eq!(result.unwrap(), back.len());
        buffer = back;
        buffer.push(round);
        let next = Write::new(file.clone(), buffer, Position::At(0));
        Pin::new(&mut write).restart(next);
    }
    driver.run(&mut write).0.unwrap();
    let read = Read::new(file, Vec::with_capacity(64), Position::At(0));
    let (_, contents) = driver.run(driver.clone().submit(read));
    assert_eq!(contents, (0..20).collect::<Vec<u8>>());
    driver.end();
}

/// A wait for one of two operations ends with the first, whichever was submitted first.
fn submit_and_wait<S: Subject>() {
    let driver = S::make(2, 4).unwrap();
    let mut long = driver.clone().submit(Timeout::new(LONG));
    begin(&driver, &mut long);
    driver.run(driver.clone().submit(Timeout::new(Duration::from_millis(1)))).unwrap();
    assert!(driver.run(long.cancel()).is_cancelled());
    driver.end();
}

/// Who waits for room is called when there is some.
fn sqwait<S: Subject>() {
    let driver = S::make(1, 2).unwrap();
    let (reader, mut writer) = pipe();
    let reads: Vec<_> = (0..16).map(|_| pending_read(&driver, &reader, 4)).collect();
    let sent = pattern(64);
    for piece in sent.chunks(4) {
        writer.write_all(piece).unwrap();
    }
    let received: usize =
        driver.run(join_all(reads)).into_iter().map(|(result, _)| result.unwrap()).sum();
    assert_eq!(received, sent.len());
    driver.end();
}

/// When everything has ended, all places of the queue are there again.
fn sq_space_left<S: Subject>() {
    let driver = S::make(8, 16).unwrap();
    for count in [8, 1, 7, 8, 20] {
        driver.run(join_all((0..count).map(|_| driver.clone().submit(Nop))));
        assert_eq!(driver.so_far().in_flight, 0);
    }
    driver.end();
}
