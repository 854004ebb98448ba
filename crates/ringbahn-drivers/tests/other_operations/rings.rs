//! What has to do with rings: numbers for others, files for slots, lent buffers.
#![allow(unsafe_code)]

use std::io::{ErrorKind, Write as _};
use std::num::{NonZeroU16, NonZeroU32};
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

use io_uring::IoUring;
use ringbahn_core::event::{
    FilesUpdate, Position, ProvideBuffers, Read, RecvLent, RemoveBuffers, SendNumber,
};
use ringbahn_core::{Drive, ForeignRing, SharedFd};

use crate::scene::{end, pipe, run, shared, start};
use crate::{on_both, on_kernel, skip};

/// The system's own descriptor of a ring that is not ringbahn's.
fn duplicate(ring: &IoUring) -> OwnedFd {
    // SAFETY: the ring is open, and borrowed for as long as this takes.
    unsafe { BorrowedFd::borrow_raw(ring.as_raw_fd()) }.try_clone_to_owned().unwrap()
}

#[test]
fn a_number_gets_to_a_ring_that_is_not_ringbahns() {
    let test = "a_number_gets_to_a_ring_that_is_not_ringbahns";
    let Some(driver) = on_kernel(test, (6, 3)) else { return };
    let mut other = match IoUring::new(2) {
        Ok(ring) => ring,
        Err(error) => return skip::skip(test, &format!("no io_uring: {error}")),
    };
    let ring = SharedFd::from(duplicate(&other));
    for (number, flags) in [(5, None), (u32::MAX, Some(1 << 1))] {
        // SAFETY: it is no ring of ringbahn, and its completions are only looked at.
        let send = unsafe { SendNumber::new(ring.clone(), 77, number) }.unwrap();
        let send = match flags {
            Some(flags) => send.flags(flags),
            None => send,
        };
        run(driver.clone().submit(send)).unwrap();
        other.submit_and_wait(1).unwrap();
        let cqe = other.completion().next().expect("one was waited for");
        assert_eq!((cqe.user_data(), cqe.result().cast_unsigned()), (77, number));
        assert_eq!(cqe.flags(), flags.unwrap_or(0));
    }
    let (file, _writer) = pipe();
    // SAFETY: it is no ring at all.
    let send = unsafe { SendNumber::new(file, 77, 5) }.unwrap();
    let error = run(driver.clone().submit(send)).unwrap_err();
    assert_eq!(error.raw_os_error(), Some(libc::EBADFD));
    end(&driver);
}

#[test]
fn open_files_get_into_slots_and_out_of_them() {
    let test = "open_files_get_into_slots_and_out_of_them";
    let Some(driver) = on_kernel(test, (5, 19)) else { return };
    let table = driver.direct_table(2).unwrap();
    let [(first, mut to_first), (second, _to_second)] = [pipe(), pipe()];
    let update = |files: Vec<SharedFd>| FilesUpdate::new(files, &table).unwrap();
    let both = vec![first.clone(), second.clone()];
    let slots = run(driver.clone().submit(update(both.clone()))).unwrap();
    assert_eq!((slots.len(), table.open()), (2, 2));
    let none = run(driver.clone().submit(update(vec![second.clone()]))).unwrap_err();
    assert_eq!(none.raw_os_error(), Some(libc::ENFILE));
    let [direct, other] = <[_; 2]>::try_from(slots).unwrap();
    drop(other);
    // The last two of three find no slot.
    let some = run(driver.clone().submit(update([&both[..], &both[..1]].concat()))).unwrap();
    assert_eq!((some.len(), table.open()), (1, 2));
    drop((first, some, both));
    to_first.write_all(b"direct").unwrap();
    let read = Read::new(direct, vec![0; 8], Position::Current);
    let (count, bytes) = run(driver.clone().submit(read));
    assert_eq!(&bytes[..count.unwrap()], b"direct");
    assert_eq!(table.open(), 0);
    // What nobody takes is closed.
    drop(driver.clone().submit(update(vec![second.clone()])));
    let mut dropped = driver.clone().submit(update(vec![second.clone()]));
    let _ = crate::scene::poll_once(std::pin::Pin::new(&mut dropped));
    drop(dropped);
    // Its slot is closed a moment after it has been counted as ended.
    crate::scene::until("its slot is closed", || {
        driver.counters().in_flight == 0 && table.open() == 0
    });
    let foreign = crate::driver(ringbahn_drivers::Policy::Never).unwrap();
    let error = run(foreign.clone().submit(update(vec![second]))).unwrap_err();
    assert!(error.get_ref().is_some_and(|inner| inner.is::<ForeignRing>()), "{error}");
    end(&foreign);
    drop(table);
    end(&driver);
}

