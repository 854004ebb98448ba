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
//!     were checked to lie inside it. They are fields of [`Rings`], or of the
//!     [`Memory`](super::memory::Memory) itself, which do not hand them out, so they are good for
//!     as long as they can be reached.
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
use rustix::event::{EventfdFlags, eventfd};

use super::beside::{AtWork, Beside};
use super::completion::CompletionQueue;
use super::groups::Groups;
use super::index::Index;
use super::registry::{Registrar, Registry};
use super::submission::SubmissionQueue;
use crate::backend::Backend;
use crate::fallback::Engine;
use crate::sync::{AtomicU32, Ordering};
use crate::sys::fork::ForkGuard;
use crate::sys::mmap::Mapping;
use crate::sys::probe::Probe;
use crate::sys::ring_name::{RingName, enable, register_eventfd, register_ring, unregister_ring};
use crate::sys::uapi::{
    ENTER_NO_IOWAIT, FEAT_NO_IOWAIT, OFFSET_ENTRIES, OFFSET_RINGS, Params, SETUP_DEFER_TASKRUN,
    SETUP_NO_SQARRAY,
};
use crate::unavailable::Unavailable;

/// A counter or flag word in memory shared with the kernel.
#[derive(Clone, Debug)]
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
#[derive(Clone, Debug)]
pub(crate) struct SubmissionMemory {
    pub(super) index: Index,
    pub(super) head: Word,
    pub(super) tail: Word,
    pub(super) flags: Word,
    pub(super) dropped: Word,
    pub(super) entries: NonNull<Sqe>,
}

/// The completion queue's words and its array of entries.
#[derive(Clone, Debug)]
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
    /// An engine inside the process, which keeps the memory as long as it uses it.
    Engine(Engine),
    /// Memory of a test, which plays the kernel.
    #[cfg(any(test, loom))]
    Heap(super::memory::Memory),
}

