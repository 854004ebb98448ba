//! `io_uring_register(2)`.
//!
//! # Safety
//!
//! G1. What the kernel does with the argument is a matter of the opcode: it may read or write it
//!     during the call, or keep what it names until the ring is gone. Nothing here knows the
//!     opcode, so [`register`] is unsafe and its caller answers for the argument.
#![allow(unsafe_code)]

use std::ffi::c_void;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

use super::uapi::SYS_REGISTER;

/// Calls `io_uring_register` with `opcode` and returns what it returned.
///
/// # Errors
///
/// The `errno` of the call, unchanged.
///
/// # Safety
///
/// * `argument` and `count` are what `opcode` asks for, and valid as it needs them during the call.
/// * What `opcode` keeps using after the call (buffers, a buffer ring) stays valid until it has
///   been unregistered or the ring is gone.
pub(crate) unsafe fn register(
    ring: BorrowedFd<'_>,
    opcode: u32,
    argument: *mut c_void,
    count: u32,
) -> io::Result<u32> {
    // SAFETY: G1; the caller has promised what the opcode needs, and the call needs nothing else.
    let returned =
        unsafe { libc::syscall(SYS_REGISTER, ring.as_raw_fd(), opcode, argument, count) };
    u32::try_from(returned).map_err(|_| io::Error::last_os_error())
}
