//! A child of `fork`, which is told that the driver is its parent's, and does no harm to it.
#![allow(unsafe_code)]

use std::io::{self, Write as _};
use std::pin::Pin;

use ringbahn_core::event::Nop;

use crate::driven::{Driven, end, read};
use crate::scene::{pipe, poll_once, run, start};

/// For a process of its own, in which nobody else holds a lock.
pub(crate) fn a_child_is_refused_and_does_no_harm<D: Driven>(driver: &D) {
    let (reader, mut writer) = pipe();
    let mut kept = read(driver, &reader);
    let mut dropped = read(driver, &reader);
    start(&mut kept);
    start(&mut dropped);
    // SAFETY: the other threads sleep, or hold no lock that the child takes.
    let pid = unsafe { libc::fork() };
    assert!(pid >= 0);
    if pid == 0 {
        drop(dropped);
        let refused = poll_once(Pin::new(&mut driver.clone().submit(Nop)));
        let kind = match refused {
            std::task::Poll::Ready(Err(error)) => Some(error.kind()),
            _ => None,
        };
        let code = i32::from(kind != Some(io::ErrorKind::Unsupported));
        // SAFETY: ends the process without running anything of the parent's.
        unsafe { libc::_exit(code) };
    }
    let mut status = 0;
    // SAFETY: `status` is a place to write to.
    assert_eq!(unsafe { libc::waitpid(pid, &raw mut status, 0) }, pid);
    assert!(libc::WIFEXITED(status), "the child was killed: {status:#x}");
    assert_eq!(libc::WEXITSTATUS(status), 0, "the child was not told");
    writer.write_all(b"ab").unwrap();
    let received = [run(kept).1, run(dropped).1].concat();
    assert!(received == *b"ab" || received == *b"ba", "{received:?}");
    run(driver.clone().submit(Nop)).unwrap();
    end(driver);
}
