//! [`Rings`]: a ring's memory, as both halves and the handle share it.
//!
//! | word | written by | read by |
//! |---|---|---|
//! | submission head | kernel | [`SubmissionQueue`] |
//! | submission tail | `SubmissionQueue` | kernel |
//! | completion head | [`CompletionQueue`] | kernel |
//! | completion tail | kernel | `CompletionQueue` |
//! | flags, dropped, overflow | kernel | [`RingHandle`](super::handle::RingHandle) |
//!
//! # Safety
//!
//! R1. A [`Word`] and the entry arrays point into memory that `backing` keeps, at addresses that
//!     were checked to lie inside it. They are fields of [`Rings`], which does not hand them out,
//!     so they are good for as long as they can be reached.
//!
//! R2. In a forked child the memory is not there. Whoever is about to touch it asks
//!     [`Rings::forked`] first.
//!
//! R3. There is at most one `SubmissionQueue` and one `CompletionQueue` per `Rings`: they are made
//!     once, by `halves`.
#![allow(unsafe_code)]

use std::io;
use std::ops::Deref;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::ptr::NonNull;
use std::sync::Arc;

use ringbahn_core::{Cqe, OperationTable, Sharing, Sqe};

use super::completion::CompletionQueue;
use super::groups::Groups;
use super::index::Index;
use super::submission::SubmissionQueue;
use crate::sync::{AtomicU32, Ordering};
use crate::sys::fork::ForkGuard;
use crate::sys::mmap::Mapping;
use crate::sys::ring_name::{RingName, enable, register_ring, unregister_ring};
use crate::sys::uapi::{
    ENTER_NO_IOWAIT, FEAT_NO_IOWAIT, OFFSET_ENTRIES, OFFSET_RINGS, Params, SETUP_NO_SQARRAY,
};

/// A counter or flag word in memory shared with the kernel.
#[derive(Debug)]
pub(crate) struct Word(pub(super) NonNull<AtomicU32>);

impl Deref for Word {
    type Target = AtomicU32;

    fn deref(&self) -> &AtomicU32 {
        // SAFETY: R1; the borrow of the word borrows the `Rings` it is a field of. R2 is kept by
        // those who call. An atomic may change under a shared reference.
        unsafe { self.0.as_ref() }
    }
}

/// The submission queue's words and its array of entries.
#[derive(Debug)]
pub(crate) struct SubmissionMemory {
    pub(super) index: Index,
    pub(super) head: Word,
    pub(super) tail: Word,
    pub(super) flags: Word,
    pub(super) dropped: Word,
    pub(super) entries: NonNull<Sqe>,
}

/// The completion queue's words and its array of entries.
#[derive(Debug)]
pub(crate) struct CompletionMemory {
    pub(super) index: Index,
    pub(super) head: Word,
    pub(super) tail: Word,
    pub(super) overflow: Word,
    pub(super) entries: NonNull<Cqe>,
}

/// What keeps the memory.
#[derive(Debug)]
pub(super) enum Backing {
    /// A ring of the kernel.
    Kernel(KernelRing),
    /// Memory of a test, where a fake kernel is on the other side.
    #[cfg(any(test, loom))]
    Heap(#[allow(dead_code, reason = "it keeps the memory")] super::fake_kernel::Heap),
}

/// A ring of the kernel: its descriptor, what it said of itself, and its memory.
#[derive(Debug)]
pub(super) struct KernelRing {
    pub(super) fd: OwnedFd,
    pub(super) features: u32,
    pub(super) flags: u32,
    /// The index under which the one thread that uses the ring has registered it.
    registered: Option<u32>,
    pub(super) groups: Arc<Groups>,
    guard: ForkGuard,
    _rings: Mapping,
    _entries: Mapping,
}

/// A ring's memory and descriptor, gone when the last of the halves and handles is.
#[derive(Debug)]
pub(crate) struct Rings {
    pub(super) submission: SubmissionMemory,
    pub(super) completion: CompletionMemory,
    pub(super) backing: Backing,
}

// SAFETY: R1: the memory belongs to the process, not to a thread. The words are atomics; the arrays
// are used by the one half each (R3), which is `&mut` to do so.
unsafe impl Send for Rings {}
// SAFETY: R1 and R3, as for `Send`; a shared reference reaches only the atomics.
unsafe impl Sync for Rings {}

impl Rings {
    /// Maps the ring that `io_uring_setup` has made of `params`.
    ///
    /// # Errors
    ///
    /// Those of `mmap(2)`; `InvalidData` where the kernel's description of the ring cannot be;
    /// `Unsupported` in a loom build, whose atomics are not the kernel's.
    pub(crate) fn map(fd: OwnedFd, params: &Params, guard: ForkGuard) -> io::Result<Rings> {
        if cfg!(loom) {
            return Err(io::ErrorKind::Unsupported.into());
        }
        let (sq, cq) = (&params.submission, &params.completion);
        let size = |entries| {
            Index::new(entries).ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))
        };
        let (sq_size, cq_size) = (size(params.sq_entries)?, size(params.cq_entries)?);
        let has_array = params.flags & SETUP_NO_SQARRAY == 0;
        let array_end =
            if has_array { sq.array as usize + bytes::<u32>(params.sq_entries) } else { 0 };
        let cqes_end = cq.cqes as usize + bytes::<Cqe>(params.cq_entries);

