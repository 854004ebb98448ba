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
//!     as long as they can be reached: until the ring is gone, or [moved](super::resize), which
//!     only happens while nobody holds one.
//!
//! R2. In a forked child the memory is not there. Whoever is about to touch it asks
//!     [`Rings::forked`] first.
//!
//! R3. There is at most one `SubmissionQueue` and one `CompletionQueue` per `Rings`: they are made
//!     once, by `halves`.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use ringbahn_core::{Cqe, Metering, OperationTable, Sharing, Sqe};
use rustix::event::{EventfdFlags, eventfd};

use super::beside::{AtWork, Beside};
use super::completion::CompletionQueue;
use super::groups::Groups;
use super::mapped::{Mappings, OwnMemory, map};
use super::place::{Place, Size, Word};
use super::registry::{Clerk, Registry};
use super::submission::SubmissionQueue;
use super::waits::Waits;
use super::width::CompletionWidth as Width;
use crate::backend::Backend;
use crate::fallback::Engine;
use crate::registrar::lacking::{Lacking, explain};
use crate::setup::tuning::Tuning;
use crate::sync::Ordering;
use crate::sys::fork::ForkGuard;
use crate::sys::probe::Probe;
use crate::sys::ring_name::{RingName, enable, register_eventfd, register_ring, unregister_ring};
use crate::sys::tuning::restrict;
use crate::sys::uapi::{
    ENTER_NO_IOWAIT, FEAT_NO_IOWAIT, Params, REGISTER_MEM_REGION, REGISTER_RESTRICTIONS,
    SETUP_DEFER_TASKRUN, SETUP_R_DISABLED,
};
use crate::unavailable::Unavailable;

/// The submission queue's words and its array of entries.
#[derive(Clone, Debug)]
pub(crate) struct SubmissionMemory {
    pub(super) size: Size,
    pub(super) head: Word,
    pub(super) tail: Word,
    pub(super) flags: Word,
    pub(super) dropped: Word,
    pub(super) entries: Place<Sqe>,
}

/// The completion queue's words and its array of entries.
#[derive(Clone, Debug)]
pub(crate) struct CompletionMemory {
    pub(super) size: Size,
    pub(super) head: Word,
    pub(super) tail: Word,
    pub(super) overflow: Word,
    pub(super) entries: Place<Cqe>,
    pub(super) width: Width,
}

