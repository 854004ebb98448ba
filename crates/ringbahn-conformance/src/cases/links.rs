//! Chains of operations.

use std::io::Write as _;

use futures::future::join_all;
use ringbahn_core::event::{EventExt, Fsync, Nop, Position, Read, Timeout, Write, WriteAll};

use crate::bench::{Bench, DEADLINE};
use crate::case::list_cases;
use crate::kind::Kind;
use crate::ledger::Ledger;
use crate::props::{DATA, file_with, pipe, shared};
use crate::verdict::{Verdict, ensure, ensure_eq};

list_cases! {
    both_parts_run_and_in_their_order,
    a_part_that_fails_stops_those_behind_it,
    a_part_that_falls_short_stops_those_behind_it,
    four_parts_run_in_their_order,
    the_second_part_waits_for_the_first,
    a_cancelled_chain_gives_all_buffers_back,
    a_dropped_chain_ends_whole,
    a_shutdown_ends_a_chain_whole,
    many_chains_at_once_each_run_in_their_order,
}

fn both_parts_run_and_in_their_order<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver()?;
    let file = shared(tempfile::tempfile()?);
    for turn in 0..50_u8 {
        let write = Write::new(file.clone(), [turn; 8], Position::At(0));
        let read = Read::new(file.clone(), [0; 8], Position::At(0));
        let ((written, _), (read, buffer)) = driver.complete(write.link(read))?;
        ensure_eq!((written?, read?), (8, 8), "bytes written and read");
        ensure_eq!(buffer, [turn; 8], "what was read behind the write");
    }
    driver.end()
}

fn a_part_that_fails_stops_those_behind_it<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver()?;
    let file = shared(file_with(DATA)?);
    let write = Write::new(file.clone(), *b"none", Position::At(u64::MAX));
    let read = Read::new(file, *b"mine", Position::At(0));
    let ((written, first), (stopped, second)) = driver.complete(write.link(read))?;
    let kind = written.err().map(|error| error.kind());
    ensure_eq!(kind, Some(std::io::ErrorKind::InvalidInput), "the error of the first part");
    let errno = stopped.err().and_then(|error| error.raw_os_error());
    ensure_eq!(errno, Some(libc::ECANCELED), "the error of the second part");
    ensure_eq!((first, second), (*b"none", *b"mine"), "the buffers");
    driver.end()
}

fn a_part_that_falls_short_stops_those_behind_it<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver()?;
    let file = shared(file_with(DATA)?);
    let read = Read::new(file, Vec::with_capacity(2 * DATA.len()), Position::At(0));
    let ((count, buffer), stopped) = driver.complete(read.link(Nop))?;
    ensure_eq!(count?, DATA.len(), "bytes of a read that fell short");
    ensure_eq!(buffer, DATA, "the bytes read");
    let errno = stopped.err().and_then(|error| error.raw_os_error());
    ensure_eq!(errno, Some(libc::ECANCELED), "the error of what followed");
    driver.end()
}

fn four_parts_run_in_their_order<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver_of(4, 8)?;
    let file = shared(tempfile::tempfile()?);
    let chain = Write::new(file.clone(), *b"1234", Position::At(0))
        .link(Write::new(file.clone(), *b"ab", Position::At(1)))
        .link(Fsync::new(file.clone()))
        .link(Read::new(file, [0; 4], Position::At(0)));
    let ((((first, _), (second, _)), synced), (read, buffer)) = driver.complete(chain)?;
    ensure_eq!((first?, second?, read?), (4, 2, 4), "bytes of the parts");
    synced?;
    ensure_eq!(buffer, *b"1ab4", "what was read in the end");
    driver.end()
}

fn the_second_part_waits_for_the_first<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver()?;
    let (reader, mut writer) = pipe()?;
    let file = shared(file_with(b"before")?);
    let read = Read::new(reader, [0; 1], Position::Current);
    let look = Read::new(file.clone(), [0; 6], Position::At(0));
    let mut chain = driver.submit(read.link(look));
    driver.start(&mut chain)?;
    driver.moment()?;
    driver.start(&mut chain)?;
    driver.complete(WriteAll::new(file, "after!", Position::At(0)))?.0?;
    writer.write_all(&[1])?;
    let (_, (count, buffer)) = driver.run(chain)?;
    ensure_eq!((count?, buffer), (6, *b"after!"), "what the second part has read");
    driver.end()
}

fn a_cancelled_chain_gives_all_buffers_back<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver()?;
    let (reader, mut writer) = pipe()?;
    let first = Read::new(reader.clone(), b"first".to_vec(), Position::Current);
    let second = Read::new(reader.clone(), b"second".to_vec(), Position::Current);
    let mut chain = driver.submit(first.link(second));
    driver.start(&mut chain)?;
    let cancelled = driver.run(chain.cancel())?;
    ensure!(cancelled.is_cancelled(), "a chain with nothing to read was not cancelled");
    let ((one, first), (other, second)) = cancelled.into_inner();
    ensure!(one.is_err() && other.is_err(), "parts of a cancelled chain: {one:?}, {other:?}");
    ensure_eq!((&first[..], &second[..]), (&b"first"[..], &b"second"[..]), "the buffers");
    writer.write_all(DATA)?;
    let (count, _) = driver.complete(Read::new(reader, [0; 64], Position::Current))?;
    ensure_eq!(count?, DATA.len(), "bytes that a cancelled chain has left");
    driver.end()
}

fn a_dropped_chain_ends_whole<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver()?;
    let ledger = Ledger::default();
    let (reader, _writer) = pipe()?;
    for _ in 0..50 {
        let first = ledger.enter(Read::new(reader.clone(), [0; 1], Position::Current));
        let second = Timeout::new(std::time::Duration::from_secs(3600));
        let mut chain = driver.submit(first.link(ledger.enter(second)));
        driver.start(&mut chain)?;
    }
    driver.until("both parts of all chains have ended", || ledger.open() == 0)?;
    driver.end()?;
    ledger.balance()
}

fn a_shutdown_ends_a_chain_whole<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver()?;
    let ledger = Ledger::default();
    let (reader, _writer) = pipe()?;
    let first = ledger.enter(Read::new(reader, [0; 1], Position::Current));
    let mut chain = driver.submit(first.link(ledger.enter(Nop)));
    driver.start(&mut chain)?;
    let report = driver.shut_down(DEADLINE)?;
    ensure_eq!((report.cancelled, report.leaked), (1, 0), "chains cancelled and leaked");
    let ((one, _), other) = driver.run(chain)?;
    ensure!(one.is_err() && other.is_err(), "parts of a stopped chain: {one:?}, {other:?}");
    ledger.balance()
}

fn many_chains_at_once_each_run_in_their_order<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver()?;
    let file = shared(file_with(&[0; 64])?);
    let chains = (0..64_u8).map(|index| {
        let write = Write::new(file.clone(), [index; 1], Position::At(index.into()));
        let read = Read::new(file.clone(), [255; 1], Position::At(index.into()));
        driver.submit(write.link(read))
    });
    for (index, (_, (count, buffer))) in (0..).zip(driver.run(join_all(chains))?) {
        ensure_eq!((count?, buffer), (1, [index]), "what chain {index} has read");
    }
    driver.end()
}
