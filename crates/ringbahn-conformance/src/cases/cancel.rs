//! Operations that nobody wants any more.

use std::io::{ErrorKind, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use ringbahn_core::event::{Accept, AsyncCancel, Nop, Position, Read, ReadExact, Timeout, Write};
use ringbahn_core::{Cancelled, Shared};

use crate::bench::{Bench, poll_once};
use crate::case::list_cases;
use crate::kind::Kind;
use crate::ledger::Ledger;
use crate::props::{DATA, full_pipe, listener, pipe, pipe_with_data, shared};
use crate::verdict::{Stop, Verdict, ensure, ensure_eq};

list_cases! {
    an_operation_never_polled_never_starts,
    a_dropped_read_lets_go_of_its_file,
    a_cancelled_read_gives_its_buffer_back_and_takes_nothing,
    a_cancelled_write_has_written_nothing,
    a_cancelled_accept_leaves_the_connection_to_the_next,
    a_cancel_of_what_has_completed_yields_what_it_completed_with,
    a_cancel_stops_its_own_operation_and_no_other,
    a_time_that_has_passed_stops_an_operation_and_gives_the_buffer_back,
    a_time_that_has_not_passed_changes_nothing,
    a_cancelled_read_of_all_tells_how_far_it_came,
    a_thousand_operations_with_random_ends_all_end;
    threads:
    a_cancel_by_an_event_stops_the_operation,
}

fn an_operation_never_polled_never_starts<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver()?;
    let (reader, _writer) = pipe_with_data()?;
    let ledger = Ledger::default();
    let event = Read::new(reader.clone(), Vec::with_capacity(64), Position::Current);
    drop(driver.submit(ledger.enter(event)));
    ledger.balance()?;
    ensure_eq!(ledger.disposed(), 0, "outputs");
    let event = Read::new(reader, Vec::with_capacity(64), Position::Current);
    ensure_eq!(driver.complete(event)?.1, DATA, "the data that nobody has read before");
    driver.end()
}

fn a_dropped_read_lets_go_of_its_file<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver()?;
    let ledger = Ledger::default();
    let (reader, mut writer) = pipe()?;
    let event = Read::new(reader, Vec::with_capacity(64), Position::Current);
    let mut read = driver.submit(ledger.enter(event));
    driver.start(&mut read)?;
    driver.moment()?;
    drop(read);
    driver.until("a dropped read is cancelled", || ledger.open() == 0)?;
    // Nobody else has the reading end.
    let broken = writer.write_all(DATA).err().map(|error| error.kind());
    ensure_eq!(broken, Some(ErrorKind::BrokenPipe), "the pipe of a dropped read");
    driver.end()
}

fn a_cancelled_read_gives_its_buffer_back_and_takes_nothing<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver()?;
    let (reader, mut writer) = pipe()?;
    for _ in 0..10 {
        let event = Read::new(reader.clone(), b"mine".to_vec(), Position::Current);
        let mut read = driver.submit(event);
        driver.start(&mut read)?;
        let Cancelled::Cancelled((result, buffer)) = driver.run(read.cancel())? else {
            return Err(Stop::failed("a read with nothing to read was not cancelled"));
        };
        let errno = result.err().and_then(|error| error.raw_os_error());
        ensure_eq!(errno, Some(libc::ECANCELED), "the error of a cancelled read");
        ensure_eq!(buffer, b"mine", "the buffer of a cancelled read");
    }
    writer.write_all(DATA)?;
    let event = Read::new(reader, Vec::with_capacity(64), Position::Current);
    ensure_eq!(driver.complete(event)?.1, DATA, "the data after ten cancelled reads");
    driver.end()
}