        let rings = Mapping::new(fd.as_fd(), OFFSET_RINGS, array_end.max(cqes_end), guard)?;
        let length = bytes::<Sqe>(params.sq_entries);
        let entries = Mapping::new(fd.as_fd(), OFFSET_ENTRIES, length, guard)?;
        let word = |offset| rings.array(offset, 1).map(Word);
        if has_array {
            fill_with_identity(&rings, sq.array, params.sq_entries)?;
        }
        Ok(Rings {
            submission: SubmissionMemory {
                index: sq_size,
                head: word(sq.head)?,
                tail: word(sq.tail)?,
                flags: word(sq.flags)?,
                dropped: word(sq.dropped)?,
                entries: entries.array(0, params.sq_entries)?,
            },
            completion: CompletionMemory {
                index: cq_size,
                head: word(cq.head)?,
                tail: word(cq.tail)?,
                overflow: word(cq.overflow)?,
                entries: rings.array(cq.cqes, params.cq_entries)?,
            },
            backing: Backing::Kernel(KernelRing {
                fd,
                features: params.features,
                flags: params.flags,
                registered: None,
                groups: Arc::default(),
                guard,
                _rings: rings,
                _entries: entries,
            }),
        })
    }

    /// Makes the calling thread the owner of a ring that was made disabled, and gives it a short
    /// name with this thread, if it can have one.
    ///
    /// From here on the ring must stay with this thread, so its halves must not be `Send`.
    ///
    /// # Errors
    ///
    /// Those of `io_uring_register(2)`.
    pub(crate) fn bind(&mut self) -> io::Result<()> {
        match &mut self.backing {
            Backing::Kernel(kernel) => {
                enable(kernel.fd())?;
                kernel.registered = register_ring(kernel.fd()).ok();
                Ok(())
            }
            #[cfg(any(test, loom))]
            Backing::Heap(_) => Ok(()),
        }
    }

    /// The two halves, and a share of the memory for a handle. They start where the counters are.
    pub(crate) fn halves<S: Sharing>(self) -> (SubmissionQueue<S>, CompletionQueue<S>, Arc<Rings>) {
        let rings = Arc::new(self);
        let table = S::share(OperationTable::new);
        let submission = SubmissionQueue::new(rings.clone(), table.clone());
        let completion = CompletionQueue::new(rings.clone(), table);
        (submission, completion, rings)
    }

    /// Whether this process is a child of the one whose ring this is: the memory is not there.
    #[inline]
    pub(super) fn forked(&self) -> bool {
        match &self.backing {
            Backing::Kernel(kernel) => kernel.guard.forked(),
            #[cfg(any(test, loom))]
            Backing::Heap(_) => false,
        }
    }

    /// The kernel's ring, if this process may use it.
    ///
    /// # Errors
    ///
    /// `Unsupported` in a forked child.
    pub(super) fn kernel(&self) -> io::Result<&KernelRing> {
        match &self.backing {
            Backing::Kernel(kernel) if kernel.guard.forked() => Err(forked_error()),
            Backing::Kernel(kernel) => Ok(kernel),
            #[cfg(any(test, loom))]
            Backing::Heap(_) => Err(io::ErrorKind::Unsupported.into()),
        }
    }
}

impl KernelRing {
    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    pub(super) fn name(&self) -> RingName<'_> {
        self.registered.map_or(RingName::Descriptor(self.fd()), RingName::Registered)
    }

    /// What a call that waits says about it: a thread that waits for CQEs is idle, not waiting for
    /// a disk.
    pub(super) fn wait_flags(&self) -> u32 {
        if self.features & FEAT_NO_IOWAIT != 0 { ENTER_NO_IOWAIT } else { 0 }
    }
}

impl Drop for KernelRing {
    fn drop(&mut self) {
        if let Some(index) = self.registered.filter(|_| !self.guard.forked()) {
            // An error leaves the ring alive until the thread ends, and nothing can be done.
            let _ = unregister_ring(self.fd(), index);
        }
    }
}

/// What every operation on a ring answers in a forked child.
pub(super) fn forked_error() -> io::Error {
    io::Error::new(
        io::ErrorKind::Unsupported,
        "this ring belongs to the parent process; make a new one after fork",
    )
}

fn bytes<T>(count: u32) -> usize {
    count as usize * size_of::<T>()
}

/// Makes the array of indices say that the places are taken in order, as a ring without one does.
fn fill_with_identity(rings: &Mapping, offset: u32, entries: u32) -> io::Result<()> {
    let array = rings.array::<AtomicU32>(offset, entries)?;
    for place in 0..entries {
        // SAFETY: M4; `array` has `entries` elements in the mapping, of which this is one.
        let element = unsafe { array.add(place as usize) };
        // SAFETY: M1, M3; the mapping outlives this function, and any bytes are an atomic.
        let element = unsafe { element.as_ref() };
        // Relaxed: the Release store of the tail publishes it, before anything is submitted.
        element.store(place, Ordering::Relaxed);
    }
    Ok(())
}
