//! The ring on the real kernel: waiting, waking, descriptors, forks.
//!
//! Operations need the operation table; what goes through the queues is tested with it. Here is
//! what a ring does without any.
#![cfg(not(loom))]
#![allow(unsafe_code)] // For fork.

use std::fs;
use std::os::fd::AsFd;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use ringbahn_core::{Batch, opcode};
use ringbahn_drivers::{Queues, Readiness, Reaped, Reason, Setup};
use rustix::event::{EventfdFlags, eventfd};

/// Descriptors and forks belong to the process, so the tests take turns.
static TURN: Mutex<()> = Mutex::new(());

const SHORT: Duration = Duration::from_millis(50);

/// The smallest ring there is, unless this machine has none.
fn smallest(test: &str) -> Option<Queues> {
    match Setup::new(1).completion_entries(2).build() {
        Ok(queues) => Some(queues),
        Err(unavailable) if unavailable.reason() == Reason::Other => panic!("{unavailable}"),
        Err(unavailable) => {
            println!("SKIPPED: {test}: {unavailable}");
            None
        }
    }
}

fn turn() -> std::sync::MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[test]
fn a_new_ring_is_empty_and_has_the_size_asked_for() {
    let _turn = turn();
    let Some(mut queues) = smallest("a_new_ring_is_empty") else { return };
    assert_eq!(queues.submission.capacity(), 1);
    assert_eq!(queues.handle.submission_entries(), 1);
    assert_eq!(queues.handle.completion_entries(), 2);
    assert!(queues.completion.is_empty() && !queues.handle.overflowed());
    assert_eq!(queues.handle.unsubmitted(), 0);
    assert_eq!(queues.completion.reap(&mut Batch::default(), 9), Reaped::default());
    assert!(queues.submission.reserve(1).unwrap().is_some());
    assert!(queues.submission.reserve(2).unwrap().is_none());
    queues.submission.publish();
    assert_eq!(queues.handle.enter(0).unwrap(), 0);
    queues.handle.enter_flush().unwrap();
    assert!(!queues.handle.forked());
}

#[test]
fn the_kernel_says_what_it_knows() {
    let _turn = turn();
    let Some(queues) = smallest("the_kernel_says_what_it_knows") else { return };
    let probe = queues.handle.probe().unwrap();
    assert!(probe.supports(opcode::NOP) && probe.supports(opcode::ASYNC_CANCEL));
    assert!(!probe.supports(255));
    assert_ne!(queues.handle.features(), 0);
}

/// A call that is told of more entries than there are returns at once, so a wait must be exact.
#[test]
fn entering_waits_as_long_as_it_was_told_to() {
    let _turn = turn();
    let Some(queues) = smallest("entering_waits") else { return };
    let start = Instant::now();
    let error = queues.handle.enter_timeout(1, SHORT).unwrap_err();
    assert_eq!(error.raw_os_error(), Some(libc::ETIME));
    assert!(start.elapsed() >= SHORT);
}

#[test]
fn polling_ends_with_the_timeout_or_the_other_descriptor() {
    let _turn = turn();
    let Some(queues) = smallest("polling_ends") else { return };
    let wake = eventfd(0, EventfdFlags::CLOEXEC).unwrap();
    let start = Instant::now();
    let poll = |wake, timeout| queues.handle.poll_readable(wake, timeout).unwrap();
    assert_eq!(poll(None, Some(SHORT)), Readiness::default());
    assert_eq!(poll(Some(wake.as_fd()), Some(SHORT)), Readiness::default());
    assert!(start.elapsed() >= 2 * SHORT);
    rustix::io::write(&wake, &1_u64.to_ne_bytes()).unwrap();
    assert_eq!(poll(Some(wake.as_fd()), None), Readiness { ring: false, wake: true });
    assert!(poll(Some(wake.as_fd()), Some(Duration::MAX)).wake);
}

#[test]
fn rings_built_and_dropped_leave_no_descriptor_and_no_mapping() {
    let _turn = turn();
    let count = || {
        let descriptors = fs::read_dir("/proc/self/fd").unwrap().count();
        let maps = fs::read_to_string("/proc/self/maps").unwrap();
        (descriptors, maps.matches("io_uring").count())
    };
    let Some(first) = smallest("rings_built_and_dropped") else { return };
    drop(first);
    let before = count();
    for order in 0..6 {
        let Some(Queues { submission, completion, handle }) = smallest("again") else { return };
        assert_eq!(count().0, before.0 + 1);
        let clone = handle.clone();
        match order {
            0 => drop((submission, completion, handle, clone)),
            1 => drop((submission, handle, completion, clone)),
            2 => drop((completion, submission, handle, clone)),
            3 => drop((completion, handle, submission, clone)),
            4 => drop((handle, submission, clone, completion)),
            _ => drop((handle, clone, completion, submission)),
        }
        assert_eq!(count(), before);
    }
}

/// Every call in the child answers, and none touches the mappings, which are not there.
#[test]
fn a_forked_child_gets_errors_and_its_drops_touch_nothing() {
    let _turn = turn();
    let Some(mut queues) = smallest("a_forked_child") else { return };
    // The memory of errors is allocated in the child; the C library makes its allocator usable
    // there, and no other thread of this test binary holds the lock of anything used below.
    // SAFETY: the child leaves by `_exit` and returns to nobody.
    let pid = unsafe { libc::fork() };
    assert!(pid >= 0);
    if pid == 0 {
        let code = checks_failed_in_child(queues);
        // SAFETY: ends the process at once.
        unsafe { libc::_exit(code) };
    }
    let mut status = 0;
    // SAFETY: `status` is a valid place to write to.
    let waited = unsafe { libc::waitpid(pid, &raw mut status, 0) };
    assert_eq!(waited, pid);
    assert!(libc::WIFEXITED(status), "the child was killed: {status:#x}");
    assert_eq!(libc::WEXITSTATUS(status), 0, "number of the check that failed");
    assert!(queues.submission.reserve(1).unwrap().is_some(), "the parent's ring lives on");
    assert_eq!(queues.handle.enter(0).unwrap(), 0);
}

fn checks_failed_in_child(mut queues: Queues) -> i32 {
    let refused = |result: std::io::Result<()>| {
        result.is_err_and(|error| error.kind() == std::io::ErrorKind::Unsupported)
    };
    let handle = &queues.handle;
    queues.submission.publish();
    let checks = [
        handle.forked(),
        refused(queues.submission.reserve(1).map(drop)),
        refused(handle.enter(0).map(drop)),
        refused(handle.enter_timeout(1, SHORT).map(drop)),
        refused(handle.enter_flush()),
        refused(handle.poll_readable(None, None).map(drop)),
        refused(handle.probe().map(drop)),
        handle.unsubmitted() == 0 && !handle.overflowed(),
        handle.overflow_count() == 0 && handle.dropped_count() == 0,
        handle.features() == 0 && handle.setup_flags() == 0,
        queues.completion.is_empty(),
        queues.completion.reap(&mut Batch::default(), 1) == Reaped::default(),
    ];
    drop(queues);
    // A child may have a ring of its own.
    let own = Setup::new(1).build().is_ok_and(|queues| !queues.handle.forked());
    let failed = checks.into_iter().chain([own]).position(|check| !check);
    failed.map_or(0, |n| n as i32 + 1)
}
