//! The register operations by which a ring is tuned.
//!
//! # Safety
//!
//! TU1. Each of these operations reads one structure or array, which is a local or a slice that
//!      outlives the call, or writes one of the same size. The kernel keeps no address of it.
//!
//! TU2. The kernel keeps the pages of a region, and not their address; it reads them only while a
//!      call that waits names a place in the region.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr;

use super::register::register;
use super::uapi::{
    BufferStatus, CLONE_REPLACE, ClockRegister, CloneBuffers, MemoryRegion, Napi, Params,
    REGION_FOR_WAITS, REGION_OF_USER, REGISTER_BUFFER_STATUS, REGISTER_CLOCK,
    REGISTER_CLONE_BUFFERS, REGISTER_EVENTFD_ASYNC, REGISTER_FILE_ALLOC_RANGE, REGISTER_IOWQ_AFF,
    REGISTER_IOWQ_MAX_WORKERS, REGISTER_MEM_REGION, REGISTER_NAPI, REGISTER_PERSONALITY,
    REGISTER_RESIZE_RINGS, REGISTER_RESTRICTIONS, REGISTER_SYNC_CANCEL, ReceiveRegion, Restriction,
    SlotRange, SyncCancel, UNREGISTER_EVENTFD, UNREGISTER_IOWQ_AFF, UNREGISTER_NAPI,
    UNREGISTER_PERSONALITY,
};

/// Limits the bounded and the unbounded workers of the calling thread, where a limit is not 0, and
/// yields what the limits were.
///
/// # Errors
///
/// The `errno` of the call, unchanged.
pub(crate) fn limit_workers(ring: BorrowedFd<'_>, mut limits: [u32; 2]) -> io::Result<[u32; 2]> {
    // SAFETY: G1 by TU1.
    unsafe { register(ring, REGISTER_IOWQ_MAX_WORKERS, limits.as_mut_ptr().cast(), 2) }?;
    Ok(limits)
}

/// Binds the workers of the calling thread to processors: the bits of `mask`, in its bytes as they
/// lie in memory.
///
/// # Errors
///
/// The `errno` of the call, unchanged.
pub(crate) fn bind_workers(ring: BorrowedFd<'_>, mask: &[u64]) -> io::Result<()> {
    let length = size_of_val(mask) as u32;
    // SAFETY: G1 by TU1; the mask is only read.
    unsafe { register(ring, REGISTER_IOWQ_AFF, mask.as_ptr().cast_mut().cast(), length) }.map(drop)
}

/// Lets the workers of the calling thread run where they like.
///
/// # Errors
///
/// The `errno` of the call, unchanged.
pub(crate) fn unbind_workers(ring: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: G1; there is no argument.
    unsafe { register(ring, UNREGISTER_IOWQ_AFF, ptr::null_mut(), 0) }.map(drop)
}

/// Does with the polling of network cards what `settings` say, and writes there what was set.
///
/// # Errors
///
/// The `errno` of the call, unchanged.
pub(crate) fn register_napi(ring: BorrowedFd<'_>, settings: &mut Napi) -> io::Result<()> {
    // SAFETY: G1 by TU1.
    unsafe { register(ring, REGISTER_NAPI, ptr::from_mut(settings).cast(), 1) }.map(drop)
}

/// Ends the polling of network cards.
///
/// # Errors
///
/// The `errno` of the call, unchanged.
pub(crate) fn unregister_napi(ring: BorrowedFd<'_>) -> io::Result<()> {
    let mut settings = Napi::default();
    // SAFETY: G1 by TU1.
    unsafe { register(ring, UNREGISTER_NAPI, (&raw mut settings).cast(), 1) }.map(drop)
}

/// Has waits be measured by `clock`, one of `CLOCK_*`.
///
/// # Errors
///
/// The `errno` of the call, unchanged.
pub(crate) fn set_clock(ring: BorrowedFd<'_>, clock: libc::clockid_t) -> io::Result<()> {
    let mut argument = ClockRegister { clock: clock.cast_unsigned(), ..ClockRegister::default() };
    // SAFETY: G1 by TU1.
    unsafe { register(ring, REGISTER_CLOCK, (&raw mut argument).cast(), 0) }.map(drop)
}

/// Registers the credentials that the calling thread has now, and yields their number.
///
/// # Errors
///
/// The `errno` of the call, unchanged.
pub(crate) fn register_personality(ring: BorrowedFd<'_>) -> io::Result<u32> {
    // SAFETY: G1; there is no argument.
    unsafe { register(ring, REGISTER_PERSONALITY, ptr::null_mut(), 0) }
}

/// Forgets the credentials with this number.
///
/// # Errors
///
/// The `errno` of the call, unchanged.
pub(crate) fn unregister_personality(ring: BorrowedFd<'_>, number: u16) -> io::Result<()> {
    // SAFETY: G1; there is no argument but the number, which stands in the place of a count.
    unsafe { register(ring, UNREGISTER_PERSONALITY, ptr::null_mut(), number.into()) }.map(drop)
}

