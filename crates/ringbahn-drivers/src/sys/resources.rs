//! The tables of buffers and of files that a ring can have.
//!
//! Both are registered sparse, and filled and emptied slot by slot later on: that waits for no
//! operation, as undoing a registration may.
//!
//! # Safety
//!
//! RS1. `REGISTER_BUFFERS2`, `REGISTER_FILES2` and the updates read what is at the addresses given
//!      during the call only; all of them are those of locals or of slices that outlive the call.
//!
//! RS2. Of a buffer the kernel keeps the pages, and writes to them only for an operation that names
//!      the buffer by its index. So what lies there may be used and freed like any memory, as soon
//!      as no such operation is in flight or will be.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::BorrowedFd;

use super::register::register;
use super::uapi::{
    REGISTER_BUFFERS_UPDATE, REGISTER_BUFFERS2, REGISTER_FILES_UPDATE, REGISTER_FILES2,
    RSRC_REGISTER_SPARSE, ResourceRegister, ResourceUpdate, ResourceUpdate2,
};

/// Gives `ring` a table of `slots` buffers, all empty.
///
/// # Errors
///
/// The `errno` of the call, unchanged: `EINVAL` before 5.19, `EBUSY` where there is one.
pub(crate) fn register_buffers(ring: BorrowedFd<'_>, slots: u32) -> io::Result<()> {
    register_sparse(ring, REGISTER_BUFFERS2, slots)
}

/// Gives `ring` a table of `slots` files, all empty.
///
/// # Errors
///
/// The `errno` of the call, unchanged: `EINVAL` before 5.19, `EBUSY` where there is one, `EMFILE`
/// for more slots than the process may have files.
pub(crate) fn register_files(ring: BorrowedFd<'_>, slots: u32) -> io::Result<()> {
    register_sparse(ring, REGISTER_FILES2, slots)
}

fn register_sparse(ring: BorrowedFd<'_>, opcode: u32, slots: u32) -> io::Result<()> {
    let mut table =
        ResourceRegister { slots, flags: RSRC_REGISTER_SPARSE, ..ResourceRegister::default() };
    let size = size_of::<ResourceRegister>() as u32;
    // SAFETY: RS1; a sparse table names no memory.
    unsafe { register(ring, opcode, (&raw mut table).cast(), size) }.map(drop)
}

/// Puts buffers into the table of `ring` from `first` on, and yields how many were. An empty one
/// empties its slot.
///
/// # Errors
///
/// The `errno` of the call for the first of them, unchanged: `ENOMEM` beyond `RLIMIT_MEMLOCK`.
pub(crate) fn update_buffers(
    ring: BorrowedFd<'_>,
    first: u32,
    buffers: &[libc::iovec],
) -> io::Result<u32> {
    let mut update = ResourceUpdate2 {
        offset: first,
        data: buffers.as_ptr().expose_provenance() as u64,
        count: buffers.len() as u32,
        ..ResourceUpdate2::default()
    };
    let size = size_of::<ResourceUpdate2>() as u32;
    // SAFETY: RS1, RS2; that the buffers themselves are there is the matter of those operations.
    unsafe { register(ring, REGISTER_BUFFERS_UPDATE, (&raw mut update).cast(), size) }
}

/// Closes the file in a slot of the table of `ring`.
///
/// # Errors
///
/// The `errno` of the call, unchanged.
pub(crate) fn close_slot(ring: BorrowedFd<'_>, slot: u32) -> io::Result<()> {
    let none: libc::c_int = -1;
    let mut update = ResourceUpdate {
        offset: slot,
        reserved: 0,
        data: (&raw const none).expose_provenance() as u64,
    };
    // SAFETY: RS1; one descriptor is read, which is none.
    unsafe { register(ring, REGISTER_FILES_UPDATE, (&raw mut update).cast(), 1) }.map(drop)
}