fn a_cancelled_write_has_written_nothing<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver()?;
    let (reader, writer) = full_pipe()?;
    let mut write = driver.submit(Write::new(writer, DATA.to_vec(), Position::Current));
    driver.start(&mut write)?;
    let Cancelled::Cancelled((result, buffer)) = driver.run(write.cancel())? else {
        return Err(Stop::failed("a write without room was not cancelled"));
    };
    ensure!(result.is_err(), "a cancelled write says {result:?}");
    ensure_eq!(buffer, DATA, "the buffer of a cancelled write");
    // The last writing end went with the write.
    let mut reader = crate::props::drain_pipe(reader)?;
    let mut rest = Vec::new();
    std::io::Read::read_to_end(&mut reader, &mut rest)?;
    ensure_eq!(rest.len(), 0, "bytes of a cancelled write");
    driver.end()
}

fn a_cancelled_accept_leaves_the_connection_to_the_next<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver()?;
    let listener = listener()?;
    let address = listener.local_addr()?;
    let listener = shared(listener);
    let mut accept = driver.submit(Accept::new(listener.clone()));
    driver.start(&mut accept)?;
    let cancelled = driver.run(accept.cancel())?;
    ensure!(cancelled.is_cancelled(), "an accept with nobody there was not cancelled");
    let client = TcpStream::connect(address)?;
    let (_, peer) = driver.complete(Accept::new(listener))??;
    ensure_eq!(peer.as_inet(), client.local_addr().ok(), "the connection of the next accept");
    driver.end()
}

fn a_cancel_of_what_has_completed_yields_what_it_completed_with<S: Kind>(
    bench: &Bench<S>,
) -> Verdict {
    let driver = bench.driver()?;
    let (reader, mut writer) = pipe()?;
    let signal = crate::wakers::Signal::new();
    let event = Read::new(reader, Vec::with_capacity(64), Position::Current);
    let mut read = driver.submit(event);
    driver.start(&mut read)?;
    let waker = signal.waker();
    let first = std::pin::Pin::new(&mut read).poll(&mut std::task::Context::from_waker(&waker));
    ensure!(first.is_pending(), "a read of nothing was ready");
    writer.write_all(DATA)?;
    driver.until("the read wakes", || signal.wakes() > 0)?;
    let Cancelled::Completed((count, buffer)) = driver.run(read.cancel())? else {
        return Err(Stop::failed("what had completed says that it was cancelled"));
    };
    ensure_eq!(count?, DATA.len(), "bytes read");
    ensure_eq!(buffer, DATA, "the bytes read");
    driver.end()
}

fn a_cancel_stops_its_own_operation_and_no_other<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver()?;
    let ledger = Ledger::default();
    let (reader, mut writer) = pipe()?;
    let read = || driver.submit(Read::new(reader.clone(), [0; 1], Position::Current));
    let mut others: Vec<_> = (0..8).map(|_| read()).collect();
    others.iter_mut().try_for_each(|read| driver.start(read))?;
    for _ in 0..8 {
        let mut victim = read();
        driver.start(&mut victim)?;
        let cancelled = driver.run(victim.cancel())?;
        ensure!(cancelled.is_cancelled(), "a read of an empty pipe was not cancelled");
        let event = ledger.enter(Read::new(reader.clone(), [0; 1], Position::Current));
        let mut victim = driver.submit(event);
        driver.start(&mut victim)?;
        drop(victim);
    }
    // As long as they have not, they may take what comes.
    driver.until("those that were dropped have ended", || ledger.open() == 0)?;
    others.iter_mut().try_for_each(|read| driver.start(read))?;
    writer.write_all(&[7; 8])?;
    for (count, buffer) in driver.run(futures::future::join_all(others))? {
        ensure_eq!((count?, buffer), (1, [7]), "a read that nobody has cancelled");
    }
    driver.end()
}

fn a_time_that_has_passed_stops_an_operation_and_gives_the_buffer_back<S: Kind>(
    bench: &Bench<S>,
) -> Verdict {
    let driver = bench.driver()?;
    let (reader, _writer) = pipe()?;
    let begin = Instant::now();
    let event = Read::new(reader, b"mine".to_vec(), Position::Current);
    let (result, buffer) = driver.run(driver.submit(event).timeout(Duration::from_millis(5)))?;
    ensure!(begin.elapsed() >= Duration::from_millis(5), "it was over before its time");
    let kind = result.err().map(|error| error.kind());
    ensure_eq!(kind, Some(ErrorKind::TimedOut), "the error");
    ensure_eq!(buffer, b"mine", "the buffer");
    driver.end()
}

