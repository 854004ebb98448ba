//! More operations than the queues have room for.

use std::io::Write as _;
use std::pin::Pin;
use std::task::Context;
use std::time::Instant;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use ringbahn_core::event::{EventExt, Fsync, Nop, Position, Read, Write};

use crate::bench::{Bench, start};
use crate::case::list_cases;
use crate::kind::Kind;
use crate::ledger::Ledger;
use crate::props::{DATA, pipe, shared};
use crate::verdict::{Verdict, ensure, ensure_eq};
use crate::wakers::Signal;

list_cases! {
    a_thousand_operations_go_through_a_queue_of_one,
    far_more_are_in_flight_than_the_queues_hold,
    what_is_polled_once_reaches_the_kernel,
    a_poll_does_not_wait_for_others,
    what_has_completed_frees_its_place_before_it_is_polled,
    cancels_find_room_where_there_is_none,
    a_chain_is_not_torn_apart_by_others,
    a_chain_longer_than_the_queue_comes_back,
}

/// Each future has its own waker and is polled only after that was woken.
fn a_thousand_operations_go_through_a_queue_of_one<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver_of(1, 2)?;
    bench.stage("running a thousand operations, each polled only when it was woken");
    let mut all: FuturesUnordered<_> = (0..1000).map(|_| driver.submit(Nop)).collect();
    let done = driver.run(async {
        let mut done = 0;
        while let Some(result) = all.next().await {
            result?;
            done += 1;
        }
        std::io::Result::Ok(done)
    })?;
    ensure_eq!(done?, 1000, "operations that have completed");
    driver.end()
}

fn far_more_are_in_flight_than_the_queues_hold<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver_of(1, 2)?;
    let (reader, mut writer) = pipe()?;
    let read = || driver.submit(Read::new(reader.clone(), [0; 1], Position::Current));
    let mut reads: FuturesUnordered<_> = (0..200).map(|_| read()).collect();
    let data: Vec<u8> = (0..200).collect();
    bench.stage("waiting for two hundred reads that end at the same moment");
    let received = driver.run(async {
        let mut received = Vec::new();
        let mut written = false;
        std::future::poll_fn(|cx| {
            while let std::task::Poll::Ready(Some((count, [byte]))) = reads.poll_next_unpin(cx) {
                received.push(count.map(|count| (count, byte)));
            }
            if !std::mem::replace(&mut written, true) {
                writer.write_all(&data)?;
            }
            match received.len() {
                200 => std::task::Poll::Ready(std::io::Result::Ok(())),
                _ => std::task::Poll::Pending,
            }
        })
        .await?;
        received.into_iter().collect::<std::io::Result<Vec<_>>>()
    })?;
    let mut received = received?;
    received.sort_unstable();
    let expected: Vec<(usize, u8)> = data.iter().map(|byte| (1, *byte)).collect();
    ensure_eq!(received, expected, "the bytes of all reads, each once");
    driver.end()
}

/// One that is polled and then left alone, as by a task that waits for something else first; and so
/// is what waits for it.
fn what_is_polled_once_reaches_the_kernel<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver_of(1, 2)?;
    for _ in 0..20 {
        let (reader, writer) = std::io::pipe()?;
        let signal = Signal::new();
        let waker = signal.waker();
        let mut read = driver.submit(Read::new(shared(reader), [0; 1], Position::Current));
        driver.start(&mut read)?;
        driver.moment()?;
        let polled = Pin::new(&mut read).poll(&mut Context::from_waker(&waker));
        ensure!(polled.is_pending(), "a read of an empty pipe was ready");
        let before = signal.wakes();
        let mut write = driver.submit(Write::new(shared(writer), [7; 1], Position::Current));
        driver.admit(&mut write)?;
        driver.until("what was polled once has its effect", || signal.wakes() > before)?;
        ensure_eq!(driver.run(read)?.1, [7], "what a write has written that was polled once");
        drop(write);
    }
    driver.end()
}

