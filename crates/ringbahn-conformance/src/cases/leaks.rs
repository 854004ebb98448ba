//! Descriptors, events and memory, counted before and after.
//!
//! The suite counts descriptors around every case, and exactly; those here give them something to
//! leak.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ringbahn_core::Drive as _;
use ringbahn_core::event::{
    Accept, Close, ControlMessage, Domain, Nop, OpenAt, OpenOptions, Position, Read, RecvMsg,
    SendMsg, Socket, Timeout, Type, Write,
};

use crate::any_event::AnyEvent;
use crate::bench::{Bench, DEADLINE, poll_once, start};
use crate::case::list_cases;
use crate::descriptors;
use crate::kind::Kind;
use crate::ledger::Ledger;
use crate::lent::Lent;
use crate::props::{full_pipe, listener, pipe, shared};
use crate::verdict::{Stop, Verdict, ensure, ensure_eq};
use crate::wakers::Signal;

list_cases! {
    an_accepted_connection_that_nobody_takes_is_closed,
    files_opened_for_nobody_are_closed,
    sockets_made_for_nobody_are_closed,
    descriptors_passed_to_nobody_are_closed,
    what_is_closed_by_an_event_is_closed_once,
    the_buffer_of_a_dropped_write_is_given_back,
    wakers_are_let_go,
    a_driver_that_was_shut_down_leaves_nothing_open,
    a_driver_that_was_dropped_leaves_nothing_open,
    a_driver_leaves_no_thread_behind,
    a_forgotten_future_does_not_keep_the_driver,
    the_count_of_what_is_in_flight_is_exact,
}

fn an_accepted_connection_that_nobody_takes_is_closed<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver()?;
    let listener = listener()?;
    let address = listener.local_addr()?;
    let signal = Signal::new();
    let mut accept = driver.submit(Accept::new(shared(listener)));
    driver.start(&mut accept)?;
    let waker = signal.waker();
    let polled = std::pin::Pin::new(&mut accept).poll(&mut std::task::Context::from_waker(&waker));
    ensure!(polled.is_pending(), "an accept with nobody there was ready");
    let mut client = TcpStream::connect(address)?;
    client.set_read_timeout(Some(Duration::from_secs(3)))?;
    driver.until("the accept wakes", || signal.wakes() > 0)?;
    drop(accept);
    driver.moment()?;
    // A peer that has closed without a word, or with one: but not one that is still there.
    match client.read(&mut [0; 1]) {
        Ok(0) => {}
        Ok(_) => return Err(Stop::failed("somebody has written to an abandoned connection")),
        Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => {}
        Err(error) => {
            return Err(Stop::failed(format!("an abandoned connection stays open: {error}")));
        }
    }
    driver.end()
}

fn files_opened_for_nobody_are_closed<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver()?;
    let ledger = Ledger::default();
    let before = descriptors::open();
    let mut options = OpenOptions::new();
    options.read(true);
    for turn in 0..200 {
        let mut open = driver.submit(ledger.enter(OpenAt::new("/dev/null", &options)?));
        let _ = poll_once(&mut open);
        if turn % 3 == 0 {
            driver.moment()?;
        }
    }
    driver.until("all opens have ended", || ledger.open() == 0)?;
    descriptors::await_same(before, bench.patience()).map_err(Stop::Failed)?;
    driver.end()
}

fn sockets_made_for_nobody_are_closed<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver()?;
    let ledger = Ledger::default();
    let before = descriptors::open();
    for _ in 0..100 {
        let mut made = driver.submit(ledger.enter(Socket::new(Domain::UNIX, Type::STREAM, None)));
        let _ = poll_once(&mut made);
    }
    driver.until("all sockets have been made", || ledger.open() == 0)?;
    descriptors::await_same(before, bench.patience()).map_err(Stop::Failed)?;
    driver.end()
}

fn descriptors_passed_to_nobody_are_closed<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver()?;
    let ledger = Ledger::default();
    let (near, far) = UnixStream::pair()?;
    let (near, far) = (shared(near), shared(far));
    let before = descriptors::open();
    for _ in 0..20 {
        let passed = vec![OwnedFd::from(std::io::pipe()?.0)];
        let message =
            SendMsg::new(near.clone(), vec![vec![1]]).control(ControlMessage::descriptors(passed));
        driver.complete(message)?.0?;
        let event = RecvMsg::new(far.clone(), vec![vec![0]]);
        let event = event.control_space(ControlMessage::space(4));
        let mut received = driver.submit(ledger.enter(event));
        let _ = poll_once(&mut received);
        driver.moment()?;
        drop(received);
        driver.until("the receive has ended", || ledger.open() == 0)?;
    }
    descriptors::await_same(before, bench.patience()).map_err(Stop::Failed)?;
    driver.end()
}

fn what_is_closed_by_an_event_is_closed_once<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver()?;
    let before = descriptors::open();
    for turn in 0..50 {
        let mut close = driver.submit(Close::new(tempfile::tempfile()?));
        match turn % 4 {
            0 => driver.run(close)??,
            1 => drop(close),
            2 => drop(poll_once(&mut close)),
            _ => drop(driver.run(close.cancel())?),
        }
    }
    driver.until_idle()?;
    descriptors::await_same(before, bench.patience()).map_err(Stop::Failed)?;
    driver.end()
}

