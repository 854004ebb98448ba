//! Calls that show whether the kernel can be reached, and rings in memory of one's own.
//!
//! All of it is for a [`Survey`](crate::Survey): nothing made here is used, or outlives its call.
//!
//! # Safety
//!
//! T1. A call that names no ring and no memory is refused before the kernel follows an address.
//!
//! T2. An [`Anonymous`] owns `LENGTH` bytes of pages that nothing else uses, mapped by its `new`
//!     and unmapped by its `Drop`. A ring made in them keeps the pages themselves, and not their
//!     address: once they are unmapped, whatever the kernel still writes reaches nobody.
#![allow(unsafe_code)]

use std::ffi::c_void;
use std::io;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::ptr::{self, NonNull};

use super::uapi::{
    Params, REGISTER_USE_REGISTERED_RING, SETUP_NO_MMAP, SETUP_REGISTERED_FD_ONLY, SYS_ENTER,
    SYS_REGISTER, SYS_SETUP, UNREGISTER_RING_FDS,
};

/// No kernel has pages larger than this where ringbahn runs.
const PAGE_MAX: usize = 64 << 10;

/// A page for the rings and one for the entries.
const LENGTH: usize = 2 * PAGE_MAX;

/// Calls `io_uring_enter` without a ring.
///
/// # Errors
///
/// Always: `EBADF` where the call reaches io_uring.
pub(crate) fn enter_nothing() -> io::Result<()> {
    let none = ptr::null_mut::<c_void>();
    // SAFETY: T1; no descriptor is negative.
    let returned = unsafe { libc::syscall(SYS_ENTER, -1, 0, 0, 0, none, 0_usize) };
    done(returned).map(drop)
}

/// Calls `io_uring_register` without a ring.
///
/// # Errors
///
/// Always: `EBADF` where the call reaches io_uring. From Linux 6.3 on it is `EINVAL` for an
/// `opcode` that the kernel does not know.
pub(crate) fn register_nothing(opcode: u32) -> io::Result<()> {
    let none = ptr::null_mut::<c_void>();
    // SAFETY: T1; no descriptor is negative, and -1, which has a meaning here, is not used.
    let returned = unsafe { libc::syscall(SYS_REGISTER, -2, opcode, none, 0) };
    done(returned).map(drop)
}

/// Makes a ring of one entry in memory of its own, with `SETUP_NO_MMAP`, and takes it down again.
///
/// With `SETUP_REGISTERED_FD_ONLY` the ring is the calling thread's, and gone with it at the
/// latest.
///
/// # Errors
///
/// The `errno` of `mmap(2)` or `io_uring_setup(2)`, unchanged.
pub(crate) fn setup_in_own_memory(flags: u32) -> io::Result<()> {
    let memory = Anonymous::new()?;
    let mut params = Params { flags: flags | SETUP_NO_MMAP, ..Params::default() };
    params.completion.user_address = memory.address(0);
    params.submission.user_address = memory.address(PAGE_MAX);
    // SAFETY: U1 of `setup`; the rings of one entry fit into the smallest page, and T2.
    let returned = unsafe { libc::syscall(SYS_SETUP, 1, &raw mut params) };
    let number = done(returned)?;
    if flags & SETUP_REGISTERED_FD_ONLY == 0 {
        // SAFETY: U2 of `setup`; this ring has a descriptor.
        drop(unsafe { OwnedFd::from_raw_fd(number) });
    } else {
        unregister(number);
    }
    Ok(())
}

/// Takes down the ring that is registered under `index` and has no descriptor.
fn unregister(index: RawFd) {
    // struct io_uring_rsrc_update: the index, a reserved word, and a long one.
    let mut update: [u32; 4] = [index as u32, 0, 0, 0];
    let opcode = UNREGISTER_RING_FDS | REGISTER_USE_REGISTERED_RING;
    let argument = (&raw mut update).cast::<c_void>();
    // SAFETY: G1 of `register`; one structure is read, a local that outlives the call. Where it
    // fails the ring goes with the thread.
    unsafe { libc::syscall(SYS_REGISTER, index, opcode, argument, 1) };
}

fn done(returned: libc::c_long) -> io::Result<RawFd> {
    if returned < 0 {
        return Err(io::Error::last_os_error());
    }
    RawFd::try_from(returned).map_err(|_| io::Error::from_raw_os_error(libc::EBADF))
}

/// Pages that nothing else uses.
struct Anonymous(NonNull<c_void>);

impl Anonymous {
    fn new() -> io::Result<Anonymous> {
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        // SAFETY: T2; no address is asked for, so nothing is mapped over.
        let address = unsafe { libc::mmap(ptr::null_mut(), LENGTH, protection, flags, -1, 0) };
        if address == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        NonNull::new(address).map(Anonymous).ok_or_else(|| io::ErrorKind::AddrNotAvailable.into())
    }

    /// The address of the byte at `offset`, for the kernel.
    fn address(&self, offset: usize) -> u64 {
        (self.0.as_ptr().expose_provenance() + offset) as u64
    }
}

impl Drop for Anonymous {
    fn drop(&mut self) {
        // SAFETY: T2; nobody here has ever had a pointer into them.
        let returned = unsafe { libc::munmap(self.0.as_ptr(), LENGTH) };
        debug_assert_eq!(returned, 0, "munmap of an owned mapping");
    }
}