/// What keeps the memory.
#[derive(Debug)]
pub(super) enum Backing {
    /// A ring of the kernel.
    Kernel(KernelRing),
    /// An engine inside the process, which keeps the memory as long as it uses it.
    Engine(Engine),
    /// Memory of a test, which plays the kernel.
    #[cfg(any(test, loom, feature = "fuzzing"))]
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
pub(crate) struct KernelRing {
    pub(super) fd: OwnedFd,
    pub(super) features: u32,
    pub(super) flags: u32,
    /// The index under which the one thread that uses the ring has registered it.
    registered: Option<u32>,
    pub(super) guard: ForkGuard,
    registry: Arc<Registry>,
    /// Locked only where the ring moves, and where it goes.
    pub(super) mappings: Mutex<Mappings>,
    /// Where the arguments of waits lie, if they are registered.
    pub(super) waits: Option<Waits>,
    /// The register operations, by bit, that are not to be asked for.
    lacking: u64,
    /// Whether waits are measured by the clock that goes on while the machine is suspended.
    pub(crate) boot_clock: AtomicBool,
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
    /// Maps the ring that `io_uring_setup` has made of `params`, in memory of `own` where that was
    /// given to it.
    ///
    /// # Errors
    ///
    /// Those of `mmap(2)`; `InvalidData` where the kernel's description of the ring cannot be;
    /// `Unsupported` in a loom build, whose atomics are not the kernel's.
    pub(crate) fn map(
        fd: OwnedFd,
        params: &Params,
        guard: ForkGuard,
        own: Option<OwnMemory>,
    ) -> io::Result<Rings> {
        if cfg!(loom) {
            return Err(io::ErrorKind::Unsupported.into());
        }
        let (submission, completion, mappings) = map(fd.as_fd(), params, guard, own)?;
        let registry = Arc::<Registry>::default();
        Ok(Rings {
            submission,
            completion,
            backing: Backing::Kernel(KernelRing {
                fd,
                features: params.features,
                flags: params.flags,
                registered: None,
                guard,
                registry: registry.clone(),
                mappings: Mutex::new(mappings),
                waits: None,
                lacking: 0,
                boot_clock: AtomicBool::new(false),
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

    /// Does what can only be done before the ring is enabled, and notes what its kernel is to lack.
    ///
    /// # Errors
    ///
    /// [`Lacking`]; those of `io_uring_register(2)`; those of `mmap(2)`.
    pub(crate) fn tune(&mut self, tuning: &Tuning) -> io::Result<()> {
        let Backing::Kernel(kernel) = &mut self.backing else { return Ok(()) };
        kernel.lacking = tuning.lacking;
        if tuning.registered_waits {
            kernel.check_known(REGISTER_MEM_REGION)?;
            let waits = Waits::register(kernel.fd(), kernel.guard);
            kernel.waits = Some(waits.map_err(|error| explain(REGISTER_MEM_REGION, error))?);
        }
        if let Some(restrictions) = &tuning.restrictions {
            kernel.check_known(REGISTER_RESTRICTIONS)?;
            let restricted = restrict(kernel.fd(), &restrictions.rows());
            restricted.map_err(|error| explain(REGISTER_RESTRICTIONS, error))?;
        }
        Ok(())
    }

    /// Lets a ring that was made disabled accept entries, of any thread.
    ///
    /// # Errors
    ///
    /// Those of `io_uring_register(2)`.
    pub(crate) fn enable(&self) -> io::Result<()> {
        match &self.backing {
            Backing::Kernel(kernel) if kernel.flags & SETUP_R_DISABLED != 0 => enable(kernel.fd()),
            _ => Ok(()),
        }
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
            #[cfg(any(test, loom, feature = "fuzzing"))]
            Backing::Heap(_) => Ok(()),
        }
    }

    /// The two halves, and a share of the memory for a handle. They start where the counters are.
    pub(crate) fn halves<S: Sharing>(
        self,
        metering: Metering,
    ) -> (SubmissionQueue<S>, CompletionQueue<S>, Arc<Rings>) {
        let rings = Arc::new(self);
        let table = OperationTable::metered(metering);
        let inside = matches!(rings.backing, Backing::Engine(_));
        let table = S::share(|| if inside { table.executed_inside() } else { table });
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
            #[cfg(any(test, loom, feature = "fuzzing"))]
            Backing::Heap(_) => false,
        }
    }

    /// What is registered with the ring, and who registers it.
    ///
    /// # Errors
    ///
    /// `Unsupported` in a forked child.
    pub(crate) fn registry(&self) -> io::Result<(&Arc<Registry>, Clerk<'_>)> {
        Ok((&self.registry, Clerk::of(&self.executor()?)))
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
            #[cfg(any(test, loom, feature = "fuzzing"))]
            Backing::Heap(_) => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    /// The kernel's ring, for what an engine has no counterpart of.
    ///
    /// # Errors
    ///
    /// `Unsupported` in a forked child, and of an engine.
    pub(crate) fn kernel(&self) -> io::Result<&KernelRing> {
        match self.executor()? {
            Executor::Kernel(ring) => Ok(ring),
            Executor::Engine(_) => Err(no_counterpart()),
        }
    }

    /// Sees to it that the kernel, where the ring is one of its, can do the register operation
    /// `operation`.
    ///
    /// # Errors
    ///
    /// `Unsupported` where it cannot.
    pub(crate) fn check_known(&self, operation: u32) -> io::Result<()> {
        match &self.backing {
            Backing::Kernel(kernel) => Ok(kernel.check_known(operation)?),
            _ => Ok(()),
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
        (self.submission.size.index().entries(), self.completion.size.index().entries())
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
    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    pub(super) fn name(&self) -> RingName<'_> {
        self.registered.map_or(RingName::Descriptor(self.fd()), RingName::Registered)
    }

    /// # Errors
    ///
    /// [`Lacking`], where the kernel is not to be asked for this register operation.
    pub(crate) fn check_known(&self, operation: u32) -> Result<(), Lacking> {
        let lacks = operation < u64::BITS && self.lacking & 1 << operation != 0;
        if lacks { Err(Lacking::of(operation)) } else { Ok(()) }
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

/// What an engine says that is asked for something of the kernel's only.
pub(super) fn no_counterpart() -> io::Error {
    let message = "the fallback has no counterpart of this; it needs io_uring";
    io::Error::new(io::ErrorKind::Unsupported, message)
}
