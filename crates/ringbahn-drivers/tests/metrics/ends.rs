//! How operations end, and what they are counted as.

use std::io::Write as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::time::Duration;

use futures::StreamExt;
use ringbahn_core::event::{
    AcceptMulti, EventExt, Fsync, Nop, Position, Read, ReadExact, Timeout, Write,
};
use ringbahn_core::{Cancelled, Drive, Metering, OpcodeMetrics, SharedFd, opcode};

use crate::home::{Home, end, home, pending, quiet, until, until_idle};
use crate::scene::{pipe, shared};

on_every_driver! {
    what_succeeds_and_what_fails_is_told_apart,
    what_is_in_flight_is_told_until_it_ends,
    a_cancelled_operation_has_neither_succeeded_nor_failed,
    a_dropped_future_leaves_a_result_that_is_disposed_of,
    each_operation_of_a_chain_is_counted_as_what_it_is,
    a_stream_is_one_entry_and_its_items,
    an_operation_that_goes_on_counts_once_more,
    a_timer_that_fires_has_succeeded,
    nothing_is_kept_unless_told,
}

/// How many have ended in each of the three ways.
fn ends(figures: &OpcodeMetrics) -> [u64; 3] {
    [figures.succeeded, figures.failed, figures.cancelled]
}

/// A read of a pipe, which has to wait.
fn read(reader: &SharedFd) -> Read<[u8; 8]> {
    Read::new(reader.clone(), [0; 8], Position::Current)
}

/// A write that the kernel refuses: it ends beyond the end of all files.
fn impossible(file: &SharedFd) -> Write<&'static str> {
    Write::new(file.clone(), "whole", Position::At(u64::MAX))
}

fn what_succeeds_and_what_fails_is_told_apart<H: Home>(test: &'static str) {
    let Some(home) = home::<H>(test, Metering::Counts) else { return };
    let file = shared(tempfile::tempfile().unwrap());
    for _ in 0..5 {
        home.run(home.driver().submit(Nop)).unwrap();
    }
    let write = Write::new(file.clone(), "whole", Position::At(0));
    assert_eq!(home.run(home.driver().submit(write)).0.unwrap(), 5);
    for _ in 0..2 {
        home.run(home.driver().submit(impossible(&file))).0.unwrap_err();
    }
    until_idle(&home);
    let metrics = quiet(&home);
    let names: Vec<_> = metrics.opcodes().iter().map(OpcodeMetrics::name).collect();
    assert_eq!(names, ["NOP", "WRITE"]);
    assert_eq!(ends(&metrics.of(opcode::NOP)), [5, 0, 0]);
    assert_eq!(ends(&metrics.of(opcode::WRITE)), [1, 2, 0]);
    assert_eq!(metrics.of(opcode::NOP).latencies, None);
    home.run(home.driver().submit(Nop)).unwrap();
    until_idle(&home);
    let lately = quiet(&home).since(&metrics);
    assert_eq!((lately.total().submitted, ends(&lately.of(opcode::NOP))), (1, [1, 0, 0]));
    assert_eq!(end(&home).total().submitted, 9);
}

fn what_is_in_flight_is_told_until_it_ends<H: Home>(test: &'static str) {
    let Some(home) = home::<H>(test, Metering::Counts) else { return };
    let (reader, mut writer) = pipe();
    let reads: Vec<_> = (0..3).map(|_| pending(&home, read(&reader))).collect();
    let metrics = quiet(&home);
    assert_eq!((metrics.of(opcode::READ).in_flight, metrics.total().completed()), (3, 0));
    writer.write_all(&[7; 24]).unwrap();
    for read in reads {
        assert_eq!(home.run(read).0.unwrap(), 8);
    }
    until_idle(&home);
    let metrics = quiet(&home);
    assert_eq!(
        (metrics.of(opcode::READ).in_flight, ends(&metrics.of(opcode::READ))),
        (0, [3, 0, 0])
    );
    end(&home);
}

fn a_cancelled_operation_has_neither_succeeded_nor_failed<H: Home>(test: &'static str) {
    let Some(home) = home::<H>(test, Metering::Counts) else { return };
    let (reader, _writer) = pipe();
    let Cancelled::Cancelled(_) = home.run(pending(&home, read(&reader)).cancel()) else {
        panic!("there was nothing to read");
    };
    until_idle(&home);
    let read = quiet(&home).of(opcode::READ);
    assert_eq!((ends(&read), read.disposed), ([0, 0, 1], 0));
    // Cancels that the driver sends are nobody's operations.
    assert_eq!(end(&home).of(opcode::ASYNC_CANCEL).submitted, 0);
}

