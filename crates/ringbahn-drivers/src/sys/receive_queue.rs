//! `IORING_REGISTER_ZCRX_IFQ`: a receive queue of a network card, for a ring.
//!
//! # Safety
//!
//! ZQ1. The structures that the kernel reads and writes during the call are locals that outlive it,
//!      accept every bit pattern, and are of the size that the kernel expects.
//!
//! ZQ2. [`Pages`] are mapped and unmapped by their owner alone. The kernel pins those that a card
//!      may write to, and those of the refill ring, for as long as the ring is open, so unmapping
//!      them takes them from this process, and not from the card.
//!
//! ZQ3. What the kernel tells of the refill ring is believed only where it lies within the region,
//!      and is aligned.
#![allow(unsafe_code)]

use std::ffi::c_void;
use std::io;
use std::os::fd::BorrowedFd;
use std::ptr::{self, NonNull};

use ringbahn_core::{RefillEntry, RefillMemory};

use super::register::register;
use super::uapi::{
    REGION_USER, REGISTER_ZCRX_IFQ, ReceiveArea, ReceiveQueue, ReceiveRegion, RefillOffsets,
};

/// Zeroed pages, of this process and of whoever pins them. A forked child has copies.
#[derive(Debug)]
pub(crate) struct Pages {
    address: NonNull<c_void>,
    length: usize,
}

// SAFETY: ZQ2: the memory belongs to the process, not to a thread.
unsafe impl Send for Pages {}
// SAFETY: ZQ2; a shared reference only tells addresses; using them is for those who say why.
unsafe impl Sync for Pages {}

impl Pages {
    /// At least `length` bytes.
    ///
    /// # Errors
    ///
    /// `OutOfMemory`, and those of `mmap(2)`.
    pub(crate) fn new(length: usize) -> io::Result<Pages> {
        let length = length.max(1).checked_next_multiple_of(rustix::param::page_size());
        let length = length.ok_or(io::ErrorKind::OutOfMemory)?;
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        // SAFETY: ZQ2; no address is asked for, so nothing that is mapped is replaced.
        let address = unsafe { libc::mmap(ptr::null_mut(), length, protection, flags, -1, 0) };
        if address == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let address = NonNull::new(address).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Pages { address, length })
    }

    pub(crate) fn start(&self) -> NonNull<u8> {
        self.address.cast()
    }

    pub(crate) fn length(&self) -> usize {
        self.length
    }

    /// The address of `count` values `offset` bytes from the start, where these are theirs.
    fn array<T>(&self, offset: u32, count: u32) -> Option<NonNull<T>> {
        let offset = offset as usize;
        let end = size_of::<T>().checked_mul(count as usize)?.checked_add(offset)?;
        let aligned = offset.is_multiple_of(align_of::<T>());
        // SAFETY: ZQ2; it lies within the pages, as has just been seen.
        (end <= self.length && aligned).then(|| unsafe { self.address.byte_add(offset).cast() })
    }

    fn number(&self) -> u64 {
        self.address.as_ptr().expose_provenance() as u64
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        // SAFETY: ZQ2; these bytes have been mapped by `new`, and whoever has their address keeps
        // this value.
        let returned = unsafe { libc::munmap(self.address.as_ptr(), self.length) };
        debug_assert_eq!(returned, 0, "munmap of an owned mapping");
    }
}

