//! Groups of buffers in forked children, and where the kernel makes none.
#![allow(unsafe_code)]

use std::io::ErrorKind;

use futures::StreamExt;
use ringbahn_core::event::{RecvMulti, RecvParts};
use ringbahn_drivers::{LocalDriver, Policy, SharedDriver};

use crate::filter;
use crate::queues::observer;
use crate::scene;
use crate::subject::{Subject, assert_full, datagrams, has_queues};

/// What a forked child does, which must not come back: its exit code is the number of the check
/// that failed, or 0.
fn forked(child: impl FnOnce() -> i32) {
    // SAFETY: nothing of this process's other threads is waited for in the child.
    let pid = unsafe { libc::fork() };
    assert!(pid >= 0);
    if pid == 0 {
        // A child that hangs is killed.
        // SAFETY: the call names no memory.
        unsafe { libc::alarm(20) };
        let code = child();
        // SAFETY: ends the process without running anything of the parent's.
        unsafe { libc::_exit(code) };
    }
    let mut status = 0;
    // SAFETY: `status` is a place to write to.
    assert_eq!(unsafe { libc::waitpid(pid, &raw mut status, 0) }, pid);
    assert!(libc::WIFEXITED(status), "the child was killed: {status:#x}");
    assert_eq!(libc::WEXITSTATUS(status), 0, "the check of that number failed in the child");
}

fn a_child_lets_go<S: Subject>() {
    let driver = S::make(1, 4).unwrap();
    let group = driver.buffers(2, 32);
    let (near, far) = datagrams();
    let mut data = driver.clone().stream(RecvMulti::new(near, &group));
    far.send(b"the parent's").unwrap();
    let buffer = driver.run(data.next()).unwrap().unwrap();
    let mut childs = Some((buffer, data, group.clone()));
    forked(|| {
        let Some((buffer, data, group)) = childs.take() else { return 1 };
        if buffer[..] != *b"the parent's" {
            return 2;
        }
        drop((buffer, data, group));
        let refused =
            driver.try_buffers().is_err_and(|error| error.kind() == ErrorKind::Unsupported);
        if refused { 0 } else { 3 }
    });
    let (buffer, mut data, _) = childs.unwrap();
    assert_eq!(group.returns(), 0, "the child has given back what is the parent's");
    assert_eq!(buffer[..], *b"the parent's");
    for _ in 0..10 {
        far.send(b"as before").unwrap();
        assert_eq!(driver.run(data.next()).unwrap().unwrap()[..], *b"as before");
    }
    drop((buffer, data));
    driver.until("it is over", || driver.so_far().in_flight == 0);
    assert_full(&driver, &group);
    driver.end();
}

/// The kernel has no rings of buffers, as far as this process can tell.
fn there_are_no_groups<S: Subject>() {
    let driver = S::make(1, 4).unwrap();
    filter::forbid(filter::REGISTER, libc::EINVAL);
    let error = driver.try_buffers().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("Linux 5.19"), "{error}");
    let (queue, outgoing) = driver.try_queues();
    let (error, other) = (queue.unwrap_err(), outgoing.unwrap_err());
    assert_eq!((error.kind(), other.kind()), (ErrorKind::Unsupported, ErrorKind::Unsupported));
    assert!(error.to_string().contains("Linux 6.12; use a group"), "{error}");
    driver.end();
}

/// A child lets go of the parts and queues of its parent's, and gets none of its own.
fn a_child_lets_go_of_queues<S: Subject>() {
    let driver = S::make(1, 4).unwrap();
    let (near, far) = datagrams();
    let event = RecvParts::new(near, driver.queue(2, 32));
    let group = observer(&event);
    let mut data = driver.clone().stream(event);
    far.send(b"the parent's").unwrap();
    far.send(&[7; 20]).unwrap();
    let first = driver.run(data.next()).unwrap().unwrap();
    let second = driver.run(data.next()).unwrap().unwrap();
    let mut childs = Some((first, second, data, driver.outgoing(1, 8)));
    forked(|| {
        let Some(childs) = childs.take() else { return 1 };
        if childs.0[..] != *b"the parent's" {
            return 2;
        }
        drop(childs);
        let (queue, outgoing) = driver.try_queues();
        let refused = |error: Option<std::io::Error>| {
            error.is_some_and(|error| error.kind() == ErrorKind::Unsupported)
        };
        if refused(queue.err()) && refused(outgoing.err()) { 0 } else { 3 }
    });
    let (first, second, mut data, _outgoing) = childs.unwrap();
    assert_eq!(group.returns(), 0, "the child has given back what is the parent's");
    assert_eq!((&first[..], &second[..]), (&b"the parent's"[..], &[7; 20][..]));
    drop((first, second));
    assert_eq!(group.returns(), 1);
    for _ in 0..10 {
        far.send(b"as before").unwrap();
        let mut received = Vec::new();
        received.extend_from_slice(&driver.run(data.next()).unwrap().unwrap());
        // What does not fit into the rest of a buffer is cut off, as of any datagram.
        assert!(b"as before".starts_with(&received));
    }
    drop(data);
    driver.until("it is over", || driver.so_far().in_flight == 0);
    driver.end();
}

#[test]
fn a_forked_child_gives_back_no_buffer_of_a_shared_driver() {
    let test = "processes::a_forked_child_gives_back_no_buffer_of_a_shared_driver";
    scene::in_child(test, a_child_lets_go::<SharedDriver>);
}

#[test]
fn a_forked_child_gives_back_no_buffer_of_a_local_driver() {
    let test = "processes::a_forked_child_gives_back_no_buffer_of_a_local_driver";
    scene::in_child(test, a_child_lets_go::<LocalDriver>);
}

#[test]
fn a_forked_child_gives_back_no_part_of_a_shared_drivers_queue() {
    let test = "processes::a_forked_child_gives_back_no_part_of_a_shared_drivers_queue";
    if has_queues::<SharedDriver>(test) {
        scene::in_child(test, a_child_lets_go_of_queues::<SharedDriver>);
    }
}

#[test]
fn a_forked_child_gives_back_no_part_of_a_local_drivers_queue() {
    let test = "processes::a_forked_child_gives_back_no_part_of_a_local_drivers_queue";
    if has_queues::<LocalDriver>(test) {
        scene::in_child(test, a_child_lets_go_of_queues::<LocalDriver>);
    }
}

#[test]
fn where_the_fallback_executes_the_operations_there_are_no_queues() {
    let driver = SharedDriver::builder().policy(Policy::Never).build().unwrap();
    let (queue, outgoing) = driver.try_queues();
    for error in [queue.unwrap_err(), outgoing.unwrap_err()] {
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.to_string().contains("use owned buffers"), "{error}");
    }
}

#[test]
fn a_kernel_without_groups_is_told_of_by_a_shared_driver() {
    let test = "processes::a_kernel_without_groups_is_told_of_by_a_shared_driver";
    scene::in_child(test, there_are_no_groups::<SharedDriver>);
}

#[test]
fn a_kernel_without_groups_is_told_of_by_a_local_driver() {
    let test = "processes::a_kernel_without_groups_is_told_of_by_a_local_driver";
    scene::in_child(test, there_are_no_groups::<LocalDriver>);
}
