//! `IORING_REGISTER_ZCRX_IFQ`: a receive queue of a network card, for a ring.
//!
//! # Safety
//!
//! ZQ1. The structures that the kernel reads and writes during the call are locals that outlive it,
//!      accept every bit pattern, and are of the size that the kernel expects.
//!
//! ZQ2. The area that the card is to write to is mapped and unmapped by [`Area`] alone, and nothing
//!      else ever has its address. The kernel pins its pages for as long as a card may write there,
//!      so unmapping it takes the pages from this process, and not from the card.
#![allow(unsafe_code)]

use std::ffi::c_void;
use std::io;
use std::os::fd::BorrowedFd;
use std::ptr::{self, NonNull};

use super::register::register;
use super::uapi::{REGISTER_ZCRX_IFQ, ReceiveArea, ReceiveQueue, ReceiveRegion};

/// How many buffers the queue has at a time.
const ENTRIES: u32 = 64;
/// Room for them, whatever the size of a page is.
const AREA_LENGTH: usize = ENTRIES as usize * (64 << 10);
/// Room for the ring in which buffers are given back: 16 bytes for each, and a header.
const REGION_LENGTH: u64 = 64 << 10;

/// Memory for a card to write to, which nobody reads.
struct Area {
    address: NonNull<c_void>,
}

impl Area {
    fn new() -> io::Result<Area> {
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        // SAFETY: ZQ2; no address is asked for, so nothing that is mapped is replaced.
        let address = unsafe { libc::mmap(ptr::null_mut(), AREA_LENGTH, protection, flags, -1, 0) };
        if address == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let address = NonNull::new(address).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Area { address })
    }
}

impl Drop for Area {
    fn drop(&mut self) {
        // SAFETY: ZQ2; these bytes have been mapped by `new`, and nobody has their address.
        let returned = unsafe { libc::munmap(self.address.as_ptr(), AREA_LENGTH) };
        debug_assert_eq!(returned, 0, "munmap of an owned mapping");
    }
}

/// Whether the kernel knows the operation: asks for what is no queue at all.
///
/// # Errors
///
/// `EPERM` where it is not allowed to this process.
pub(crate) fn is_known(ring: BorrowedFd<'_>) -> io::Result<bool> {
    let mut wanted = ReceiveQueue::default();
    // SAFETY: ZQ1; the addresses in it are 0, which the kernel finds to be bad.
    let asked = unsafe { register(ring, REGISTER_ZCRX_IFQ, (&raw mut wanted).cast(), 1) };
    match asked {
        Err(error) if error.raw_os_error() == Some(libc::EPERM) => Err(error),
        Err(error) => Ok(error.raw_os_error() == Some(libc::EFAULT)),
        Ok(_) => Ok(true),
    }
}

/// Takes the receive queue `queue` of the interface `interface` for `ring`, which has it until it
/// is closed. What the queue receives meanwhile is lost.
///
/// # Errors
///
/// The `errno` of the call, unchanged, or that of mapping memory.
pub(crate) fn take(ring: BorrowedFd<'_>, interface: u32, queue: u32) -> io::Result<()> {
    let memory = Area::new()?;
    let mut area = ReceiveArea {
        address: memory.address.as_ptr().expose_provenance() as u64,
        length: AREA_LENGTH as u64,
        ..ReceiveArea::default()
    };
    let mut region = ReceiveRegion { size: REGION_LENGTH, ..ReceiveRegion::default() };
    let mut wanted = ReceiveQueue {
        interface,
        queue,
        entries: ENTRIES,
        area: (&raw mut area).expose_provenance() as u64,
        region: (&raw mut region).expose_provenance() as u64,
        ..ReceiveQueue::default()
    };
    // SAFETY: ZQ1 for the structures, ZQ2 for the memory.
    unsafe { register(ring, REGISTER_ZCRX_IFQ, (&raw mut wanted).cast(), 1) }.map(drop)
}
