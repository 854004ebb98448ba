//! The end of a driver: in bounded time, with a true report, and with nothing left behind.

use std::io::{Read as _, Write as _};
use std::time::{Duration, Instant};

use ringbahn_core::event::{
    Accept, Interest, Nop, PollAdd, Position, Read, ReadExact, Timeout, WriteAll,
};

use crate::bench::{Bench, DEADLINE, poll_once};
use crate::case::list_cases;
use crate::cases::data::pattern;
use crate::kind::Kind;
use crate::ledger::Ledger;
use crate::props::{DATA, full_pipe, listener, pipe, pipe_with_data, shared};
use crate::subject::Report;
use crate::verdict::{Verdict, ensure, ensure_eq};

list_cases! {
    a_driver_never_used_is_shut_down_at_once,
    a_shutdown_with_nothing_in_flight_does_not_wait_for_its_deadline,
    a_shutdown_stops_whatever_is_pending,
    the_report_tells_what_was_stopped,
    the_report_does_not_tell_of_what_ended_before,
    a_second_shutdown_returns,
    an_event_after_the_shutdown_is_refused_and_gives_its_buffer_back,
    what_was_detached_goes_on_until_the_deadline,
    what_was_detached_is_stopped_past_the_deadline,
    a_read_that_goes_on_is_stopped_and_keeps_what_it_has,
    futures_outlive_the_shutdown_and_every_handle,
    a_driver_dropped_with_operations_in_flight_ends_them,
}

const HOUR: Duration = Duration::from_secs(3600);

fn a_driver_never_used_is_shut_down_at_once<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver()?;
    let begin = Instant::now();
    ensure_eq!(driver.shut_down(DEADLINE)?, Report::default(), "the report of nothing");
    ensure!(begin.elapsed() < driver.quick(), "nothing has taken {:?}", begin.elapsed());
    Ok(())
}

fn a_shutdown_with_nothing_in_flight_does_not_wait_for_its_deadline<S: Kind>(
    bench: &Bench<S>,
) -> Verdict {
    let driver = bench.driver()?;
    for _ in 0..10 {
        driver.complete(Nop)??;
    }
    driver.until_idle()?;
    let begin = Instant::now();
    ensure_eq!(driver.shut_down(HOUR)?, Report::default(), "the report of nothing in flight");
    ensure!(begin.elapsed() < driver.quick(), "nothing has taken {:?}", begin.elapsed());
    Ok(())
}

fn a_shutdown_stops_whatever_is_pending<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver()?;
    let (reader, _writer) = pipe()?;
    let (full_reader, full) = full_pipe()?;
    let mut accept = driver.submit(Accept::new(shared(listener()?)));
    let mut read = driver.submit(Read::new(reader.clone(), [0; 8], Position::Current));
    let mut write = driver.submit(WriteAll::new(full, DATA, Position::Current));
    let mut poll = driver.submit(PollAdd::new(reader, Interest::READABLE));
    let mut timer = driver.submit(Timeout::new(HOUR));
    driver.start(&mut accept)?;
    driver.start(&mut read)?;
    driver.start(&mut write)?;
    driver.start(&mut poll)?;
    driver.start(&mut timer)?;
    let begin = Instant::now();
    let report = driver.shut_down(DEADLINE)?;
    ensure!(begin.elapsed() < DEADLINE, "what can be stopped at once has taken all the time");
    ensure_eq!(report, Report { completed: 0, cancelled: 5, leaked: 0 }, "the report");
    bench.stage("waiting for futures that were in flight at the shutdown");
    ensure!(driver.run(accept)?.is_err(), "an accept has succeeded by the shutdown");
    ensure!(driver.run(read)?.0.is_err(), "a read has succeeded by the shutdown");
    ensure!(driver.run(write)?.0.is_err(), "a write has succeeded by the shutdown");
    ensure!(driver.run(poll)?.is_err(), "a poll has succeeded by the shutdown");
    ensure!(driver.run(timer)?.is_err(), "a timer has fired by the shutdown");
    drop(full_reader);
    ensure_eq!(driver.in_flight().unwrap_or(0), 0, "operations in flight after the shutdown");
    Ok(())
}

fn the_report_tells_what_was_stopped<S: Kind>(bench: &Bench<S>) -> Verdict {
    for count in [1, 2, 3, 17] {
        let driver = bench.driver()?;
        let (reader, _writer) = pipe()?;
        let read = || driver.submit(Read::new(reader.clone(), [0; 1], Position::Current));
        let mut reads: Vec<_> = (0..count).map(|_| read()).collect();
        reads.iter_mut().try_for_each(|read| driver.start(read))?;
        let report = driver.shut_down(DEADLINE)?;
        let expected = Report { completed: 0, cancelled: count, leaked: 0 };
        ensure_eq!(report, expected, "the report of {count} reads");
    }
    Ok(())
}

fn the_report_does_not_tell_of_what_ended_before<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver()?;
    let (reader, _writer) = pipe()?;
    for _ in 0..10 {
        driver.complete(Nop)??;
        let mut read = driver.submit(Read::new(reader.clone(), [0; 1], Position::Current));
        driver.start(&mut read)?;
        driver.run(read.cancel())?;
    }
    let mut read = driver.submit(Read::new(reader, [0; 1], Position::Current));
    driver.start(&mut read)?;
    driver.until("nothing but the read is in flight", || driver.in_flight().unwrap_or(1) == 1)?;
    let report = driver.shut_down(DEADLINE)?;
    ensure_eq!(report, Report { completed: 0, cancelled: 1, leaked: 0 }, "the report");
    Ok(())
}

