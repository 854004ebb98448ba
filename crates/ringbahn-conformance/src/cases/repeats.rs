//! Operations that are submitted more than once.

use std::io::{Read as _, Write as _};

use futures::future::join_all;
use ringbahn_core::event::{
    Interest, Nop, Position, Read, ReadExact, SendAll, WhenReady, WriteAll,
};

use crate::bench::{Bench, DEADLINE, poll_once};
use crate::case::list_cases;
use crate::cases::data::pattern;
use crate::events::Rounds;
use crate::kind::Kind;
use crate::ledger::Ledger;
use crate::props::{DATA, impatient_pipe, pipe, shared, socket_pair};
use crate::verdict::{Stop, Verdict, ensure, ensure_eq};

list_cases! {
    an_operation_goes_round_as_often_as_it_wants,
    many_operations_go_round_at_once,
    a_read_of_all_goes_on_until_it_has_all,
    a_write_of_all_goes_on_until_all_is_written,
    a_send_of_all_goes_on_until_all_is_sent,
    a_file_that_is_not_ready_is_waited_for,
    what_goes_round_for_ever_is_stopped_by_a_cancel,
    what_goes_round_for_ever_is_stopped_by_a_drop,
    what_goes_round_for_ever_is_stopped_by_the_shutdown,
    what_goes_round_for_ever_stops_nobody_else,
}

fn an_operation_goes_round_as_often_as_it_wants<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver_of(1, 2)?;
    for wanted in [1, 2, 3, 5, 8, 100] {
        ensure_eq!(driver.complete(Rounds::new(wanted))??, wanted, "rounds");
    }
    driver.end()
}

fn many_operations_go_round_at_once<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver_of(1, 2)?;
    let all = (1..=50).map(|wanted| driver.submit(Rounds::new(wanted)));
    for (rounds, wanted) in driver.run(join_all(all))?.into_iter().zip(1..) {
        ensure_eq!(rounds?, wanted, "rounds");
    }
    driver.end()
}

fn a_read_of_all_goes_on_until_it_has_all<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver()?;
    let (reader, mut writer) = pipe()?;
    let event = ReadExact::new(reader, Vec::with_capacity(DATA.len()), Position::Current);
    let mut read = driver.submit(event);
    for part in DATA.chunks(13) {
        driver.start(&mut read)?;
        writer.write_all(part)?;
        driver.moment()?;
    }
    let (result, buffer) = driver.run(read)?;
    result?;
    ensure_eq!(buffer, DATA, "what came in parts");
    driver.end()
}

fn a_write_of_all_goes_on_until_all_is_written<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver()?;
    let (mut reader, writer) = std::io::pipe()?;
    let data = pattern(500_000);
    let mut write = driver.submit(WriteAll::new(shared(writer), data.clone(), Position::Current));
    driver.start(&mut write)?;
    let other_end = std::thread::spawn(move || {
        let mut received = Vec::new();
        reader.read_to_end(&mut received).map(|_| received)
    });
    driver.run(write)?.0?;
    let received = other_end.join().map_err(|panic| Stop::panicked(&*panic))??;
    ensure!(received == data, "the bytes of a long write are others");
    driver.end()
}

fn a_send_of_all_goes_on_until_all_is_sent<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver()?;
    let (near, mut far) = socket_pair()?;
    let data = pattern(2 << 20);
    let mut send = driver.submit(SendAll::new(near, data.clone()));
    ensure!(poll_once(&mut send).is_pending(), "a socket has taken more than it holds");
    let length = data.len();
    let other_end = std::thread::spawn(move || {
        let mut received = vec![0; length];
        far.read_exact(&mut received).map(|()| received)
    });
    driver.run(send)?.0?;
    let received = other_end.join().map_err(|panic| Stop::panicked(&*panic))??;
    ensure!(received == data, "the bytes of a long send are others");
    driver.end()
}

fn a_file_that_is_not_ready_is_waited_for<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver()?;
    let (reader, mut writer) = impatient_pipe()?;
    let event = Read::new(reader.clone(), Vec::with_capacity(64), Position::Current);
    let mut read = driver.submit(WhenReady::new(event, reader, Interest::READABLE));
    driver.start(&mut read)?;
    driver.moment()?;
    writer.write_all(DATA)?;
    let (count, buffer) = driver.run(read)?;
    ensure_eq!(count?, DATA.len(), "bytes read");
    ensure_eq!(buffer, DATA, "the bytes read");
    driver.end()
}

fn what_goes_round_for_ever_is_stopped_by_a_cancel<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver()?;
    for _ in 0..10 {
        let mut endless = driver.submit(Rounds::endless());
        ensure!(poll_once(&mut endless).is_pending(), "what goes round for ever has ended");
        bench.stage("cancelling what goes round for ever");
        drop(driver.run(endless.cancel())?);
    }
    driver.end()
}

fn what_goes_round_for_ever_is_stopped_by_a_drop<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver()?;
    let ledger = Ledger::default();
    for _ in 0..10 {
        let mut endless = driver.submit(ledger.enter(Rounds::endless()));
        ensure!(poll_once(&mut endless).is_pending(), "what goes round for ever has ended");
        drop(endless);
    }
    driver.until("what was dropped has ended", || ledger.open() == 0)?;
    driver.end()
}

fn what_goes_round_for_ever_is_stopped_by_the_shutdown<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver()?;
    let mut endless = driver.submit(Rounds::endless());
    ensure!(poll_once(&mut endless).is_pending(), "what goes round for ever has ended");
    let report = driver.shut_down(DEADLINE)?;
    ensure_eq!(report.leaked, 0, "operations leaked");
    bench.stage("waiting for what went round until the shutdown");
    drop(driver.run(endless)?);
    Ok(())
}

fn what_goes_round_for_ever_stops_nobody_else<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver_of(1, 2)?;
    let mut endless = driver.submit(Rounds::endless());
    ensure!(poll_once(&mut endless).is_pending(), "what goes round for ever has ended");
    bench.stage("running others beside what goes round for ever");
    let (reader, mut writer) = pipe()?;
    for _ in 0..20 {
        driver.complete(Nop)??;
        let mut read = driver.submit(Read::new(reader.clone(), [0; 1], Position::Current));
        driver.start(&mut read)?;
        writer.write_all(&[5])?;
        ensure_eq!(driver.run(read)?.1, [5], "the byte read");
    }
    drop(endless);
    driver.end()
}