/// A queue that the kernel has given to a ring.
#[derive(Debug)]
pub(crate) struct Taken {
    pub(crate) area: Pages,
    pub(crate) region: Pages,
    /// What the kernel calls the queue, on this ring.
    pub(crate) id: u32,
    /// What it calls the area.
    pub(crate) token: u64,
    pub(crate) refill: RefillMemory,
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
/// is closed, with an area of at least `area_length` bytes, and a refill ring of at least `entries`
/// entries. What the queue receives for others is lost from now on.
///
/// # Errors
///
/// The `errno` of the call, unchanged, or that of mapping memory; `InvalidData` where the kernel
/// describes a refill ring that cannot be.
pub(crate) fn take(
    ring: BorrowedFd<'_>,
    interface: u32,
    queue: u32,
    area_length: usize,
    entries: u32,
) -> io::Result<Taken> {
    let pages = Pages::new(area_length)?;
    // A page for the words before the entries.
    let header = rustix::param::page_size();
    let region_pages = Pages::new(header + entries as usize * size_of::<RefillEntry>())?;
    let mut area = ReceiveArea {
        address: pages.number(),
        length: pages.length() as u64,
        ..ReceiveArea::default()
    };
    let mut region = ReceiveRegion {
        address: region_pages.number(),
        size: region_pages.length() as u64,
        flags: REGION_USER,
        ..ReceiveRegion::default()
    };
    let mut wanted = ReceiveQueue {
        interface,
        queue,
        entries,
        area: (&raw mut area).expose_provenance() as u64,
        region: (&raw mut region).expose_provenance() as u64,
        ..ReceiveQueue::default()
    };
    // SAFETY: ZQ1 for the structures, ZQ2 for the memory.
    unsafe { register(ring, REGISTER_ZCRX_IFQ, (&raw mut wanted).cast(), 1) }?;
    let refill = refill_memory(&region_pages, wanted.offsets, wanted.entries);
    let refill = refill.ok_or_else(|| {
        let message = "the kernel described a refill ring that does not fit its own region";
        io::Error::new(io::ErrorKind::InvalidData, message)
    })?;
    Ok(Taken { area: pages, region: region_pages, id: wanted.id, token: area.token, refill })
}

/// Where words and entries are in the region, if what the kernel says can be (ZQ3).
fn refill_memory(region: &Pages, offsets: RefillOffsets, entries: u32) -> Option<RefillMemory> {
    if !entries.is_power_of_two() || offsets.head == offsets.tail {
        return None;
    }
    Some(RefillMemory {
        head: region.array(offsets.head, 1)?,
        tail: region.array(offsets.tail, 1)?,
        entries: region.array(offsets.entries, entries)?,
        count: entries,
    })
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_refill_ring_is_believed_only_within_its_region() {
        let region = Pages::new(1).unwrap();
        let page = region.length() as u32;
        let of = |head, tail, entries, count| {
            let offsets = RefillOffsets { head, tail, entries, ..RefillOffsets::default() };
            refill_memory(&region, offsets, count).map(|memory| {
                [memory.head.addr(), memory.tail.addr(), memory.entries.addr()]
                    .map(|address| address.get() - region.start().addr().get())
            })
        };
        assert_eq!(of(0, 4, 64, 8), Some([0, 4, 64]));
        assert_eq!(of(0, 4, page - 128, 8), Some([0, 4, page as usize - 128]));
        for (head, tail, entries, count) in [
            (0, 4, 64, 0),
            (0, 4, 64, 6),
            (0, 0, 64, 8),
            (2, 4, 64, 8),
            (page, 4, 64, 8),
            (0, page - 2, 64, 8),
            (0, 4, 60, 8),
            (0, 4, page - 120, 8),
            (0, 4, 64, 1 << 31),
            (u32::MAX - 3, 4, 64, 8),
        ] {
            assert_eq!(of(head, tail, entries, count), None, "{head} {tail} {entries} {count}");
        }
    }

    #[test]
    fn pages_are_zeroed_and_whole() {
        let pages = Pages::new(5000).unwrap();
        assert!(pages.length() >= 5000 && pages.length().is_multiple_of(4096));
        // SAFETY: ZQ2: the pages are this test's, and hold bytes.
        let bytes = unsafe { std::slice::from_raw_parts(pages.start().as_ptr(), pages.length()) };
        assert!(bytes.iter().all(|byte| *byte == 0));
        assert!(Pages::new(usize::MAX).is_err());
    }
}