fn a_second_shutdown_returns<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver()?;
    let (reader, _writer) = pipe()?;
    let mut read = driver.submit(Read::new(reader, [0; 1], Position::Current));
    driver.start(&mut read)?;
    ensure_eq!(driver.shut_down(DEADLINE)?.leaked, 0, "operations leaked");
    let begin = Instant::now();
    ensure_eq!(driver.shut_down(HOUR)?.leaked, 0, "operations leaked, asked again");
    ensure!(
        begin.elapsed() < driver.quick(),
        "the second shutdown has taken {:?}",
        begin.elapsed()
    );
    Ok(())
}

fn an_event_after_the_shutdown_is_refused_and_gives_its_buffer_back<S: Kind>(
    bench: &Bench<S>,
) -> Verdict {
    let driver = bench.driver()?;
    driver.complete(Nop)??;
    let (reader, _writer) = pipe_with_data()?;
    let handle = driver.handle();
    driver.shut_down(DEADLINE)?;
    bench.stage("running an event after the shutdown");
    let event = Read::new(reader.clone(), b"mine".to_vec(), Position::Current);
    let (result, buffer) = driver.complete(event)?;
    ensure!(result.is_err(), "an event after the shutdown was accepted: {result:?}");
    ensure_eq!(buffer, b"mine", "the buffer of an event that was refused");
    // And so does every handle, those from before too.
    let event = Read::new(reader, b"mine".to_vec(), Position::Current);
    let (result, buffer) = driver.run(handle.submit(event))?;
    ensure!(result.is_err(), "a handle from before the shutdown accepts events: {result:?}");
    ensure_eq!(buffer, b"mine", "the buffer of an event that was refused");
    Ok(())
}

fn what_was_detached_goes_on_until_the_deadline<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver()?;
    let (mut reader, writer) = std::io::pipe()?;
    let data = pattern(300_000);
    let event = WriteAll::new(shared(writer), data.clone(), Position::Current);
    let mut write = driver.submit(event);
    driver.start(&mut write)?;
    write.detach();
    drop(write);
    let other_end = std::thread::spawn(move || {
        let mut received = Vec::new();
        reader.read_to_end(&mut received).map(|_| received)
    });
    let report = driver.shut_down(DEADLINE)?;
    // The other end may have been fast enough to see it complete before the end began.
    let told = Report { completed: report.completed.min(1), cancelled: 0, leaked: 0 };
    ensure_eq!(report, told, "the report");
    let received = other_end.join().map_err(|panic| crate::verdict::Stop::panicked(&*panic))??;
    ensure_eq!(received.len(), data.len(), "bytes of a write that was detached");
    ensure!(received == data, "the bytes of a write that was detached are others");
    Ok(())
}

fn what_was_detached_is_stopped_past_the_deadline<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver()?;
    let ledger = Ledger::default();
    let (_reader, full) = full_pipe()?;
    let event = WriteAll::new(full, DATA, Position::Current);
    let mut write = driver.submit(ledger.enter(event));
    driver.start(&mut write)?;
    write.detach();
    drop(write);
    let deadline = Duration::from_millis(30);
    let begin = Instant::now();
    let report = driver.shut_down(deadline)?;
    ensure!(begin.elapsed() >= deadline, "what was detached was not given its time");
    ensure_eq!(report, Report { completed: 0, cancelled: 1, leaked: 0 }, "the report");
    ledger.balance()
}

fn a_read_that_goes_on_is_stopped_and_keeps_what_it_has<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver()?;
    let (reader, _writer) = pipe_with_data()?;
    let event = ReadExact::new(reader, Vec::with_capacity(2 * DATA.len()), Position::Current);
    let mut read = driver.submit(event);
    driver.start(&mut read)?;
    driver.moment()?;
    let report = driver.shut_down(DEADLINE)?;
    ensure_eq!(report.leaked, 0, "operations leaked");
    let (result, buffer) = driver.run(read)?;
    ensure!(result.is_err(), "a read of more than there was says {result:?}");
    ensure_eq!(buffer, DATA, "what it had read before");
    Ok(())
}

fn futures_outlive_the_shutdown_and_every_handle<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver()?;
    let ledger = Ledger::default();
    let (reader, mut writer) = pipe()?;
    let event = || ledger.enter(Read::new(reader.clone(), [0; 1], Position::Current));
    let mut started = driver.submit(event());
    driver.start(&mut started)?;
    let never_polled = driver.submit(event());
    driver.shut_down(DEADLINE)?;
    drop(driver);
    // What has ended is there without anybody's help.
    ensure!(poll_once(&mut started).is_ready(), "the operation of a driver that is gone waits");
    drop((started, never_polled));
    writer.write_all(b"still open")?;
    ledger.balance()
}

fn a_driver_dropped_with_operations_in_flight_ends_them<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver()?;
    let ledger = Ledger::default();
    let (reader, _writer) = pipe()?;
    let event = || ledger.enter(Read::new(reader.clone(), [0; 1], Position::Current));
    let mut reads: Vec<_> = (0..8).map(|_| driver.submit(event())).collect();
    for read in &mut reads {
        driver.start(read)?;
    }
    drop(driver);
    drop(reads);
    bench.await_without_driver("a dropped driver ends what is in flight", || ledger.open() == 0)?;
    ledger.balance()
}
