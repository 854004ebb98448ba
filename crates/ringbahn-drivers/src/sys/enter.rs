//! `io_uring_enter(2)`.
//!
//! # Safety
//!
//! N1. Entering makes the kernel read the submission queue's published entries and act on them.
//!     Whoever published one has promised that what it names stays valid until its terminal CQE
//!     (`S1` of `ringbahn_core::Sqe`), so entering itself needs no promise.
//!
//! N2. The kernel reads the argument and the timeout behind it only during the call.
//!
//! N3. With `ENTER_EXT_ARG_REG` the argument is the offset of a structure in a region, and the
//!     kernel answers `EFAULT` where that is not inside, or where there is no region.
#![allow(unsafe_code)]

use std::io;
use std::ptr;
use std::time::Duration;

use super::ring_name::RingName;
use super::uapi::{
    ENTER_EXT_ARG, ENTER_EXT_ARG_REG, GeteventsArg, RegisteredWait, SYS_ENTER, Timespec,
};

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

/// How long a call waits.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wait {
    /// No longer than this, or than until this moment, if `flags` say so by `ENTER_ABS_TIMER`.
    pub(crate) timeout: Option<Duration>,
    /// Where one CQE is there after so many microseconds it is enough; `FEAT_MIN_TIMEOUT`.
    pub(crate) min_wait_usec: u32,
}

/// As [`enter`], but waits no longer than `wait` says.
///
/// # Errors
///
/// The `errno` of the call, unchanged: `ETIME` where the time ran out.
pub(crate) fn enter_waiting(
    ring: RingName<'_>,
    to_submit: u32,
    min_complete: u32,
    flags: u32,
    wait: Wait,
) -> io::Result<u32> {
    let timespec = wait.timeout.map(|timeout| Timespec {
        seconds: i64::try_from(timeout.as_secs()).unwrap_or(i64::MAX),
        nanoseconds: i64::from(timeout.subsec_nanos()),
    });
    let argument = GeteventsArg {
        min_wait_usec: wait.min_wait_usec,
        timeout: timespec.as_ref().map_or(0, |it| ptr::from_ref(it).expose_provenance() as u64),
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

/// As [`enter_waiting`], where the argument lies at `offset` of the region that is registered for
/// it.
///
/// # Errors
///
/// The `errno` of the call, unchanged: `ETIME` where the time ran out.
pub(crate) fn enter_registered_wait(
    ring: RingName<'_>,
    to_submit: u32,
    min_complete: u32,
    flags: u32,
    offset: u64,
) -> io::Result<u32> {
    let (number, named) = ring.number_and_flag();
    // SAFETY: N1, N3; the argument is a number.
    let returned = unsafe {
        libc::syscall(
            SYS_ENTER,
            number,
            to_submit,
            min_complete,
            flags | named | ENTER_EXT_ARG | ENTER_EXT_ARG_REG,
            offset,
            size_of::<RegisteredWait>(),
        )
    };
    consumed(returned)
}

fn consumed(returned: libc::c_long) -> io::Result<u32> {
    u32::try_from(returned).map_err(|_| io::Error::last_os_error())
}
