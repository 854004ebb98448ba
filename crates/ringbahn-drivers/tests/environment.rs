//! Machines on which there can be no ring: each says why, and what to do about it, and where nobody
//! insists on a ring the fallback does the work.
#![allow(unsafe_code)]

use std::io;
use std::net::{TcpListener, TcpStream};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Context;
use std::time::{Duration, Instant};

use ringbahn_core::event::{
    Accept, EventExt, Fsync, Nop, Position, Read, Recv, Send, Timeout, Write,
};
use ringbahn_core::{Cancelled, Drive, SharedFd};
use ringbahn_drivers::{Backend, LocalDriver, Policy, Reason, Setup, SharedDriver, Unavailable};

#[path = "support/filter.rs"]
mod filter;
#[path = "support/scene.rs"]
mod scene;
#[path = "support/skip.rs"]
mod skip;

use scene::{descriptors, end, in_child, pipe, poll_once, run, until};

/// Why there is no driver.
#[track_caller]
fn unavailable() -> (Unavailable, io::ErrorKind) {
    let error = SharedDriver::builder().policy(Policy::Require).build().unwrap_err();
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Unavailable>());
    let inner = inner.unwrap_or_else(|| panic!("not a typed error: {error}")).clone();
    assert!(!inner.hint().is_empty());
    let setup = Setup::new(8).policy(Policy::Require);
    assert_eq!(setup.build().unwrap_err().reason(), inner.reason());
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
        falls_back(&unavailable);
        until("the engines are gone", || descriptors() == before);
    });
}

/// Both drivers do their work in the process, and say why.
fn falls_back(unavailable: &Unavailable) {
    let shared = SharedDriver::new().unwrap();
    assert_eq!(shared.backend(), Backend::Fallback);
    assert_eq!(shared.fallback_reason(), Some(unavailable));
    run(everyday_work(&shared));
    end(&shared);

    let local = LocalDriver::new().unwrap();
    assert_eq!(local.backend(), Backend::Fallback);
    assert_eq!(local.fallback_reason(), Some(unavailable));
    local.block_on(everyday_work(&local));
    assert_eq!(local.shutdown(Duration::ZERO).leaked, 0);
}

/// A file, a connection, a timer, and an operation that is taken back.
async fn everyday_work<D: Drive + Clone>(driver: &D) {
    let file = SharedFd::new(Arc::new(tempfile::tempfile().unwrap()));
    let write = Write::new(file.clone(), "what is written", Position::At(3));
    let chain = write.link(Fsync::new(file.clone()));
    let ((written, _), synced) = driver.clone().submit(chain).await;
    assert_eq!((written.unwrap(), synced.unwrap()), (15, ()));
    let read = Read::new(file, vec![1; 32], Position::At(0));
    let (count, buffer) = driver.clone().submit(read).await;
    assert_eq!(&buffer[..count.unwrap()], b"\0\0\0what is written");

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let listener = SharedFd::new(Arc::new(listener));
    let mut accept = pin!(driver.clone().submit(Accept::new(listener.clone())));
    assert!(poll_once(accept.as_mut()).is_pending());
    let client = SharedFd::new(Arc::new(TcpStream::connect(address).unwrap()));
    let (server, _) = accept.await.unwrap();
    let server = SharedFd::from(server);
    let mut receive = pin!(driver.clone().submit(Recv::new(server.clone(), vec![0; 8])));
    assert!(poll_once(receive.as_mut()).is_pending());
    driver.clone().submit(Send::new(client.clone(), "hello")).await.0.unwrap();
    let (count, buffer) = receive.await;
    assert_eq!(&buffer[..count.unwrap()], b"hello");

    let begin = Instant::now();
    driver.clone().submit(Timeout::new(Duration::from_millis(5))).await.unwrap();
    assert!(begin.elapsed() >= Duration::from_millis(5));

    let receive = driver.clone().submit(Recv::new(server, b"as it was".to_vec()));
    let (result, buffer) = receive.timeout(Duration::from_millis(5)).await;
    assert_eq!(result.unwrap_err().kind(), io::ErrorKind::TimedOut);
    assert_eq!(buffer, b"as it was");
    drop(client);
    let accept = driver.clone().submit(Accept::new(listener));
    assert!(matches!(accept.cancel().await, Cancelled::Cancelled(_)));
}

#[test]
fn a_register_that_is_not_permitted_leaves_both_drivers_on_the_ring() {
    let test = "a_register_that_is_not_permitted_leaves_both_drivers_on_the_ring";
    in_child(test, || {
        filter::forbid(filter::REGISTER, libc::EPERM);
        let shared = SharedDriver::builder().policy(Policy::Require).build().unwrap();
        run(everyday_work(&shared));
        end(&shared);
        let local = LocalDriver::builder().policy(Policy::Require).build().unwrap();
        assert_eq!(local.backend(), Backend::IoUring);
        local.block_on(everyday_work(&local));
    });
}

#[test]
fn a_driver_that_may_never_have_a_ring_makes_no_call_of_io_uring() {
    let test = "a_driver_that_may_never_have_a_ring_makes_no_call_of_io_uring";
    in_child(test, || {
        // Any such call would be seen as the reason.
        for call in [filter::SETUP, filter::ENTER, filter::REGISTER] {
            filter::forbid(call, libc::EPERM);
        }
        let shared = SharedDriver::builder().policy(Policy::Never).build().unwrap();
        assert_eq!((shared.backend(), shared.fallback_reason()), (Backend::Fallback, None));
        run(everyday_work(&shared));
        end(&shared);
    });
}

#[test]
fn a_word_in_the_environment_that_nobody_knows_is_an_error_that_names_it() {
    let test = "a_word_in_the_environment_that_nobody_knows_is_an_error_that_names_it";
    in_child(test, || {
        // SAFETY: no other thread of this process reads the environment meanwhile.
        unsafe { std::env::set_var("RINGBAHN_IO_URING", "nver") };
        let error = SharedDriver::new().unwrap_err().to_string();
        assert!(error.contains("RINGBAHN_IO_URING") && error.contains("nver"), "{error}");
        // SAFETY: as above.
        unsafe { std::env::set_var("RINGBAHN_IO_URING", "never") };
        assert_eq!(SharedDriver::new().unwrap().backend(), Backend::Fallback);
        let required = SharedDriver::builder().policy(Policy::Require).build();
        assert_eq!(required.unwrap().backend(), Backend::IoUring, "the code comes first");
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
