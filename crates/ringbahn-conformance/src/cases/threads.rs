//! Futures and handles on several threads.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::thread;

use futures::executor::block_on;
use ringbahn_core::Shared;
use ringbahn_core::event::{Nop, Position, Read, Write};

use crate::bench::{Bench, DEADLINE, poll_once, start};
use crate::case::list_cases;
use crate::kind::Kind;
use crate::ledger::Ledger;
use crate::props::{DATA, pipe, shared};
use crate::verdict::{Stop, Verdict, ensure, ensure_eq};

list_cases! {
    a_wake_from_another_thread_ends_the_wait,
    bytes_from_another_thread_end_the_wait;
    threads:
    a_future_is_polled_by_one_thread_after_the_other,
    many_threads_share_a_queue_of_one,
    an_operation_outlives_the_thread_that_has_started_it,
    a_future_is_dropped_on_another_thread,
    the_last_handle_is_dropped_on_another_thread,
    threads_that_wait_for_each_other_go_on,
    a_shutdown_reaches_threads_that_go_on_submitting,
}

fn joined<T>(thread: thread::JoinHandle<Result<T, Stop>>) -> Result<T, Stop> {
    thread.join().unwrap_or_else(|panic| Err(Stop::panicked(&*panic)))
}

fn a_wake_from_another_thread_ends_the_wait<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver()?;
    for _ in 0..20 {
        let (sender, receiver) = futures::channel::oneshot::channel();
        let thread = thread::spawn(move || sender.send(7));
        bench.stage("waiting for a message of another thread");
        ensure_eq!(driver.run(receiver)?, Ok(7), "the message");
        let sent = thread.join().map_err(|panic| Stop::panicked(&*panic))?;
        ensure_eq!(sent, Ok(()), "what came of sending it");
    }
    driver.end()
}

fn bytes_from_another_thread_end_the_wait<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver()?;
    for _ in 0..20 {
        let (reader, mut writer) = pipe()?;
        let mut read = driver.submit(Read::new(reader, Vec::with_capacity(64), Position::Current));
        start(&mut read)?;
        let thread = thread::spawn(move || writer.write_all(DATA));
        ensure_eq!(driver.run(read)?.1, DATA, "the bytes of another thread");
        thread.join().map_err(|panic| Stop::panicked(&*panic))??;
    }
    driver.end()
}

fn a_future_is_polled_by_one_thread_after_the_other(bench: &Bench<Shared>) -> Verdict {
    let driver = bench.driver()?;
    let (reader, mut writer) = pipe()?;
    let mut read = driver.submit(Read::new(reader, Vec::with_capacity(64), Position::Current));
    for _ in 0..8 {
        let thread = thread::spawn(move || start(&mut read).map(|()| read));
        read = joined(thread)?;
    }
    writer.write_all(DATA)?;
    let buffer = driver.join(thread::spawn(move || Ok(block_on(read).1)))?;
    ensure_eq!(buffer, DATA, "the bytes read");
    driver.end()
}

fn many_threads_share_a_queue_of_one(bench: &Bench<Shared>) -> Verdict {
    let driver = bench.driver_of(1, 2)?;
    let file = shared(tempfile::tempfile()?);
    let threads: Vec<_> = (0..8_u8)
        .map(|index| {
            let (handle, file) = (driver.handle(), file.clone());
            thread::spawn(move || {
                for turn in 0..50_u8 {
                    let place = Position::At(index.into());
                    let event = Write::new(file.clone(), [turn], place);
                    block_on(handle.clone().submit(event)).0?;
                    let event = Read::new(file.clone(), [255; 1], place);
                    let (count, buffer) = block_on(handle.clone().submit(event));
                    ensure_eq!((count?, buffer), (1, [turn]), "the byte of thread {index}");
                }
                Ok(())
            })
        })
        .collect();
    bench.stage("waiting for eight threads that share a queue of one");
    threads.into_iter().try_for_each(|thread| driver.join(thread))?;
    driver.end()
}

