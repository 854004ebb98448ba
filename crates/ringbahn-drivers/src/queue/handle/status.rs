//! What a ring tells of itself: how far it has come, and how it was made.

use std::io;

use ringbahn_core::Sharing;

use super::RingHandle;
use crate::backend::Backend;
use crate::fallback::Engine;
use crate::queue::beside::AtWork;
use crate::queue::rings::Executor;
use crate::sync::Ordering;
use crate::sys::probe::Probe;
use crate::sys::uapi::{SETUP_SUBMIT_ALL, SQ_CQ_OVERFLOW, SQ_TASKRUN};
use crate::unavailable::Unavailable;

impl<S: Sharing> RingHandle<S> {
    /// How many published entries the kernel has not taken yet.
    pub fn unsubmitted(&self) -> u32 {
        if self.rings.forked() {
            return 0;
        }
        let memory = &self.rings.submission;
        // Acquire: pairs with the kernel's `smp_store_release(&rings->sq.head)`. It comes before
        // the load of the tail, so that the tail is never behind it.
        let head = memory.head.load(Ordering::Acquire);
        // Acquire: pairs with the Release in `SubmissionQueue::publish`.
        let tail = memory.tail.load(Ordering::Acquire);
        memory.size.index().used(head, tail)
    }

    /// Whether the kernel holds CQEs that did not fit into the completion queue. Nothing is lost:
    /// [`enter_flush`](RingHandle::enter_flush) brings them in, after room has been made.
    pub fn overflowed(&self) -> bool {
        // Relaxed: a hint that publishes nothing; the CQEs come with the tail.
        let flags = &self.rings.submission.flags;
        !self.rings.forked()
            && (flags.load(Ordering::Relaxed) & SQ_CQ_OVERFLOW != 0
                || self.rings.at_work_beside().is_some_and(AtWork::overflowed))
    }

    /// Whether the kernel has something that an enter of this thread would bring into the
    /// completion queue: completions put off until then, or CQEs that did not fit in.
    pub fn has_work(&self) -> bool {
        // Relaxed: a hint that publishes nothing; the CQEs come with the tail.
        let flags = &self.rings.submission.flags;
        !self.rings.forked()
            && (flags.load(Ordering::Relaxed) & (SQ_CQ_OVERFLOW | SQ_TASKRUN) != 0
                || self.rings.at_work_beside().is_some_and(AtWork::overflowed))
    }

    /// How many CQEs the kernel has lost for want of memory since the ring was made.
    pub fn overflow_count(&self) -> u32 {
        // Relaxed: a counter that publishes nothing.
        if self.rings.forked() { 0 } else { self.rings.completion.overflow.load(Ordering::Relaxed) }
    }

    /// How many entries the kernel has dropped as malformed since the ring was made: 0, unless the
    /// queue itself is broken.
    pub fn dropped_count(&self) -> u32 {
        // Relaxed: a counter that publishes nothing.
        if self.rings.forked() { 0 } else { self.rings.submission.dropped.load(Ordering::Relaxed) }
    }

    /// What executes the operations of this ring.
    pub fn backend(&self) -> Backend {
        self.rings.backend()
    }

    /// Why the fallback executes the operations of this ring; `None` where the kernel does, or
    /// where the [policy](crate::Policy) is never to ask it.
    pub fn fallback_reason(&self) -> Option<&Unavailable> {
        self.rings.fallback_reason.as_ref()
    }

    /// Asks the kernel, or the engine in its place, which operations it knows.
    ///
    /// # Errors
    ///
    /// `Unsupported` in a forked child; the kernel's error otherwise.
    pub fn probe(&self) -> io::Result<Probe> {
        match self.rings.executor()? {
            Executor::Kernel(ring) => Probe::of(ring.fd()),
            Executor::Engine(_) => Ok(Engine::probe()),
        }
    }

    /// The kernel's `IORING_FEAT_*` bits; 0 in a forked child.
    pub fn features(&self) -> u32 {
        match self.rings.executor() {
            Ok(Executor::Kernel(ring)) => ring.features,
            Ok(Executor::Engine(_)) => Engine::FEATURES,
            Err(_) => 0,
        }
    }

    /// The `IORING_SETUP_*` bits the ring was made with; 0 in a forked child.
    pub fn setup_flags(&self) -> u32 {
        match self.rings.executor() {
            Ok(Executor::Kernel(ring)) => ring.flags,
            Ok(Executor::Engine(_)) => SETUP_SUBMIT_ALL,
            Err(_) => 0,
        }
    }

    /// How many entries fit into the submission queue.
    pub fn submission_entries(&self) -> u32 {
        self.rings.submission.size.index().entries()
    }

    /// How many CQEs fit into the completion queue.
    pub fn completion_entries(&self) -> u32 {
        self.rings.completion.size.index().entries()
    }

    /// Whether this process is a child of the one that made the ring. Costs one load.
    pub fn forked(&self) -> bool {
        self.rings.forked()
    }
}