/// Who is on the other side of a ring's memory.
pub(super) enum Executor<'a> {
    /// The kernel.
    Kernel(&'a KernelRing),
    /// An engine inside the process.
    Engine(&'a Engine),
}

/// A ring of the kernel: its descriptor, what it said of itself, and its memory.
#[derive(Debug)]
pub(super) struct KernelRing {
    pub(super) fd: OwnedFd,
    pub(super) features: u32,
    pub(super) flags: u32,
    /// The index under which the one thread that uses the ring has registered it.
    registered: Option<u32>,
    guard: ForkGuard,
    registry: Arc<Registry>,
    _rings: Mapping,
    _entries: Mapping,
}

/// A ring's memory and descriptor, gone when the last of the halves and handles is.
#[derive(Debug)]
pub(crate) struct Rings {
    pub(super) submission: SubmissionMemory,
    pub(super) completion: CompletionMemory,
    pub(super) backing: Backing,
    /// Why an engine stands in for the kernel, where that was tried.
    pub(super) fallback_reason: Option<Unavailable>,
    /// What executes what the kernel does not know.
    pub(super) beside: Option<Beside>,
    pub(super) groups: Arc<Groups>,
    registry: Arc<Registry>,
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
        let registry = Arc::<Registry>::default();
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
                guard,
                registry: registry.clone(),
                _rings: rings,
                _entries: entries,
            }),
            fallback_reason: None,
            beside: None,
            groups: Arc::default(),
            registry,
        })
    }

    /// The queues of an engine inside the process, and the reason why it stands in for the kernel.
    pub(crate) fn of_engine(engine: Engine, fallback_reason: Option<Unavailable>) -> Rings {
        let memory = engine.memory();
        let (submission, completion) = (memory.submission.clone(), memory.completion.clone());
        let backing = Backing::Engine(engine);
        Rings::over(submission, completion, backing, fallback_reason)
    }

    /// The queues in memory that somebody else in this process has, too.
    pub(super) fn over(
        submission: SubmissionMemory,
        completion: CompletionMemory,
        backing: Backing,
        fallback_reason: Option<Unavailable>,
    ) -> Rings {
        let (groups, registry) = (Arc::default(), Arc::default());
        let beside = None;
        Rings { submission, completion, backing, fallback_reason, beside, groups, registry }
    }

    /// Sees to what the kernel does not know, and to what it is not to be asked for.
    ///
    /// # Errors
    ///
    /// Those of `eventfd2(2)`.
    pub(crate) fn make_up_for(&mut self, unwanted: &[u8]) -> io::Result<()> {
        if let Backing::Kernel(kernel) = &self.backing
            && let Ok(known) = Probe::of(kernel.fd())
        {
            self.beside = Beside::new(&known, unwanted)?;
        }
        Ok(())
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
                kernel.registry.bind();
                kernel.registered = register_ring(kernel.fd()).ok();
                Ok(())
            }
            Backing::Engine(_) => Ok(()),
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
            Backing::Engine(engine) => engine.forked(),
            #[cfg(any(test, loom))]
            Backing::Heap(_) => false,
        }
    }

    /// What is registered with the ring, and who registers it.
    ///
    /// # Errors
    ///
    /// `Unsupported` in a forked child.
    pub(crate) fn registry(&self) -> io::Result<(&Arc<Registry>, Registrar<'_>)> {
        Ok((&self.registry, Registrar::of(&self.executor()?)))
    }

    /// Who executes the entries, if this process may use the ring.
    ///
    /// # Errors
    ///
    /// `Unsupported` in a forked child.
    pub(super) fn executor(&self) -> io::Result<Executor<'_>> {
        if self.forked() {
            return Err(forked_error());
        }
        match &self.backing {
            Backing::Kernel(kernel) => Ok(Executor::Kernel(kernel)),
            Backing::Engine(engine) => Ok(Executor::Engine(engine)),
            #[cfg(any(test, loom))]
            Backing::Heap(_) => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    /// The kernel's ring, for what an engine has no counterpart of.
    ///
    /// # Errors
    ///
    /// `Unsupported` in a forked child, and of an engine.
    pub(super) fn kernel(&self) -> io::Result<&KernelRing> {
        match self.executor()? {
            Executor::Kernel(ring) => Ok(ring),
            Executor::Engine(_) => Err(io::Error::new(
                io::ErrorKind::Unsupported,
                "the fallback has no counterpart of this; it needs io_uring",
            )),
        }
    }

    /// What executes the entries.
    pub(super) fn backend(&self) -> Backend {
        match &self.backing {
            Backing::Engine(_) => Backend::Fallback,
            _ => Backend::IoUring,
        }
    }

    /// How many entries fit into the submission queue, and how many into the completion queue.
    pub(super) fn sizes(&self) -> (u32, u32) {
        (self.submission.index.entries(), self.completion.index.entries())
    }

    /// Whether there are CQEs in the queue of the kernel or in that of the engine beside it.
    pub(super) fn has_completions(&self) -> bool {
        let memory = &self.completion;
        // Relaxed: whoever asks reads no CQE; the queue half, which does, acquires the tail.
        let (head, tail) =
            (memory.head.load(Ordering::Relaxed), memory.tail.load(Ordering::Relaxed));
        let beside = self.at_work_beside();
        head != tail || beside.is_some_and(|it| it.engine.memory().completed() > 0)
    }

    /// The engine that executes what the kernel does not know, if it has had to.
    #[inline]
    pub(super) fn at_work_beside(&self) -> Option<&AtWork> {
        self.beside.as_ref()?.at_work()
    }

    /// An eventfd that tells of completions which the kernel puts off; `None` where it puts none
    /// off. Called by the thread whose ring it is.
    pub(super) fn tell_what_is_put_off(&self) -> io::Result<Option<OwnedFd>> {
        match &self.backing {
            Backing::Kernel(kernel) if kernel.flags & SETUP_DEFER_TASKRUN != 0 => {
                let told = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
                register_eventfd(kernel.fd(), told.as_fd())?;
                Ok(Some(told))
            }
            _ => Ok(None),
        }
    }

    /// CQEs have been taken out of the queue. The kernel sees that by itself.
    #[inline]
    pub(super) fn note_reaped(&self) {
        if let Backing::Engine(engine) = &self.backing {
            engine.note_reaped();
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
        // On a foreign thread the index would be that of another ring. The thread that has
        // registered this one undoes it when it ends.
        let here = !self.guard.forked() && self.registry.is_mine();
        if let Some(index) = self.registered.filter(|_| here) {
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
