//! [`LentBuffers`]: memory that the kernel has, for receives to choose from.
//!
//! # Safety
//!
//! LB1. The memory of a buffer is the kernel's from when it is provided until the kernel says that
//!     it was used or removed. Until the kernel has told that it took the buffers, the operation
//!     that provides them has a share. So the memory goes only when the last share does, and only
//!     where all of it has come back by then; else it is leaked.
//!
//! LB2. A group has a number that no other has in this process, so nobody else puts buffers into it
//!     or takes them out. A buffer is provided once: what it was used for, nobody changes any more.
#![allow(unsafe_code)]

use std::io;
use std::mem::ManuallyDrop;
use std::num::{NonZeroU16, NonZeroU32};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::ring_id::RingId;

/// Buffers that a ring has had, for receives to choose from: a group of the older kind.
///
/// Made by [`ProvideBuffers`](crate::event::ProvideBuffers), used by
/// [`RecvLent`](crate::event::RecvLent), and taken back by
/// [`RemoveBuffers`](crate::event::RemoveBuffers). Each buffer is used once.
///
/// The memory is freed when the last share of it goes, if the ring has given all of it back by
/// then, and leaked if not: nobody could tell when the kernel writes to it.
#[derive(Clone, Debug)]
pub struct LentBuffers {
    group: Arc<Group>,
}

#[derive(Debug)]
struct Group {
    memory: ManuallyDrop<Vec<u8>>,
    ring: RingId,
    id: u16,
    count: u32,
    size: usize,
    /// How many the kernel does not have.
    outside: AtomicU32,
}

impl LentBuffers {
    /// A group of `count` buffers of `size` bytes, none of which the kernel has.
    ///
    /// # Errors
    ///
    /// `QuotaExceeded` when there have been 32 768 groups; `OutOfMemory`.
    pub(super) fn new(
        ring: RingId,
        count: NonZeroU16,
        size: NonZeroU32,
    ) -> io::Result<LentBuffers> {
        /// From the top: a driver numbers groups of its own from the bottom.
        static IDS: AtomicU32 = AtomicU32::new(0);
        const IDS_MAX: u32 = 1 << 15;
        // Relaxed: numbers differ, and that is all they need.
        let number = IDS.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |number| {
            (number < IDS_MAX).then_some(number + 1)
        });
        let Ok(number) = number else {
            let message = "there have been 32768 groups of lent buffers: use groups with a ring";
            return Err(io::Error::new(io::ErrorKind::QuotaExceeded, message));
        };
        let length = usize::from(count.get()) * size.get() as usize;
        let mut memory = Vec::new();
        memory.try_reserve_exact(length).map_err(|_| io::ErrorKind::OutOfMemory)?;
        memory.resize(length, 0);
        let group = Group {
            memory: ManuallyDrop::new(memory),
            ring,
            id: u16::MAX - number as u16,
            count: count.get().into(),
            size: size.get() as usize,
            outside: AtomicU32::new(count.get().into()),
        };
        Ok(LentBuffers { group: Arc::new(group) })
    }

    /// The ring that has them.
    pub fn ring(&self) -> RingId {
        self.group.ring
    }

    /// How many there are, used and removed ones included.
    pub fn count(&self) -> u32 {
        self.group.count
    }

    /// How large each of them is, in bytes.
    pub fn size(&self) -> usize {
        self.group.size
    }

    /// How many the ring does not have any more.
    pub fn outside(&self) -> u32 {
        self.group.outside.load(Ordering::Acquire) // Release in `came_back`.
    }

    /// The group's number on its ring.
    pub(super) fn id(&self) -> u16 {
        self.group.id
    }

    /// Where the first one begins.
    pub(super) fn address(&self) -> *const u8 {
        self.group.memory.as_ptr()
    }

    /// The kernel has taken all of them.
    pub(super) fn lend(&self) {
        self.group.outside.store(0, Ordering::Release); // Acquire in `outside` and the drop.
    }

    /// The kernel has given back so many.
    pub(super) fn came_back(&self, count: u32) {
        self.group.outside.fetch_add(count, Ordering::AcqRel); // Acquire in `outside` and the drop.
    }

    /// The first `length` bytes of the buffer `index`.
    ///
    /// # Safety
    ///
    /// The kernel has said that it has used this buffer.
    pub(super) unsafe fn used(&self, index: u16, length: usize) -> Vec<u8> {
        let Some(start) = usize::from(index).checked_mul(self.group.size) else {
            return Vec::new();
        };
        let length = length.min(self.group.size);
        let all = self.group.memory.len();
        if start.checked_add(length).is_none_or(|end| end > all) {
            return Vec::new();
        }
        // SAFETY: LB1, it lies within the memory.
        let first = unsafe { self.address().add(start) };
        // SAFETY: LB2, the kernel is done with it, by the caller's promise.
        unsafe { std::slice::from_raw_parts(first, length) }.to_vec()
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // Acquire: pairs with `came_back`, and what the kernel did before that.
        if self.outside.load(Ordering::Acquire) == self.count {
            // SAFETY: LB1: all of it has come back; it is dropped here only.
            unsafe { ManuallyDrop::drop(&mut self.memory) };
        }
    }
}
