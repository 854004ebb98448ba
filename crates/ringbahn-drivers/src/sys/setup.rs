//! `io_uring_setup(2)`.
//!
//! # Safety
//!
//! U1. The kernel reads and writes `sizeof(struct io_uring_params)` bytes at the address given, and
//!     only during the call. [`Params`] has that size and accepts every bit pattern.
//!
//! U2. A ring made without `REGISTERED_FD_ONLY` is returned as a new descriptor that nobody else
//!     owns.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};

use super::uapi::{Params, SYS_SETUP};

/// Makes a ring with `entries` places to submit in. `params` says how, and is filled in by the
/// kernel. The descriptor is close-on-exec.
///
/// # Errors
///
/// The `errno` of the call, unchanged.
pub(crate) fn setup(entries: u32, params: &mut Params) -> io::Result<OwnedFd> {
    let params: *mut Params = params;
    // SAFETY: U1; the pointer comes from an exclusive reference that outlives the call.
    let returned = unsafe { libc::syscall(SYS_SETUP, entries, params) };
    let Ok(fd) = RawFd::try_from(returned) else {
        return Err(io::Error::from_raw_os_error(libc::EBADF));
    };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: U2; no caller sets REGISTERED_FD_ONLY, and the call has just succeeded.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}
