//! [`Groups`]: rings of buffers, of which operations are given one each when there is data.
//!
//! As in the kernel a buffer is taken by an operation that fills it, and stays in its ring where
//! there is nothing to fill it with. In between somebody else would find one buffer too few, and
//! wait for one to come back that never will. So what does not wait is done with the groups locked,
//! and what may block takes its buffer before, for good: it comes back with the CQE, whatever that
//! says.
//!
//! # Safety
//!
//! GF1. A ring that is registered here is as many entries of 16 bytes as was said, at that address,
//!      until it is taken out: the caller of [`register`](Groups::register) promises it. It is
//!      looked at with the groups locked, and so not after that.
//!
//! GF2. The last two bytes of the first entry are the ring's tail, an atomic. The entries before it
//!      are filled, and none is written again before as many buffers have been taken.
#![allow(unsafe_code)]

use std::collections::HashMap;
use std::ffi::c_void;
use std::ptr;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Mutex, MutexGuard};

use super::engine::lock;

/// How long an entry is, and where in the first one the tail is, in bytes.
const ENTRY: usize = 16;
const TAIL: usize = 14;

/// The groups of one ring, by their numbers.
#[derive(Debug, Default)]
pub(crate) struct Groups {
    by_id: Mutex<HashMap<u16, Group>>,
}

#[derive(Debug)]
struct Group {
    /// Exposed, as the addresses in its entries are.
    address: usize,
    /// A power of two.
    entries: u16,
    /// The counter of the next entry to be taken.
    head: u16,
}

/// A buffer of a group.
#[derive(Clone, Copy, Debug)]
pub(super) struct Offer {
    address: u64,
    pub(super) length: u32,
    pub(super) index: u16,
}

/// What an entry of a ring says: the beginning of `struct io_uring_buf`.
#[derive(Clone, Copy)]
#[repr(C, packed)]
struct Written {
    address: u64,
    length: u32,
    index: u16,
}

const _: () = assert!(size_of::<Written>() == TAIL);

/// The groups, locked.
pub(super) struct Locked<'a>(MutexGuard<'a, HashMap<u16, Group>>);

impl Groups {
    /// Makes the ring of `entries` entries at `address` the group `id`.
    ///
    /// # Safety
    ///
    /// It is a ring of buffers in the kernel's layout, and will be until the group has been taken
    /// out. The buffers between its head and its tail are this side's to fill.
    pub(crate) unsafe fn register(&self, id: u16, address: *mut c_void, entries: u16) {
        let group = Group { address: address.expose_provenance(), entries, head: 0 };
        lock(&self.by_id).insert(id, group);
    }

    /// Takes a group out, from which no operation chooses any more.
    pub(crate) fn unregister(&self, id: u16) {
        lock(&self.by_id).remove(&id);
    }

    pub(super) fn lock(&self) -> Locked<'_> {
        Locked(lock(&self.by_id))
    }
}

impl Locked<'_> {
    /// The next buffer of a group, which stays where it is; `None` where there is none.
    pub(super) fn first(&self, id: u16) -> Option<Offer> {
        let group = self.0.get(&id)?;
        if group.tail() == group.head {
            return None;
        }
        let place = usize::from(group.head & (group.entries - 1));
        let entry = ptr::with_exposed_provenance::<Written>(group.address + place * ENTRY);
        // SAFETY: GF1, GF2: the entry is one of the ring's, and is filled.
        let Written { address, length, index } = unsafe { entry.read_unaligned() };
        Some(Offer { address, length, index })
    }

    /// The buffer that is the next one is not in the ring any more.
    pub(super) fn take(&mut self, id: u16) {
        if let Some(group) = self.0.get_mut(&id) {
            group.head = group.head.wrapping_add(1);
        }
    }
}

impl Group {
    fn tail(&self) -> u16 {
        let word = ptr::with_exposed_provenance_mut::<u16>(self.address + TAIL);
        // SAFETY: GF1, GF2: it is aligned, and used as an atomic only.
        let word = unsafe { AtomicU16::from_ptr(word) };
        // Acquire: pairs with the Release in `GroupMemory::publish`; the entries before it are
        // filled, and whoever has had their buffers does not touch them any more.
        word.load(Ordering::Acquire)
    }
}

impl Offer {
    pub(super) fn address(&self) -> *mut c_void {
        ptr::with_exposed_provenance_mut(self.address as usize)
    }
}