/// What a thread has submitted is bound to it in the kernel, and must not end with it.
fn an_operation_outlives_the_thread_that_has_started_it(bench: &Bench<Shared>) -> Verdict {
    let driver = bench.driver()?;
    let (reader, mut writer) = pipe()?;
    for _ in 0..10 {
        let event = Read::new(reader.clone(), Vec::with_capacity(64), Position::Current);
        let mut read = driver.submit(event);
        let read = joined(thread::spawn(move || start(&mut read).map(|()| read)))?;
        driver.moment()?;
        writer.write_all(DATA)?;
        let (count, buffer) = driver.run(read)?;
        ensure_eq!(count?, DATA.len(), "bytes of a read whose thread has exited");
        ensure_eq!(buffer, DATA, "its bytes");
    }
    driver.end()
}

fn a_future_is_dropped_on_another_thread(bench: &Bench<Shared>) -> Verdict {
    let driver = bench.driver()?;
    let ledger = Ledger::default();
    let (reader, _writer) = pipe()?;
    for _ in 0..10 {
        let event = Read::new(reader.clone(), [0; 1], Position::Current);
        let mut read = driver.submit(ledger.enter(event));
        start(&mut read)?;
        joined(thread::spawn(move || {
            drop(read);
            Ok(())
        }))?;
    }
    driver.until("what was dropped has ended", || ledger.open() == 0)?;
    driver.end()
}

fn the_last_handle_is_dropped_on_another_thread(bench: &Bench<Shared>) -> Verdict {
    let driver = bench.driver()?;
    let ledger = Ledger::default();
    let (reader, _writer) = pipe()?;
    let handle = driver.handle();
    let mut read =
        handle.clone().submit(ledger.enter(Read::new(reader, [0; 1], Position::Current)));
    start(&mut read)?;
    drop(driver);
    joined(thread::spawn(move || {
        drop((handle, read));
        Ok(())
    }))?;
    bench.await_without_driver("the operation has ended", || ledger.open() == 0)?;
    ledger.balance()
}

fn threads_that_wait_for_each_other_go_on(bench: &Bench<Shared>) -> Verdict {
    let driver = bench.driver_of(1, 2)?;
    let (first_reader, first_writer) = std::io::pipe()?;
    let (second_reader, second_writer) = std::io::pipe()?;
    let ends = [
        (shared(first_reader), shared(second_writer)),
        (shared(second_reader), shared(first_writer)),
    ];
    let threads: Vec<_> = ends
        .into_iter()
        .enumerate()
        .map(|(index, (reader, writer))| {
            let handle = driver.handle();
            thread::spawn(move || {
                let mut token = 0_u8;
                for _ in 0..100 {
                    if index == 0 {
                        let event = Write::new(writer.clone(), [token], Position::Current);
                        block_on(handle.clone().submit(event)).0?;
                    }
                    let event = Read::new(reader.clone(), [0; 1], Position::Current);
                    let (count, [received]) = block_on(handle.clone().submit(event));
                    count?;
                    ensure_eq!(received, token, "the token");
                    if index == 1 {
                        let event = Write::new(writer.clone(), [token], Position::Current);
                        block_on(handle.clone().submit(event)).0?;
                    }
                    token = token.wrapping_add(1);
                }
                Ok(())
            })
        })
        .collect();
    bench.stage("waiting for two threads that pass a token round");
    threads.into_iter().try_for_each(|thread| driver.join(thread))?;
    driver.end()
}

fn a_shutdown_reaches_threads_that_go_on_submitting(bench: &Bench<Shared>) -> Verdict {
    let driver = bench.driver_of(1, 2)?;
    let done = Arc::new(AtomicUsize::new(0));
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let (handle, done) = (driver.handle(), done.clone());
            thread::spawn(move || {
                let mut refused = 0;
                while refused < 10 {
                    match block_on(handle.clone().submit(Nop)) {
                        Ok(()) => drop(done.fetch_add(1, Ordering::SeqCst)),
                        Err(_) => refused += 1,
                    }
                }
                // One that waits for nothing is refused at its first poll, too.
                let mut nop = handle.submit(Nop);
                let refused = matches!(poll_once(&mut nop), Poll::Ready(Err(_)));
                ensure!(refused, "an event was not refused at once after the shutdown");
                Ok(())
            })
        })
        .collect();
    driver.until("they are at it", || done.load(Ordering::SeqCst) > 50)?;
    let report = driver.shut_down(DEADLINE)?;
    ensure_eq!(report.leaked, 0, "operations leaked");
    bench.stage("waiting for threads that submit to a driver which was shut down");
    threads.into_iter().try_for_each(joined)
}