fn a_poll_does_not_wait_for_others<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver_of(1, 2)?;
    let (reader, mut writer) = pipe()?;
    let read = || driver.submit(Read::new(reader.clone(), [0; 1], Position::Current));
    let mut reads: Vec<_> = (0..32).map(|_| read()).collect();
    bench.stage("polling reads that wait for what this thread writes later");
    let begin = Instant::now();
    reads.iter_mut().try_for_each(start)?;
    let took = begin.elapsed();
    ensure!(took < driver.quick(), "polls that have nothing to wait for have taken {took:?}");
    writer.write_all(&[1; 32])?;
    bench.stage("waiting for reads that have their data");
    driver.run(futures::future::join_all(reads))?;
    driver.end()
}

fn what_has_completed_frees_its_place_before_it_is_polled<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver_of(1, 2)?;
    let (reader, mut writer) = pipe()?;
    let signals: Vec<_> = (0..16).map(|_| Signal::new()).collect();
    let mut reads = Vec::new();
    for signal in &signals {
        let mut read = driver.submit(Read::new(reader.clone(), [0; 1], Position::Current));
        driver.start(&mut read)?;
        let waker = signal.waker();
        let polled = Pin::new(&mut read).poll(&mut Context::from_waker(&waker));
        ensure!(polled.is_pending(), "a read of an empty pipe was ready");
        reads.push(read);
    }
    writer.write_all(&[1; 16])?;
    bench.stage("waiting until all reads have woken, and polling none");
    let all_woken = || signals.iter().all(|signal| signal.wakes() > 0);
    driver.until("all have woken", all_woken)?;
    bench.stage("running others while those that have completed are not polled");
    for _ in 0..64 {
        driver.complete(Nop)??;
    }
    driver.run(futures::future::join_all(reads))?;
    driver.end()
}

fn cancels_find_room_where_there_is_none<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver_of(1, 2)?;
    let ledger = Ledger::default();
    let (reader, _writer) = pipe()?;
    let event = || ledger.enter(Read::new(reader.clone(), [0; 1], Position::Current));
    let mut reads: Vec<_> = (0..500).map(|_| driver.submit(event())).collect();
    for read in &mut reads {
        driver.start(read)?;
    }
    bench.stage("dropping five hundred reads at once");
    let begin = Instant::now();
    drop(reads);
    let took = begin.elapsed();
    ensure!(took < driver.quick(), "five hundred drops have taken {took:?}");
    driver.until("all dropped reads have ended", || ledger.open() == 0)?;
    driver.end()
}

fn a_chain_is_not_torn_apart_by_others<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver_of(2, 4)?;
    let file = shared(tempfile::tempfile()?);
    for _ in 0..50 {
        let others = (0..3).map(|_| driver.submit(Nop));
        let whole = Write::new(file.clone(), DATA, Position::At(0)).link(Fsync::new(file.clone()));
        // A pair whose head fails takes its second part with it, and nobody else's entry.
        let broken = Write::new(file.clone(), DATA, Position::At(u64::MAX)).link(Nop);
        let all = futures::future::join3(
            futures::future::join_all(others),
            driver.submit(whole),
            driver.submit(broken),
        );
        let (others, ((written, _), synced), ((failed, _), stopped)) = driver.run(all)?;
        others.into_iter().collect::<Result<Vec<()>, _>>()?;
        ensure_eq!(written?, DATA.len(), "bytes written by a pair");
        synced?;
        ensure!(failed.is_err(), "a write at no position has succeeded");
        let errno = stopped.err().and_then(|error| error.raw_os_error());
        ensure_eq!(errno, Some(libc::ECANCELED), "the error of what followed it");
    }
    driver.end()
}

/// Or it runs, with a driver that has another way.
fn a_chain_longer_than_the_queue_comes_back<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver_of(1, 2)?;
    let (reader, mut writer) = pipe()?;
    writer.write_all(b"a")?;
    let first = Read::new(reader.clone(), b"1".to_vec(), Position::Current);
    let second = Read::new(reader, b"2".to_vec(), Position::Current);
    bench.stage("waiting for a pair in a queue of one");
    writer.write_all(b"b")?;
    let ((result, first), (_, second)) = driver.complete(first.link(second))?;
    match result {
        Ok(_) => ensure_eq!((&first[..], &second[..]), (&b"a"[..], &b"b"[..]), "what was read"),
        Err(_) => ensure_eq!((&first[..], &second[..]), (&b"1"[..], &b"2"[..]), "the buffers"),
    }
    driver.complete(Nop)??;
    driver.end()
}
