//! Sends whose buffer the kernel keeps for longer than it takes to send.
//!
//! Whatever is sent here is read by the peer, also where the case fails.

use ringbahn_core::event::{Nop, SendZc};
use ringbahn_core::{BufResult, Cancelled};

use crate::bench::{Bench, DEADLINE, Subjected, poll_once};
use crate::case::list_cases;
use crate::cases::data::pattern;
use crate::kind::Kind;
use crate::ledger::Ledger;
use crate::props::{DATA, connection, full_connection, shared};
use crate::verdict::{Stop, Verdict, ensure, ensure_eq};

list_cases! {
    what_is_sent_arrives_and_the_buffer_comes_back,
    the_count_comes_before_the_buffer,
    more_than_the_peer_takes_at_once_arrives_whole,
    a_dropped_send_gives_its_buffer_back_when_the_kernel_does,
    a_cancelled_send_that_waits_gives_its_buffer_back,
    a_shutdown_waits_for_the_buffer,
}

/// A driver, where the kernel sends without a copy.
fn driver<S: Kind>(bench: &Bench<S>) -> Result<Subjected<'_, S>, Stop> {
    let driver = bench.driver()?;
    let (near, mut far) = connection()?;
    let (count, _) = driver.complete(SendZc::new(shared(near), DATA))?;
    match count {
        Err(error) if error.raw_os_error() == Some(libc::EINVAL) => {
            Err(Stop::skipped("the kernel does not send without a copy"))
        }
        count => {
            let received = far.receive(count?)?;
            ensure_eq!(received, DATA, "the bytes received");
            Ok(driver)
        }
    }
}

fn what_is_sent_arrives_and_the_buffer_comes_back<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = driver(bench)?;
    let (near, mut far) = connection()?;
    let near = shared(near);
    for turn in 0..20_u8 {
        let (count, buffer) = driver.complete(SendZc::new(near.clone(), vec![turn; 2000]))?;
        ensure_eq!(count?, 2000, "bytes sent");
        ensure_eq!(buffer, [turn; 2000], "the buffer");
        ensure_eq!(far.receive(2000)?, [turn; 2000], "the bytes received");
    }
    driver.end()
}

fn the_count_comes_before_the_buffer<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = driver(bench)?;
    let (near, mut far) = connection()?;
    let mut send = driver.submit(SendZc::new(shared(near), DATA.to_vec()));
    let first = driver.run(send.cqe(0))?;
    let first = first.ok_or_else(|| Stop::failed("a send has ended without a CQE"))?;
    ensure_eq!(first.result()? as usize, DATA.len(), "bytes sent, by the first CQE");
    ensure_eq!(far.receive(DATA.len())?, DATA, "the bytes received");
    let (count, buffer) = driver.run(send)?;
    ensure_eq!(count?, DATA.len(), "bytes sent");
    ensure_eq!(buffer, DATA, "the buffer");
    driver.end()
}

fn more_than_the_peer_takes_at_once_arrives_whole<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = driver(bench)?;
    let (near, mut far) = connection()?;
    let data = pattern(1 << 20);
    let length = data.len();
    let other_end = std::thread::spawn(move || far.receive(length).map(|received| (received, far)));
    let send = SendZc::new(shared(near), data.clone()).wait_all(true);
    let (count, buffer): BufResult<usize, _> = driver.complete(send)?;
    ensure_eq!(count?, length, "bytes sent");
    ensure!(buffer == data, "the buffer has come back as another");
    let (received, _far) = other_end.join().map_err(|panic| Stop::panicked(&*panic))??;
    ensure!(received == data, "the bytes received are others");
    driver.end()
}

fn a_dropped_send_gives_its_buffer_back_when_the_kernel_does<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = driver(bench)?;
    let ledger = Ledger::default();
    for _ in 0..10 {
        let (near, mut far) = connection()?;
        let mut send = driver.submit(ledger.enter(SendZc::new(shared(near), vec![1; 100_000])));
        let _ = poll_once(&mut send);
        drop(send);
        driver.until("the buffer is given back", || far.drain().is_err() || ledger.open() == 0)?;
    }
    driver.end()?;
    ledger.balance()
}

fn a_cancelled_send_that_waits_gives_its_buffer_back<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = driver(bench)?;
    let (near, _far) = full_connection()?;
    let mut send = driver.submit(SendZc::new(shared(near), DATA.to_vec()));
    driver.start(&mut send)?;
    driver.moment()?;
    match driver.run(send.cancel())? {
        Cancelled::Cancelled((result, buffer)) => {
            ensure!(result.is_err(), "a cancelled send says {result:?}");
            ensure_eq!(buffer, DATA, "the buffer of a cancelled send");
        }
        Cancelled::Completed((result, _)) => {
            return Err(Stop::failed(format!("a send without room has completed: {result:?}")));
        }
    }
    driver.complete(Nop)??;
    driver.end()
}

fn a_shutdown_waits_for_the_buffer<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = driver(bench)?;
    let ledger = Ledger::default();
    let (near, mut far) = connection()?;
    let mut send = driver.submit(ledger.enter(SendZc::new(shared(near), vec![1; 200_000])));
    let pending = poll_once(&mut send).is_pending();
    let other_end = std::thread::spawn(move || {
        let mut received = 0;
        while far.receive(1).is_ok() {
            received += 1;
        }
        (received, far)
    });
    let report = driver.shut_down(DEADLINE)?;
    ensure_eq!(report.leaked, 0, "operations leaked");
    if pending {
        drop(driver.run(send)?);
    } else {
        drop(send);
    }
    ledger.balance()?;
    drop(driver);
    // The near end has gone with the send, so the far one comes to its end.
    let (received, _far) = other_end.join().map_err(|panic| Stop::panicked(&*panic))?;
    ensure!(received <= 200_000, "more was received than was sent: {received}");
    Ok(())
}