#[test]
fn files_that_cannot_get_into_slots_are_refused_before() {
    let test = "files_that_cannot_get_into_slots_are_refused_before";
    let Some(driver) = on_kernel(test, (5, 19)) else { return };
    let table = driver.direct_table(1).unwrap();
    let (file, _writer) = pipe();
    let none: [SharedFd; 0] = [];
    assert_eq!(FilesUpdate::new(none, &table).unwrap_err().kind(), ErrorKind::InvalidInput);
    let many = vec![file.clone(); 1025];
    assert_eq!(FilesUpdate::new(many, &table).unwrap_err().kind(), ErrorKind::InvalidInput);
    let slots = run(driver.clone().submit(FilesUpdate::new([file], &table).unwrap())).unwrap();
    assert_eq!(FilesUpdate::new(slots, &table).unwrap_err().kind(), ErrorKind::InvalidInput);
    drop(table);
    end(&driver);
}

#[test]
fn lent_buffers_are_used_once_and_what_is_left_comes_back() {
    let test = "lent_buffers_are_used_once_and_what_is_left_comes_back";
    let Some(driver) = on_kernel(test, (5, 19)) else { return };
    // Which ring it is, its table of files tells.
    let table = driver.direct_table(1).unwrap();
    let (count, size) = (NonZeroU16::new(3).unwrap(), NonZeroU32::new(8).unwrap());
    let provide = ProvideBuffers::new(table.ring(), count, size).unwrap();
    let buffers = run(driver.clone().submit(provide)).unwrap();
    assert_eq!((buffers.count(), buffers.outside()), (3, 0));
    let (near, mut far) = UnixStream::pair().unwrap();
    let near = shared(near);
    let receive = || driver.clone().submit(RecvLent::new(near.clone(), buffers.clone()));
    let mut waiting = receive();
    start(&mut waiting);
    far.write_all(b"hello, world").unwrap();
    assert_eq!(run(waiting).unwrap(), b"hello, w");
    assert_eq!(run(receive()).unwrap(), b"orld");
    assert_eq!(buffers.outside(), 2);
    // One that is cancelled uses none up.
    let mut cancelled = receive();
    start(&mut cancelled);
    assert!(run(cancelled.cancel()).is_cancelled());
    assert_eq!(run(driver.clone().submit(RemoveBuffers::new(buffers.clone()))).unwrap(), 1);
    assert_eq!(buffers.outside(), buffers.count());
    assert_eq!(run(driver.clone().submit(RemoveBuffers::new(buffers.clone()))).unwrap(), 0);
    assert_eq!(run(receive()).unwrap_err().raw_os_error(), Some(libc::ENOBUFS));
    drop(table);
    end(&driver);
}

#[test]
fn what_the_fallback_has_no_ring_for_it_says_is_unsupported() {
    on_both("what_the_fallback_has_no_ring_for_it_says_is_unsupported", (5, 19), |driver| {
        if !crate::is_fallback(driver) {
            return;
        }
        let (file, _writer) = pipe();
        // SAFETY: there is no ring to send anything to.
        let send = unsafe { SendNumber::new(file, 77, 5) }.unwrap();
        let error = run(driver.clone().submit(send)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    });
}
