//! What a ring that polls takes, and what becomes of the rest.

use std::io;
use std::time::Duration;

use ringbahn_core::event::{
    AsyncCancel, EventExt, Fsync, Nop, Position, Read, ReadExact, ReadVectored, Recv, Statx,
    Timeout, Write, WriteAll, WriteVectored,
};
use ringbahn_core::{Drive, Event, Forbidden, Pollable, SharedFd, opcode};
use ringbahn_drivers::IopollDriver;

use crate::driven::{self, end};
use crate::driver;
use crate::scene::{pipe, run, shared, start};

/// As a handle to a file does, which takes any driver.
fn submit<D: Drive + Unpin, E: Event>(driver: D, event: E) -> E::Output {
    run(driver.submit(event))
}

#[track_caller]
fn assert_forbidden(error: &io::Error, opcode: u8) {
    assert_eq!(error.kind(), io::ErrorKind::Unsupported);
    let forbidden = error.get_ref().unwrap().downcast_ref::<Forbidden>().unwrap();
    assert_eq!(forbidden.opcode(), opcode);
    assert!(forbidden.hint().contains("another driver"), "{forbidden}");
    assert!(error.to_string().contains(opcode::name(opcode).unwrap()), "{error}");
}

#[test]
fn what_cannot_be_polled_is_refused_and_comes_back() {
    let Some(driver) = driver("what_cannot_be_polled_is_refused_and_comes_back", 4, 8) else {
        return;
    };
    let file = shared(tempfile::tempfile().unwrap());
    assert_forbidden(&submit(driver.clone(), Fsync::new(file.clone())).unwrap_err(), opcode::FSYNC);
    let (received, buffer) = submit(driver.clone(), Recv::new(file.clone(), b"mine".to_vec()));
    assert_forbidden(&received.unwrap_err(), opcode::RECV);
    assert_eq!(buffer, b"mine");
    assert_forbidden(&submit(driver.clone(), Statx::of(file)).unwrap_err(), opcode::STATX);
    let timeout = submit(driver.clone(), Timeout::new(Duration::from_millis(1)));
    assert_forbidden(&timeout.unwrap_err(), opcode::TIMEOUT);
    assert_eq!(driver.counters().submitted, 0, "something has reached the ring");
    run(driver.clone().submit(Nop)).unwrap();
    end(&driver);
}

#[test]
fn a_chain_with_one_such_part_is_refused_whole() {
    let Some(driver) = driver("a_chain_with_one_such_part_is_refused_whole", 4, 8) else { return };
    let file = shared(tempfile::tempfile().unwrap());
    let write = Write::new(file.clone(), "mine", Position::At(0));
    let ((written, buffer), synced) = submit(driver.clone(), write.link(Fsync::new(file)));
    assert_forbidden(&written.unwrap_err(), opcode::FSYNC);
    assert_eq!(buffer, "mine");
    assert_eq!(synced.unwrap_err().raw_os_error(), Some(libc::ECANCELED));
    assert_eq!(driver.counters().submitted, 0);
    end(&driver);
}

#[test]
fn a_cancel_by_way_of_the_queue_is_refused() {
    let Some(driver) = driver("a_cancel_by_way_of_the_queue_is_refused", 4, 8) else { return };
    let Some(other) = crate::skip::driver("a_cancel_by_way_of_the_queue_is_refused", 4, 8) else {
        return;
    };
    let (reader, _writer) = pipe();
    let mut read = other.clone().submit(Read::new(reader, [0; 1], Position::Current));
    start(&mut read);
    let target = read.cancel_target().unwrap();
    let refused = submit(driver.clone(), AsyncCancel::new(target)).unwrap_err();
    assert_forbidden(&refused, opcode::ASYNC_CANCEL);
    drop(read);
    end(&driver);
    crate::scene::end(&other);
}

#[test]
fn every_event_that_is_marked_is_taken() {
    let Some(driver) = driver("every_event_that_is_marked_is_taken", 4, 8) else { return };
    /// The answer may be an error of the kernel, and not one of the driver.
    fn taken<E: Pollable>(driver: &IopollDriver, event: E) -> E::Output {
        let before = driver.counters().submitted;
        let output = run(driver.clone().submit(event));
        assert_eq!(driver.counters().submitted, before + 1, "it was refused");
        output
    }
    let file: SharedFd = shared(tempfile::tempfile().unwrap());
    let at = Position::At(0);
    taken(&driver, Nop).unwrap();
    let _ = taken(&driver, Read::new(file.clone(), vec![0; 8], at));
    let _ = taken(&driver, ReadExact::new(file.clone(), vec![0; 8], at));
    let _ = taken(&driver, ReadVectored::new(file.clone(), [vec![0; 8], vec![0; 8]], at));
    let _ = taken(&driver, Write::new(file.clone(), "data", at));
    let _ = taken(&driver, WriteAll::new(file.clone(), "data", at));
    let _ = taken(&driver, WriteVectored::new(file.clone(), ["da", "ta"], at));
    let (nop, _) = taken(&driver, Nop.link(Write::new(file, "data", at)));
    nop.unwrap();
    driven::until_idle(&driver);
    end(&driver);
}
