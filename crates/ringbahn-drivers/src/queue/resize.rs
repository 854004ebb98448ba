//! Moves the queues of a ring to memory of another size, while operations are in flight.
//!
//! The kernel makes new queues, copies what lies in the old ones, and uses the new ones from the
//! end of the call on. Whatever is stored in the old memory after that is lost without a word. So:
//!
//! | invariant | kept by |
//! |---|---|
//! | Nobody fills, publishes, reaps or enters meanwhile. | both halves are borrowed exclusively, and a ring that can be resized is one thread's, with all its handles |
//! | Nobody uses the old memory afterwards. | halves and handles find the memory through [`Rings`], where it is exchanged; nobody keeps an address between two calls |
//! | Nothing is to be copied. | queues that hold something are refused: a kernel copies none of it where the counters wrap |
//!
//! # Safety
//!
//! RZ1. As the table says, from the call of `resize` until the last of the addresses has been
//!      exchanged nobody but this function has one of the old.
#![allow(unsafe_code)]

use std::io;
use std::mem;
use std::sync::{Arc, PoisonError};

use ringbahn_core::Local;

use super::completion::CompletionQueue;
use super::handle::RingHandle;
use super::mapped::{OwnMemory, map};
use super::rings::{CompletionMemory, Rings, SubmissionMemory};
use super::submission::SubmissionQueue;
use super::width::CompletionWidth;
use crate::registrar::lacking::{Lacking, explain};
use crate::sys::tuning::resize;
use crate::sys::uapi::{
    ENTRIES_MAX, Params, REGISTER_RESIZE_RINGS, SETUP_CLAMP, SETUP_CQSIZE, SETUP_DEFER_TASKRUN,
};

/// Why a ring was not resized, and what has become of it.
#[derive(Debug)]
pub(crate) struct NotResized {
    pub(crate) error: io::Error,
    /// The kernel has moved the queues, and this process does not have the new ones: nothing
    /// reaches the ring any more.
    pub(crate) dead: bool,
}

impl From<io::Error> for NotResized {
    fn from(error: io::Error) -> NotResized {
        NotResized { error, dead: false }
    }
}

impl RingHandle<Local> {
    /// Gives the ring a submission queue with room for `entries` entries and a completion queue
    /// with room for `completion_entries`, both rounded up to powers of two and at most what the
    /// kernel allows. What is in flight stays so.
    ///
    /// `submission` and `completion` are the halves of this ring. Everything that was filled must
    /// have been submitted, and everything that has completed reaped.
    ///
    /// # Errors
    ///
    /// `WouldBlock` where there is something in a queue, or the kernel holds CQEs that did not fit
    /// in: reap, enter, and try again. `InvalidInput` for the halves of another ring;
    /// `OutOfMemory` beyond `RLIMIT_MEMLOCK`; `Unsupported` where the kernel cannot, in a forked
    /// child, and where an engine inside the process executes the operations. The queues are then
    /// as they were. `Other`, in the one case where the kernel has made new queues that cannot be
    /// mapped: the ring is dead.
    ///
    /// # Kernel
    ///
    /// Linux 6.13.
    pub fn resize(
        &self,
        submission: &mut SubmissionQueue<Local>,
        completion: &mut CompletionQueue<Local>,
        entries: u32,
        completion_entries: u32,
    ) -> io::Result<()> {
        let resized = self.try_resize(submission, completion, (entries, completion_entries));
        resized.map_err(|not| match not.dead {
            false => not.error,
            true => io::Error::other(format!(
                "the kernel has resized the ring, and its new queues cannot be mapped ({}): the \
                 ring is dead, so let go of it, and make another one",
                not.error
            )),
        })
    }

    pub(crate) fn try_resize(
        &self,
        submission: &mut SubmissionQueue<Local>,
        completion: &mut CompletionQueue<Local>,
        (entries, completion_entries): (u32, u32),
    ) -> Result<(), NotResized> {
        let rings = self.rings();
        let its_own = submission.is_of(rings) && completion.is_of(rings);
        if !its_own {
            let message = "the queues are those of another ring";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message).into());
        }
        let kernel = rings.kernel()?;
        kernel.check_known(REGISTER_RESIZE_RINGS).map_err(io::Error::from)?;
        if kernel.flags & SETUP_DEFER_TASKRUN == 0 {
            // The kernel is older than both.
            return Err(io::Error::from(Lacking::of(REGISTER_RESIZE_RINGS)).into());
        }
        let unreaped = !completion.is_empty() || self.overflowed();
        if submission.free() < submission.capacity() || self.unsubmitted() > 0 || unreaped {
            let message = "the ring is resized only while its queues are empty: submit and reap";
            return Err(io::Error::new(io::ErrorKind::WouldBlock, message).into());
        }

        let entries = entries.clamp(1, ENTRIES_MAX).next_power_of_two();
        let completion_entries =
            completion_entries.clamp(entries, 2 * ENTRIES_MAX).next_power_of_two();
        let mut params = Params {
            sq_entries: entries,
            cq_entries: completion_entries,
            flags: SETUP_CQSIZE | SETUP_CLAMP,
            ..Params::default()
        };
        let width = CompletionWidth::of_flags(kernel.flags);
        let mut mappings = kernel.mappings.lock().unwrap_or_else(PoisonError::into_inner);
        let make = |kind| OwnMemory::new(kind, (entries, completion_entries), width, kernel.guard);
        let own = mappings.own.map(make).transpose()?;
        if let Some(own) = &own {
            own.name_in(&mut params);
        }
        // SAFETY: RZ1.
        let resized = unsafe { resize(kernel.fd(), &mut params) };
        resized.map_err(|error| explain(REGISTER_RESIZE_RINGS, error))?;
        // The kernel says what has been asked for, and not what the ring has besides.
        params.flags = kernel.flags;
        let mapped = map(kernel.fd(), &params, kernel.guard, own);
        let (new_submission, new_completion, new_mappings) =
            mapped.map_err(|error| NotResized { error, dead: true })?;
        rings.submission.follow(&new_submission);
        rings.completion.follow(&new_completion);
        drop(mem::replace(&mut *mappings, new_mappings));
        Ok(())
    }
}

impl SubmissionMemory {
    fn follow(&self, new: &SubmissionMemory) {
        let SubmissionMemory { size, head, tail, flags, dropped, entries } = new;
        self.size.follow(size);
        self.head.follow(head);
        self.tail.follow(tail);
        self.flags.follow(flags);
        self.dropped.follow(dropped);
        self.entries.follow(entries);
    }
}

impl CompletionMemory {
    fn follow(&self, new: &CompletionMemory) {
        // The width stays.
        let CompletionMemory { size, head, tail, overflow, entries, width: _ } = new;
        self.size.follow(size);
        self.head.follow(head);
        self.tail.follow(tail);
        self.overflow.follow(overflow);
        self.entries.follow(entries);
    }
}

impl SubmissionQueue<Local> {
    fn is_of(&self, rings: &Arc<Rings>) -> bool {
        Arc::ptr_eq(self.rings(), rings)
    }
}

impl CompletionQueue<Local> {
    fn is_of(&self, rings: &Arc<Rings>) -> bool {
        Arc::ptr_eq(self.rings(), rings)
    }
}
