//! Machines on which there can be no ring: each says why, and what to do about it.
#![allow(unsafe_code)]

use std::io;
use std::pin::Pin;
use std::task::Context;

use ringbahn_core::Drive;
use ringbahn_core::event::{Nop, Position, Read};
use ringbahn_drivers::{Reason, Setup, SharedDriver, Unavailable};

#[path = "support/filter.rs"]
mod filter;
#[path = "support/scene.rs"]
mod scene;
#[path = "support/skip.rs"]
mod skip;

use scene::{descriptors, end, in_child, pipe, run};

/// Why there is no driver.
#[track_caller]
fn unavailable() -> (Unavailable, io::ErrorKind) {
    let error = SharedDriver::new().unwrap_err();
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Unavailable>());
    let inner = inner.unwrap_or_else(|| panic!("not a typed error: {error}")).clone();
    assert!(!inner.hint().is_empty());
    assert_eq!(Setup::new(8).build().unwrap_err().reason(), inner.reason());
    (inner, error.kind())
}

/// What a filter that fails `call` with `errno` leads to; no descriptor is left behind.
fn filtered(test: &str, call: u32, errno: i32, reason: Reason, kind: io::ErrorKind) {
    in_child(test, || {
        let before = descriptors();
        filter::forbid(call, errno);
        let (unavailable, found) = unavailable();
        assert_eq!((unavailable.reason(), found), (reason, kind), "{unavailable}");
        assert_eq!(unavailable.raw_os_error(), Some(errno));
        assert!(unavailable.hint().contains("seccomp"), "{unavailable}");
        assert_eq!(descriptors(), before);
    });
}

#[test]
fn a_setup_that_is_not_permitted_is_blocked() {
    let test = "a_setup_that_is_not_permitted_is_blocked";
    let kind = io::ErrorKind::PermissionDenied;
    filtered(test, filter::SETUP, libc::EPERM, Reason::Blocked, kind);
}

#[test]
fn a_setup_to_which_access_is_denied_is_blocked() {
    let test = "a_setup_to_which_access_is_denied_is_blocked";
    let kind = io::ErrorKind::PermissionDenied;
    filtered(test, filter::SETUP, libc::EACCES, Reason::Blocked, kind);
}

#[test]
fn a_setup_that_does_not_exist_is_missing() {
    let test = "a_setup_that_does_not_exist_is_missing";
    filtered(test, filter::SETUP, libc::ENOSYS, Reason::Missing, io::ErrorKind::Unsupported);
}

#[test]
fn a_ring_that_cannot_be_entered_is_blocked() {
    let test = "a_ring_that_cannot_be_entered_is_blocked";
    let kind = io::ErrorKind::PermissionDenied;
    filtered(test, filter::ENTER, libc::EPERM, Reason::Blocked, kind);
}

#[test]
fn a_ring_whose_entering_does_not_exist_is_missing() {
    let test = "a_ring_whose_entering_does_not_exist_is_missing";
    filtered(test, filter::ENTER, libc::ENOSYS, Reason::Missing, io::ErrorKind::Unsupported);
}

#[test]
fn a_filter_that_comes_later_kills_the_driver_and_nothing_else() {
    let test = "a_filter_that_comes_later_kills_the_driver_and_nothing_else";
    in_child(test, || {
        let driver = skip::driver(test, 2, 4).unwrap();
        run(driver.clone().submit(Nop)).unwrap();
        filter::forbid(filter::ENTER, libc::EPERM);
        // It is published before the driver finds out, and stays so.
        let mut lost = Box::pin(driver.clone().submit(Nop));
        let cx = &mut Context::from_waker(std::task::Waker::noop());
        assert!(std::future::Future::poll(lost.as_mut(), cx).is_pending());
        let (reader, _writer) = pipe();
        let event = Read::new(reader, b"as it was".to_vec(), Position::Current);
        let mut read = driver.clone().submit(event);
        let (result, buffer) = run(Pin::new(&mut read));
        assert!(result.unwrap_err().to_string().contains("dead"));
        assert_eq!(buffer, b"as it was");
        assert_eq!(run(driver.shutdown(std::time::Duration::ZERO)).leaked, 1);
    });
}

fn limit(resource: libc::__rlimit_resource_t, most: u64) {
    let limit = libc::rlimit { rlim_cur: most, rlim_max: most };
    // SAFETY: the place is valid.
    assert_eq!(unsafe { libc::setrlimit(resource, &raw const limit) }, 0);
}

fn is_root() -> bool {
    // SAFETY: the call names no memory.
    unsafe { libc::geteuid() == 0 }
}