fn the_buffer_of_a_dropped_write_is_given_back<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver()?;
    let buffer: Arc<[u8]> = Arc::from(vec![1; 4096]);
    let (_reader, full) = full_pipe()?;
    for _ in 0..20 {
        let mut write = driver.submit(Write::new(full.clone(), buffer.clone(), Position::Current));
        driver.start(&mut write)?;
        ensure_eq!(Arc::strong_count(&buffer), 2, "shares of a buffer that is in flight");
        drop(write);
        driver.until("the buffer is given back", || Arc::strong_count(&buffer) == 1)?;
    }
    driver.end()
}

fn wakers_are_let_go<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver()?;
    let signal = Signal::new();
    let waker = signal.waker();
    let alone = signal.shares();
    for turn in 0..20 {
        // Of its own: one that was dropped may still take what comes.
        let (reader, mut writer) = pipe()?;
        let mut read = driver.submit(Read::new(reader, [0; 1], Position::Current));
        let mut cx = std::task::Context::from_waker(&waker);
        let polled = std::pin::Pin::new(&mut read).poll(&mut cx);
        ensure!(polled.is_pending(), "a read of an empty pipe was ready");
        if turn % 2 == 0 {
            writer.write_all(&[1])?;
            driver.run(&mut read)?.0?;
        }
        drop(read);
    }
    driver.until("all wakers are let go", || signal.shares() == alone)?;
    driver.end()
}

fn a_driver_that_was_shut_down_leaves_nothing_open<S: Kind>(bench: &Bench<S>) -> Verdict {
    let before = descriptors::open();
    for round in 0..10 {
        let driver = bench.driver()?;
        let (reader, _writer) = pipe()?;
        let mut read = driver.submit(Read::new(reader, [0; 1], Position::Current));
        if round % 2 == 0 {
            driver.start(&mut read)?;
        }
        ensure_eq!(driver.shut_down(DEADLINE)?.leaked, 0, "operations leaked");
    }
    descriptors::await_same(before, bench.patience()).map_err(Stop::Failed)
}

fn a_driver_that_was_dropped_leaves_nothing_open<S: Kind>(bench: &Bench<S>) -> Verdict {
    let before = descriptors::open();
    for round in 0..10 {
        let driver = bench.driver()?;
        let (reader, _writer) = pipe()?;
        let mut read = driver.submit(Read::new(reader, [0; 1], Position::Current));
        match round % 3 {
            0 => driver.start(&mut read)?,
            1 => driver.complete(Nop)??,
            _ => {}
        }
        drop(driver);
    }
    descriptors::await_same(before, bench.patience()).map_err(Stop::Failed)
}

/// How many threads there are, less the kernel's workers, which go when it suits them.
fn threads() -> usize {
    let Ok(tasks) = std::fs::read_dir("/proc/self/task") else { return 0 };
    let name = |task: std::fs::DirEntry| std::fs::read_to_string(task.path().join("comm")).ok();
    tasks.filter_map(|task| name(task.ok()?)).filter(|name| !name.starts_with("iou-")).count()
}

fn a_driver_leaves_no_thread_behind<S: Kind>(bench: &Bench<S>) -> Verdict {
    let before = threads();
    for round in 0..10 {
        let driver = bench.driver()?;
        let (reader, _writer) = pipe()?;
        let mut read = driver.submit(Read::new(reader, [0; 1], Position::Current));
        driver.start(&mut read)?;
        if round % 2 == 0 {
            driver.shut_down(DEADLINE)?;
        }
    }
    bench.await_without_driver("the threads of ten drivers are gone", || threads() <= before)
}

/// What was forgotten, for programs that look for memory which nobody can reach.
static FORGOTTEN: Mutex<Vec<usize>> = Mutex::new(Vec::new());

fn forget<T: 'static>(value: T) {
    let place = Box::into_raw(Box::new(value)).expose_provenance();
    FORGOTTEN.lock().unwrap_or_else(PoisonError::into_inner).push(place);
}

fn a_forgotten_future_does_not_keep_the_driver<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver()?;
    let lent = Lent::new(driver.handle());
    let timer = Timeout::new(Duration::from_secs(3600));
    let mut timer = lent.clone().submit(AnyEvent::new(timer));
    start(&mut timer)?;
    let mut nop = lent.clone().submit(AnyEvent::new(Nop));
    let completed = poll_once(&mut nop).is_ready();
    forget((timer, nop));
    let report = driver.shut_down(DEADLINE)?;
    let ended = report.cancelled + report.completed;
    ensure_eq!(report.leaked, 0, "operations leaked");
    ensure!(ended == 1 || !completed && ended == 2, "the report of forgotten futures: {report:?}");
    ensure_eq!(driver.in_flight().unwrap_or(0), 0, "operations in flight after the shutdown");
    lent.take_away();
    Ok(())
}

fn the_count_of_what_is_in_flight_is_exact<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver()?;
    let Some(idle) = driver.in_flight() else {
        return Err(Stop::skipped("it does not count what is in flight"));
    };
    ensure_eq!(idle, 0, "operations in flight of a new driver");
    let (reader, mut writer) = pipe()?;
    let read = || driver.submit(Read::new(reader.clone(), [0; 1], Position::Current));
    let mut reads: Vec<_> = (0..5).map(|_| read()).collect();
    for (count, read) in (1..).zip(&mut reads) {
        driver.start(read)?;
        ensure_eq!(driver.in_flight(), Some(count), "operations in flight");
    }
    writer.write_all(&[1; 2])?;
    driver.until("two have ended", || driver.in_flight() == Some(3))?;
    drop(reads);
    driver.until("all have ended", || driver.in_flight() == Some(0))?;
    driver.end()
}
