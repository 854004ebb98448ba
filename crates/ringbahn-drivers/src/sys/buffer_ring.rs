//! Registers rings of provided buffers, and unregisters them.
//!
//! # Safety
//!
//! BR1. The argument of both calls is a structure that lives until the call returns; the kernel
//!      reads it and keeps no address of it. What it keeps is the ring that the structure names,
//!      for which the caller of [`register_buffers`] answers.
#![allow(unsafe_code)]

use std::ffi::c_void;
use std::io;
use std::os::fd::BorrowedFd;

use super::register::register;
use super::uapi::{BufferRing, REGISTER_BUFFER_RING, UNREGISTER_BUFFER_RING};

/// Registers the ring of `entries` entries at `address` as group `id`, with `flags`
/// (`IOU_PBUF_RING_*`).
///
/// # Errors
///
/// The `errno` of the call: `EINVAL` from a kernel that has no such rings, or no such flag.
///
/// # Safety
///
/// The ring's memory is page-aligned, and no operation chooses from the group after it is gone.
pub(crate) unsafe fn register_buffers(
    ring: BorrowedFd<'_>,
    address: *mut c_void,
    entries: u16,
    id: u16,
    flags: u16,
) -> io::Result<()> {
    let address = address.expose_provenance() as u64;
    let mut argument =
        BufferRing { address, entries: u32::from(entries), id, flags, ..BufferRing::default() };
    let argument = (&raw mut argument).cast();
    // SAFETY: G1 by BR1; the caller answers for the ring.
    unsafe { register(ring, REGISTER_BUFFER_RING, argument, 1) }.map(drop)
}

/// Unregisters group `id`.
///
/// # Errors
///
/// The `errno` of the call: `EEXIST` from a thread that the ring does not belong to.
pub(crate) fn unregister_buffers(ring: BorrowedFd<'_>, id: u16) -> io::Result<()> {
    let mut argument = BufferRing { id, ..BufferRing::default() };
    let argument = (&raw mut argument).cast();
    // SAFETY: G1 by BR1; the call keeps nothing.
    unsafe { register(ring, UNREGISTER_BUFFER_RING, argument, 1) }.map(drop)
}