fn a_dropped_future_leaves_a_result_that_is_disposed_of<H: Home>(test: &'static str) {
    let Some(home) = home::<H>(test, Metering::Counts) else { return };
    let (reader, _writer) = pipe();
    let kept = pending(&home, read(&reader));
    for _ in 0..3 {
        drop(pending(&home, read(&reader)));
    }
    until(&home, "they have been disposed of", || home.counters().disposed == 3);
    let read = quiet(&home).of(opcode::READ);
    assert_eq!((ends(&read), read.disposed, read.in_flight), ([0, 0, 3], 3, 1));
    drop(kept);
    let read = end(&home).of(opcode::READ);
    assert_eq!((ends(&read), read.disposed, read.in_flight), ([0, 0, 4], 4, 0));
}

fn each_operation_of_a_chain_is_counted_as_what_it_is<H: Home>(test: &'static str) {
    let Some(home) = home::<H>(test, Metering::Counts) else { return };
    let file = shared(tempfile::tempfile().unwrap());
    let write = Write::new(file.clone(), "whole", Position::At(0));
    let ((count, _), synced) = home.run(home.driver().submit(write.link(Fsync::new(file.clone()))));
    assert_eq!((count.unwrap(), synced.is_ok()), (5, true));
    let broken = impossible(&file).link(Fsync::new(file.clone()));
    let ((count, _), synced) = home.run(home.driver().submit(broken));
    assert!(count.is_err() && synced.is_err());
    until(&home, "nothing is in flight", || home.counters().in_flight == 0);
    let metrics = home.metrics().unwrap();
    assert_eq!(ends(&metrics.of(opcode::WRITE)), [1, 1, 0]);
    assert_eq!(ends(&metrics.of(opcode::FSYNC)), [1, 0, 1]);
    // The driver counts a chain once.
    assert_eq!((metrics.total().submitted, home.counters().submitted), (4, 2));
    assert_eq!(metrics.total().in_flight, 0);
    home.shut_down();
}

fn a_stream_is_one_entry_and_its_items<H: Home>(test: &'static str) {
    let Some(home) = home::<H>(test, Metering::Latencies) else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    let listener = shared(UnixListener::bind(&path).unwrap());
    let mut connections = Box::pin(home.driver().stream(AcceptMulti::new(listener)));
    let mut clients = Vec::new();
    for _ in 0..3 {
        clients.push(UnixStream::connect(&path).unwrap());
        home.run(connections.next()).unwrap().unwrap();
    }
    let accept = quiet(&home).of(opcode::ACCEPT);
    assert_eq!((accept.submitted, accept.items, ends(&accept)), (1, 3, [0, 0, 0]));
    assert_eq!(accept.latencies.unwrap().count(), 1);
    connections.as_mut().stop();
    assert!(home.run(connections.next()).is_none());
    until_idle(&home);
    let accept = end(&home).of(opcode::ACCEPT);
    assert_eq!((accept.submitted, accept.items, ends(&accept)), (1, 3, [0, 0, 1]));
    assert_eq!(accept.latencies.unwrap().count(), 1);
}

fn an_operation_that_goes_on_counts_once_more<H: Home>(test: &'static str) {
    let Some(home) = home::<H>(test, Metering::Counts) else { return };
    let (reader, mut writer) = pipe();
    let whole = pending(&home, ReadExact::new(reader, [0; 8], Position::Current));
    writer.write_all(&[7; 3]).unwrap();
    until(&home, "it goes on", || {
        let counters = home.counters();
        counters.repeated == 1 && counters.in_flight == 1
    });
    writer.write_all(&[7; 5]).unwrap();
    assert_eq!(home.run(whole).1, [7; 8]);
    until_idle(&home);
    let read = end(&home).of(opcode::READ);
    assert_eq!((read.submitted, read.repeated, ends(&read)), (2, 1, [2, 0, 0]));
}

fn a_timer_that_fires_has_succeeded<H: Home>(test: &'static str) {
    let Some(home) = home::<H>(test, Metering::Counts) else { return };
    home.run(home.driver().submit(Timeout::new(Duration::from_millis(1)))).unwrap();
    until_idle(&home);
    assert_eq!(ends(&end(&home).of(opcode::TIMEOUT)), [1, 0, 0]);
}

fn nothing_is_kept_unless_told<H: Home>(test: &'static str) {
    let Some(home) = home::<H>(test, Metering::Off) else { return };
    home.run(home.driver().submit(Nop)).unwrap();
    assert_eq!(home.metrics(), None);
    home.shut_down();
}