/// Cancels what `request` says, and waits until it has ended.
///
/// # Errors
///
/// The `errno` of the call, unchanged: `ENOENT` where there is nothing of that kind, `ETIME` where
/// it goes on past the timeout.
pub(crate) fn sync_cancel(ring: BorrowedFd<'_>, mut request: SyncCancel) -> io::Result<u32> {
    // SAFETY: G1 by TU1.
    unsafe { register(ring, REGISTER_SYNC_CANCEL, (&raw mut request).cast(), 1) }
}

/// Gives `ring` the `count` buffers that `source` has from `source_offset` on, from
/// `destination_offset` on.
///
/// # Errors
///
/// The `errno` of the call, unchanged.
pub(crate) fn clone_buffers(
    ring: BorrowedFd<'_>,
    source: BorrowedFd<'_>,
    (source_offset, destination_offset): (u32, u32),
    count: u32,
) -> io::Result<()> {
    let mut argument = CloneBuffers {
        source: source.as_raw_fd().cast_unsigned(),
        flags: CLONE_REPLACE,
        source_offset,
        destination_offset,
        count,
        ..CloneBuffers::default()
    };
    // SAFETY: G1 by TU1. The kernel shares the pages of the buffers, and reads no address here.
    unsafe { register(ring, REGISTER_CLONE_BUFFERS, (&raw mut argument).cast(), 1) }.map(drop)
}

/// As [`register_eventfd`](super::ring_name::register_eventfd), for completions that come late.
///
/// # Errors
///
/// The `errno` of the call, unchanged.
pub(crate) fn register_eventfd_late(ring: BorrowedFd<'_>, told: BorrowedFd<'_>) -> io::Result<()> {
    let mut descriptor = told.as_raw_fd();
    // SAFETY: G1 by TU1; the kernel keeps the file open by itself.
    unsafe { register(ring, REGISTER_EVENTFD_ASYNC, (&raw mut descriptor).cast(), 1) }.map(drop)
}

/// Takes back the eventfd of `ring`.
///
/// # Errors
///
/// The `errno` of the call, unchanged.
pub(crate) fn unregister_eventfd(ring: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: G1; there is no argument.
    unsafe { register(ring, UNREGISTER_EVENTFD, ptr::null_mut(), 0) }.map(drop)
}

/// Has the kernel choose slots of the table of files from `first` on, out of `count`.
///
/// # Errors
///
/// The `errno` of the call, unchanged.
pub(crate) fn choose_slots(ring: BorrowedFd<'_>, first: u32, count: u32) -> io::Result<()> {
    let mut range = SlotRange { first, count, reserved: 0 };
    // SAFETY: G1 by TU1.
    unsafe { register(ring, REGISTER_FILE_ALLOC_RANGE, (&raw mut range).cast(), 0) }.map(drop)
}

/// How many buffers the kernel has taken out of a group, modulo 2^16.
///
/// # Errors
///
/// The `errno` of the call, unchanged.
pub(crate) fn buffers_taken(ring: BorrowedFd<'_>, group: u16) -> io::Result<u16> {
    let mut status = BufferStatus { group: group.into(), ..BufferStatus::default() };
    // SAFETY: G1 by TU1.
    unsafe { register(ring, REGISTER_BUFFER_STATUS, (&raw mut status).cast(), 1) }?;
    Ok(status.head as u16)
}

/// Restricts a ring that has not been enabled yet.
///
/// # Errors
///
/// The `errno` of the call, unchanged.
pub(crate) fn restrict(ring: BorrowedFd<'_>, restrictions: &[Restriction]) -> io::Result<()> {
    let count = restrictions.len() as u32;
    let argument = restrictions.as_ptr().cast_mut().cast();
    // SAFETY: G1 by TU1; the array is only read.
    unsafe { register(ring, REGISTER_RESTRICTIONS, argument, count) }.map(drop)
}

/// Gives a ring that has not been enabled yet `length` bytes at `address`, for the arguments of
/// waits.
///
/// # Errors
///
/// The `errno` of the call, unchanged.
pub(crate) fn register_waits(ring: BorrowedFd<'_>, address: u64, length: usize) -> io::Result<()> {
    let mut region = ReceiveRegion {
        address,
        size: length as u64,
        flags: REGION_OF_USER,
        ..ReceiveRegion::default()
    };
    let mut argument = MemoryRegion {
        region: (&raw mut region).expose_provenance() as u64,
        flags: REGION_FOR_WAITS,
        ..MemoryRegion::default()
    };
    // SAFETY: G1 by TU1 and TU2; `region` is a local that outlives the call.
    unsafe { register(ring, REGISTER_MEM_REGION, (&raw mut argument).cast(), 1) }.map(drop)
}

/// Moves the queues of `ring` to new memory of the sizes that `params` says, which is completed.
///
/// # Errors
///
/// The `errno` of the call, unchanged. The queues are then where they were.
///
/// # Safety
///
/// Nobody touches the queues during the call, and afterwards nobody but through the new memory:
/// what is stored in the old reaches nobody.
pub(crate) unsafe fn resize(ring: BorrowedFd<'_>, params: &mut Params) -> io::Result<()> {
    let argument = ptr::from_mut(params).cast();
    // SAFETY: G1 by TU1, and the promise of the caller.
    unsafe { register(ring, REGISTER_RESIZE_RINGS, argument, 1) }.map(drop)
}
