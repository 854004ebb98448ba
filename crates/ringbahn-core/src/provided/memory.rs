//! [`GroupMemory`]: the buffers of a group, and the ring in which they are offered to the kernel.
//!
//! # Safety
//!
//! GM1. The two blocks were allocated with the layouts they are kept with, zeroed, and are freed
//!      once, when the memory is dropped. All bytes of the buffers are initialised from then on.
//!
//! GM2. Entries are places of 16 bytes. The last two bytes of the first place are the tail, an
//!      atomic, and never written as a part of an entry.
#![allow(unsafe_code)]

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::ffi::c_void;
use std::io;
use std::ops::Range;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU16, Ordering};

/// What an entry of the ring says: the beginning of `struct io_uring_buf`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, packed)]
struct Offer {
    address: u64,
    length: u32,
    index: u16,
}

/// How long an entry is, in bytes.
const ENTRY: usize = 16;

/// Where the tail is in the first entry: behind what that entry says.
const TAIL: usize = 14;

const _: () = assert!(size_of::<Offer>() == TAIL && TAIL + size_of::<u16>() == ENTRY);

/// The most buffers of a group: the kernel's limit.
const BUFFERS_MAX: u16 = 1 << 15;

/// The memory of a [`BufferGroup`](crate::BufferGroup), not registered yet.
///
/// Untouched pages of a large one take no memory.
#[derive(Debug)]
pub struct GroupMemory {
    ring: Block,
    buffers: Block,
    count: u16,
    size: u32,
}

/// Memory from the allocator.
#[derive(Debug)]
struct Block {
    address: NonNull<u8>,
    layout: Layout,
}

// SAFETY: GM1: the memory belongs to the process, not to a thread.
unsafe impl Send for Block {}
// SAFETY: GM1; a shared reference only computes addresses; using them is for those who say why.
unsafe impl Sync for Block {}

impl GroupMemory {
    /// Memory for `count` buffers of `size` bytes each. The ring is aligned to `page_size`, that
    /// of the machine's pages in bytes.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for no buffers, more than 32 768, or empty ones; `OutOfMemory`.
    pub fn new(count: u16, size: u32, page_size: usize) -> io::Result<GroupMemory> {
        if !(1..=BUFFERS_MAX).contains(&count) || size == 0 {
            let message = "a group has from 1 to 32768 buffers, of at least 1 byte each";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        let entries = usize::from(count.next_power_of_two());
        let bytes = usize::from(count).checked_mul(size as usize);
        let buffers = bytes.and_then(|bytes| Layout::from_size_align(bytes, 64).ok());
        let ring = Layout::from_size_align(entries * ENTRY, page_size).ok();
        let (Some(ring), Some(buffers)) = (ring, buffers) else {
            return Err(io::ErrorKind::OutOfMemory.into());
        };
        Ok(GroupMemory { ring: Block::new(ring)?, buffers: Block::new(buffers)?, count, size })
    }

    /// Where the ring is, for its registration.
    pub fn ring_address(&self) -> *mut c_void {
        self.ring.address.as_ptr().cast()
    }

    /// How many entries the ring has: the number of buffers, rounded up to a power of two.
    pub fn ring_entries(&self) -> u16 {
        self.count.next_power_of_two()
    }

    pub(super) fn count(&self) -> u16 {
        self.count
    }

    pub(super) fn size(&self) -> u32 {
        self.size
    }

    /// Where the buffer `index` is.
    pub(super) fn buffer(&self, index: u16) -> NonNull<u8> {
        let offset = usize::from(index) * self.size as usize;
        assert!(index < self.count, "the group has no such buffer");
        // SAFETY: GM1: the block has `count` times `size` bytes.
        unsafe { self.buffers.address.add(offset) }
    }

    /// Writes the entry counted as `counter`: it offers this part of the buffer `index`.
    ///
    /// # Safety
    ///
    /// PB1, PB3 of [`provided`](super): the buffer is the caller's, and so is the ring's end.
    pub(super) unsafe fn put(&self, counter: u16, index: u16, part: Range<u32>) {
        let place = usize::from(counter & (self.ring_entries() - 1));
        // The kernel is told an address, and writes there later.
        assert!(part.start <= part.end && part.end <= self.size, "a buffer has no such part");
        let address = self.buffer(index).as_ptr().expose_provenance() as u64;
        let address = address + u64::from(part.start);
        // SAFETY: GM1: the ring has so many entries.
        let entry = unsafe { self.ring.address.add(place * ENTRY) };
        let offer = Offer { address, length: part.end - part.start, index };
        // SAFETY: GM2; the kernel reads the entry only when the tail has moved past it, and there
        // are no more buffers than entries, so it has read what was here before.
        unsafe { entry.cast::<Offer>().write(offer) };
    }

    /// Lets the kernel see the entries before `tail`.
    pub(super) fn publish(&self, tail: u16) {
        // SAFETY: GM2: the word lies in the block.
        let word = unsafe { self.ring.address.add(TAIL) };
        // SAFETY: GM1, GM2: it is aligned, and is only ever used as an atomic.
        let word = unsafe { AtomicU16::from_ptr(word.as_ptr().cast()) };
        // Release: pairs with the kernel's `smp_load_acquire(&br->tail)`, and publishes the
        // entries, and that their buffers are not touched any more.
        word.store(tail, Ordering::Release);
    }
}

impl Block {
    fn new(layout: Layout) -> io::Result<Block> {
        // SAFETY: GM1; neither of the two layouts is of zero bytes.
        let address = unsafe { alloc_zeroed(layout) };
        let address = NonNull::new(address).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Block { address, layout })
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        // SAFETY: GM1; PB2 of `provided`: nobody uses it any more.
        unsafe { dealloc(self.address.as_ptr(), self.layout) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_kernel_takes_is_made() {
        for (count, size) in [(0, 1), (1, 0), (BUFFERS_MAX + 1, 1)] {
            let refused = GroupMemory::new(count, size, 4096).unwrap_err();
            assert_eq!(refused.kind(), io::ErrorKind::InvalidInput);
        }
        let memory = GroupMemory::new(3, 10, 4096).unwrap();
        assert_eq!((memory.count(), memory.size(), memory.ring_entries()), (3, 10, 4));
        assert_eq!(memory.ring_address().addr() % 4096, 0);
    }

    #[test]
    fn an_entry_says_where_its_buffer_is_and_leaves_the_tail_alone() {
        let memory = GroupMemory::new(4, 100, 4096).unwrap();
        memory.publish(u16::MAX);
        // The counter wraps into the first place, next to the tail.
        // SAFETY: nobody else uses the memory.
        unsafe { memory.put(u16::MAX.wrapping_add(1), 2, 10..100) };
        // SAFETY: GM1; the first entry has been written.
        let offer = unsafe { memory.ring.address.cast::<Offer>().read() };
        let address = memory.buffer(2).as_ptr().addr() as u64 + 10;
        assert_eq!(offer, Offer { address, length: 90, index: 2 });
        // SAFETY: GM2: it lies in the block.
        let tail = unsafe { memory.ring.address.add(TAIL) }.cast::<u16>();
        // SAFETY: GM2; it is aligned, and nobody else uses it.
        assert_eq!(unsafe { tail.read() }, u16::MAX);
    }
}
