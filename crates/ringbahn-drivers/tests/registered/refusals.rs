//! What cannot be registered, and how the error says to go on.

use std::io::ErrorKind;

use crate::scene::in_child;
use crate::{driver, local_driver};

#[test]
fn no_buffers_and_empty_ones_are_refused() {
    let Some(driver) = driver("no_buffers_and_empty_ones_are_refused", 1, 2) else { return };
    for (count, size) in [(0, 64), (1, 0), (1, (1 << 30) + 1), (1, usize::MAX)] {
        let error = driver.register_buffers(count, size).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{count} of {size}");
    }
}

#[test]
fn more_memory_than_there_is_gives_a_hint() {
    let Some(driver) = driver("more_memory_than_there_is_gives_a_hint", 1, 2) else { return };
    let error = driver.register_buffers(u16::MAX, 1 << 30).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OutOfMemory, "{error}");
    assert!(error.to_string().contains("register fewer or smaller buffers"), "{error}");
}

#[test]
fn a_ring_has_so_many_buffers_and_no_more() {
    let Some(driver) = driver("a_ring_has_so_many_buffers_and_no_more", 1, 2) else { return };
    let most = driver.register_buffers(16_380, 1).unwrap();
    let error = driver.register_buffers(5, 1).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::QuotaExceeded);
    assert!(error.to_string().contains("4 next to each other are left"), "{error}");
    drop(driver.register_buffers(4, 1).unwrap());
    drop(most);
    drop(driver.register_buffers(16_384, 1).unwrap());
}

#[test]
#[allow(unsafe_code, reason = "the limits and the user of a process of its own")]
fn the_limit_of_locked_memory_is_named() {
    let test = "refusals::the_limit_of_locked_memory_is_named";
    in_child(test, || {
        let limit = libc::rlimit { rlim_cur: 64 << 10, rlim_max: 64 << 10 };
        // SAFETY: the limit is a local that is read during the call.
        assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_MEMLOCK, &raw const limit) }, 0);
        // SAFETY: the process has no other thread that counts on its user. Root has no limit.
        assert_eq!(unsafe { libc::setresuid(65_534, 65_534, 65_534) }, 0);
        // What counts is whose the ring is.
        let driver = driver(test, 1, 2).unwrap();
        let error = driver.register_buffers(1, 1 << 20).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::OutOfMemory, "{error}");
        assert!(error.to_string().contains("RLIMIT_MEMLOCK is 64 KiB"), "{error}");
        // The ring and its table are as good as before.
        assert_eq!(driver.register_buffers(2, 4096).unwrap().count(), 2);
    });
}

#[test]
#[allow(unsafe_code, reason = "a fork")]
fn a_forked_child_registers_nothing_and_lets_go_of_nothing() {
    let test = "refusals::a_forked_child_registers_nothing_and_lets_go_of_nothing";
    in_child(test, || {
        let shared = driver(test, 1, 2).unwrap();
        let local = local_driver(test, 1, 2).unwrap();
        let tables =
            [shared.register_buffers(2, 64).unwrap(), local.register_buffers(2, 64).unwrap()];
        // SAFETY: the child calls nothing but this driver, whose locks nobody holds, and exits.
        let child = unsafe { libc::fork() };
        if child == 0 {
            let refused = |error: std::io::Error| error.kind() == ErrorKind::Unsupported;
            let both = shared.register_buffers(1, 64).is_err_and(refused)
                && local.register_buffers(1, 64).is_err_and(refused);
            drop(tables);
            // SAFETY: the process ends here.
            unsafe { libc::_exit(if both { 0 } else { 1 }) };
        }
        let mut status = 0;
        // SAFETY: the status is a local that the call writes to.
        assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
        assert_eq!(status, 0, "the child was not refused");
        assert_eq!(crate::ring_tables::filled().buffers, 4);
        drop(tables);
        assert_eq!(crate::ring_tables::filled().buffers, 0);
    });
}
