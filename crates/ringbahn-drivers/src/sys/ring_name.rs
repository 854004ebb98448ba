//! [`RingName`]: how a system call names its ring; and registrations: the one that makes a shorter
//! name, and that of who is told of completions.
//!
//! A thread that has registered its ring's descriptor names the ring by an index into a table of
//! its own, which spares the kernel the look-up of the descriptor and its reference count, some 50
//! nanoseconds a call.
//!
//! # Safety
//!
//! D1. `REGISTER_RING_FDS` reads and writes one [`RingFdUpdate`] at the address given, and
//!     `UNREGISTER_RING_FDS` reads one, during the call only.
//!
//! D2. `REGISTER_ENABLE_RINGS` takes no argument, and touches no memory of the process.
//!
//! D3. `REGISTER_EVENTFD` reads one descriptor at the address given, during the call only, and
//!     keeps the file open by itself.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr;

use super::register::register;
use super::uapi::{
    ENTER_REGISTERED_RING, REGISTER_ENABLE_RINGS, REGISTER_EVENTFD, REGISTER_RING_FDS,
    RingFdUpdate, UNREGISTER_RING_FDS,
};

/// How `io_uring_enter` is told which ring is meant.
#[derive(Clone, Copy, Debug)]
pub(crate) enum RingName<'a> {
    /// By its descriptor.
    Descriptor(BorrowedFd<'a>),
    /// By the index under which the calling thread has registered it.
    Registered(u32),
}

impl RingName<'_> {
    /// The number to pass, and the flag that says what it means.
    pub(crate) fn number_and_flag(self) -> (libc::c_int, u32) {
        match self {
            RingName::Descriptor(fd) => (fd.as_raw_fd(), 0),
            RingName::Registered(index) => (index as libc::c_int, ENTER_REGISTERED_RING),
        }
    }
}

/// Lets a ring that was made disabled accept entries. The calling thread becomes its owner.
///
/// # Errors
///
/// The `errno` of the call, unchanged.
pub(crate) fn enable(ring: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: D2.
    unsafe { register(ring, REGISTER_ENABLE_RINGS, ptr::null_mut(), 0) }.map(drop)
}

/// Registers the ring with the calling thread, and yields its index.
///
/// The registration keeps the ring alive after its descriptor has been closed, so it has to be
/// undone before that; the end of the thread undoes it, too.
///
/// # Errors
///
/// The `errno` of the call, unchanged: `EINVAL` before 5.18, `EBUSY` where the thread has 16 of
/// them.
pub(crate) fn register_ring(ring: BorrowedFd<'_>) -> io::Result<u32> {
    let mut update = RingFdUpdate { offset: u32::MAX, reserved: 0, data: ring.as_raw_fd() as u64 };
    // SAFETY: D1; `update` is a local that outlives the call.
    unsafe { register(ring, REGISTER_RING_FDS, (&raw mut update).cast(), 1) }?;
    Ok(update.offset)
}

/// Has the ring write to an eventfd whenever it has a completion, or one that it puts off.
///
/// # Errors
///
/// The `errno` of the call, unchanged.
pub(crate) fn register_eventfd(ring: BorrowedFd<'_>, told: BorrowedFd<'_>) -> io::Result<()> {
    let mut descriptor = told.as_raw_fd();
    // SAFETY: D3; `descriptor` is a local that outlives the call.
    unsafe { register(ring, REGISTER_EVENTFD, (&raw mut descriptor).cast(), 1) }.map(drop)
}

/// Undoes the registration of [`register_ring`], on the same thread.
///
/// # Errors
///
/// The `errno` of the call, unchanged.
pub(crate) fn unregister_ring(ring: BorrowedFd<'_>, index: u32) -> io::Result<()> {
    let mut update = RingFdUpdate { offset: index, reserved: 0, data: 0 };
    // SAFETY: D1; `update` is a local that outlives the call.
    unsafe { register(ring, UNREGISTER_RING_FDS, (&raw mut update).cast(), 1) }.map(drop)
}