/// Becomes a user whom nobody else is, where this process is root: limits do not count for root.
/// They count for all processes of a user together, so each process has a user of its own.
fn become_nobody_else() {
    if is_root() {
        let number = 100_000 + std::process::id();
        // SAFETY: the call names no memory.
        assert_eq!(unsafe { libc::setgid(number) }, 0);
        // SAFETY: as above.
        assert_eq!(unsafe { libc::setuid(number) }, 0);
    }
}

#[test]
fn no_locked_memory_is_said_to_be_the_limit_of_it() {
    let test = "no_locked_memory_is_said_to_be_the_limit_of_it";
    in_child(test, || {
        become_nobody_else();
        limit(libc::RLIMIT_MEMLOCK, 0);
        if SharedDriver::new().is_ok() {
            return skip::skip(test, "no limit of locked memory for rings");
        }
        let (unavailable, kind) = unavailable();
        assert_eq!(
            (unavailable.reason(), kind),
            (Reason::LockedMemory, io::ErrorKind::OutOfMemory)
        );
        assert!(unavailable.hint().contains("RLIMIT_MEMLOCK is 0 KiB"), "{unavailable}");
    });
}

#[test]
fn little_locked_memory_makes_for_a_smaller_ring() {
    let test = "little_locked_memory_makes_for_a_smaller_ring";
    if !is_root() {
        return skip::skip(test, "not root, and so not alone with the limit");
    }
    in_child(test, || {
        become_nobody_else();
        limit(libc::RLIMIT_MEMLOCK, 64 << 10);
        let queues = Setup::new(4096).build().unwrap();
        assert!((8..4096).contains(&queues.submission.capacity()));
        drop(queues);
        let driver = SharedDriver::builder().entries(4096).build().unwrap();
        run(driver.clone().submit(Nop)).unwrap();
        end(&driver);
    });
}

#[test]
fn no_descriptors_are_said_to_be_the_limit_of_them() {
    let test = "no_descriptors_are_said_to_be_the_limit_of_them";
    in_child(test, || {
        // Descriptors are given out from the lowest on; this is the next one.
        let next = std::os::fd::AsRawFd::as_raw_fd(&std::fs::File::open("/dev/null").unwrap());
        limit(libc::RLIMIT_NOFILE, next as u64);
        let (unavailable, kind) = unavailable();
        let expected = (Reason::DescriptorLimit, io::ErrorKind::QuotaExceeded);
        assert_eq!((unavailable.reason(), kind), expected);
        assert!(unavailable.hint().contains("ulimit -n"), "{unavailable}");
    });
}

#[test]
fn too_few_descriptors_for_all_that_a_driver_needs_are_an_error_and_leave_none_behind() {
    let test = "too_few_descriptors_for_all_that_a_driver_needs_are_an_error_and_leave_none_behind";
    in_child(test, || {
        let next = std::os::fd::AsRawFd::as_raw_fd(&std::fs::File::open("/dev/null").unwrap());
        limit(libc::RLIMIT_NOFILE, next as u64 + 1);
        for _ in 0..3 {
            let error = SharedDriver::new().unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::QuotaExceeded, "{error}");
            let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Unavailable>());
            assert_eq!(inner.map(Unavailable::reason), Some(Reason::DescriptorLimit));
        }
        // All of it was given back each time.
        std::fs::File::open("/dev/null").unwrap();
    });
}

#[test]
fn a_helper_thread_that_cannot_be_started_is_an_error_of_the_event() {
    let test = "a_helper_thread_that_cannot_be_started_is_an_error_of_the_event";
    in_child(test, || {
        become_nobody_else();
        let driver = skip::driver(test, 1, 2).unwrap();
        limit(libc::RLIMIT_NPROC, 0);
        let (reader, _writer) = pipe();
        let event = Read::new(reader, b"as it was".to_vec(), Position::Current);
        let (result, buffer) = run(driver.clone().submit(event));
        let error = result.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::Other, "it must not read as worth a retry");
        assert!(error.to_string().contains("ulimit -u"), "{error}");
        assert_eq!(buffer, b"as it was");
        assert_eq!(driver.counters().submitted, 0);
        end(&driver);
    });
}

#[test]
fn rings_made_and_closed_in_a_row_do_not_use_the_limit_up() {
    let test = "rings_made_and_closed_in_a_row_do_not_use_the_limit_up";
    if !is_root() {
        return skip::skip(test, "not root, and so not alone with the limit");
    }
    in_child(test, || {
        become_nobody_else();
        limit(libc::RLIMIT_MEMLOCK, 64 << 10);
        for _ in 0..200 {
            let driver = SharedDriver::builder().entries(64).build().unwrap();
            run(driver.clone().submit(Nop)).unwrap();
            end(&driver);
        }
    });
}
