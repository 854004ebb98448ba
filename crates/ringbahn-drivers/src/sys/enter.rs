//! `io_uring_enter(2)`.
//!
//! # Safety
//!
//! N1. Entering makes the kernel read the submission queue's published entries and act on them.
//!     Whoever published one has promised that what it names stays valid until its terminal CQE
//!     (`S1` of `ringbahn_core::Sqe`), so entering itself needs no promise.
//!
//! N2. The kernel reads the argument and the timeout behind it only during the call.
#![allow(unsafe_code)]

use std::io;
use std::ptr;
use std::time::Duration;

use super::ring_name::RingName;
use super::uapi::{ENTER_EXT_ARG, GeteventsArg, SYS_ENTER, Timespec};

/// Submits up to `to_submit` published entries and, with `ENTER_GETEVENTS` in `flags`, waits for
/// `min_complete` CQEs. Returns how many entries the kernel has consumed.
///
/// # Errors
///
/// The `errno` of the call, unchanged.
pub(crate) fn enter(
    ring: RingName<'_>,
    to_submit: u32,
    min_complete: u32,
    flags: u32,
) -> io::Result<u32> {
    let (number, named) = ring.number_and_flag();
    // SAFETY: N1; no argument is passed, so the kernel follows no address.
    let returned = unsafe {
        libc::syscall(
            SYS_ENTER,
            number,
            to_submit,
            min_complete,
            flags | named,
            ptr::null::<GeteventsArg>(),
            0_usize,
        )
    };
    consumed(returned)
}

/// As [`enter`], but waits no longer than `timeout`.
///
/// # Errors
///
/// The `errno` of the call, unchanged: `ETIME` where the time ran out.
pub(crate) fn enter_timeout(
    ring: RingName<'_>,
    to_submit: u32,
    min_complete: u32,
    flags: u32,
    timeout: Duration,
) -> io::Result<u32> {
    let timespec = Timespec {
        seconds: i64::try_from(timeout.as_secs()).unwrap_or(i64::MAX),
        nanoseconds: i64::from(timeout.subsec_nanos()),
    };
    let argument = GeteventsArg {
        timeout: (&raw const timespec).expose_provenance() as u64,
        ..GeteventsArg::default()
    };
    let (number, named) = ring.number_and_flag();
    // SAFETY: N1, N2; `argument` and `timespec` are locals that outlive the call.
    let returned = unsafe {
        libc::syscall(
            SYS_ENTER,
            number,
            to_submit,
            min_complete,
            flags | named | ENTER_EXT_ARG,
            &raw const argument,
            size_of::<GeteventsArg>(),
        )
    };
    consumed(returned)
}

fn consumed(returned: libc::c_long) -> io::Result<u32> {
    u32::try_from(returned).map_err(|_| io::Error::last_os_error())
}