fn a_time_that_has_not_passed_changes_nothing<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver()?;
    let (reader, _writer) = pipe_with_data()?;
    let event = Read::new(reader, Vec::with_capacity(64), Position::Current);
    let (count, buffer) = driver.run(driver.submit(event).timeout(Duration::from_secs(3600)))?;
    ensure_eq!(count?, DATA.len(), "bytes read");
    ensure_eq!(buffer, DATA, "the bytes read");
    driver.end()
}

fn a_cancelled_read_of_all_tells_how_far_it_came<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver()?;
    let (reader, _writer) = pipe_with_data()?;
    let event = ReadExact::new(reader, Vec::with_capacity(2 * DATA.len()), Position::Current);
    let mut read = driver.submit(event);
    driver.start(&mut read)?;
    driver.moment()?;
    let (result, buffer) = driver.run(read.cancel())?.into_inner();
    ensure!(result.is_err(), "a read that was stopped half-way says {result:?}");
    ensure_eq!(buffer, DATA, "what was read before");
    driver.end()
}

fn a_thousand_operations_with_random_ends_all_end<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver_of(2, 4)?;
    let ledger = Ledger::default();
    let (reader, mut writer) = pipe()?;
    let mut dice = Dice(0x5eed);
    let mut waiting = Vec::new();
    for turn in 0..1000 {
        let time = match dice.roll(3) {
            0 => Duration::from_secs(3600),
            number => Duration::from_micros(number * 20),
        };
        let mut timer = driver.submit(ledger.enter(Timeout::new(time)));
        let mut read =
            driver.submit(ledger.enter(Read::new(reader.clone(), [0; 1], Position::Current)));
        let fired = dice.roll(4) > 0 && poll_once(&mut timer).is_ready();
        match dice.roll(6) {
            0 => drop(read),
            1 => {
                driver.start(&mut read)?;
                drop(read);
            }
            2 => {
                driver.start(&mut read)?;
                let cancelled = driver.run(read.cancel())?;
                ensure!(cancelled.is_cancelled(), "turn {turn}: nothing was there to be read");
            }
            3 => {
                driver.start(&mut read)?;
                // One byte for one read, which may be another than this.
                waiting.push(read);
            }
            4 => driver.complete(Nop)??,
            _ => {
                let bound = Duration::from_micros(dice.roll(100));
                drop(driver.run(read.timeout(bound))?);
            }
        }
        match dice.roll(3) {
            _ if fired => drop(timer),
            0 => drop(timer),
            1 => drop(driver.run(timer.cancel())?),
            _ if time < Duration::from_secs(1) => driver.run(timer)??,
            _ => drop(timer),
        }
    }
    // As long as those that were dropped have not ended, they may take what comes.
    driver.until("the others have ended", || ledger.open() == waiting.len())?;
    writer.write_all(&vec![1; waiting.len()])?;
    for (count, _) in driver.run(futures::future::join_all(waiting))? {
        ensure_eq!(count?, 1, "bytes of a read that was left alone");
    }
    driver.until("all operations have ended", || ledger.open() == 0)?;
    driver.end()?;
    ledger.balance()
}

/// Numbers that are the same in every run.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    /// A number below `sides`.
    pub(super) fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

fn a_cancel_by_an_event_stops_the_operation(bench: &Bench<Shared>) -> Verdict {
    let driver = bench.driver()?;
    let (reader, _writer) = pipe()?;
    let mut read = driver.handle().submit(Read::new(reader, [0; 1], Position::Current));
    driver.start(&mut read)?;
    let target = read.cancel_target();
    let target = target.ok_or_else(|| Stop::failed("an operation in flight has no target"))?;
    driver.complete(AsyncCancel::new(target))??;
    let errno = driver.run(read)?.0.err().and_then(|error| error.raw_os_error());
    ensure_eq!(errno, Some(libc::ECANCELED), "the error of what was cancelled");
    driver.end()
}
