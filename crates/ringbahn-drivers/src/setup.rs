//! [`Setup`]: makes a ring, or says why there is none.
//!
//! What the kernel refuses is given up one by one, the newest first, and what it says it can do is
//! believed only after a real operation has gone through: a sandbox may allow `io_uring_setup` and
//! forbid `io_uring_enter`.

use std::io;
use std::os::fd::OwnedFd;
use std::thread;
use std::time::Duration;

use ringbahn_core::Sqe;

use crate::queue::completion::CompletionQueue;
use crate::queue::handle::RingHandle;
use crate::queue::rings::Rings;
use crate::queue::submission::SubmissionQueue;
use crate::sys::fork::ForkGuard;
use crate::sys::setup::setup;
use crate::sys::uapi::{
    ENTRIES_MAX, FEAT_EXT_ARG, FEAT_FAST_POLL, FEAT_NODROP, FEAT_RW_CUR_POS, FEAT_SINGLE_MMAP,
    FEAT_SUBMIT_STABLE, Params, SETUP_CLAMP, SETUP_CQSIZE, SETUP_NO_SQARRAY, SETUP_SUBMIT_ALL,
};
use crate::unavailable::Unavailable;

/// What ringbahn relies on; a kernel without one of these is too old (`EXT_ARG`: 5.11).
const FEATURES_NEEDED: u32 = FEAT_SINGLE_MMAP
    | FEAT_NODROP
    | FEAT_SUBMIT_STABLE
    | FEAT_RW_CUR_POS
    | FEAT_FAST_POLL
    | FEAT_EXT_ARG;

/// What may be given up when the kernel refuses it, in this order: newest first.
const LADDER: [u32; 4] = [SETUP_NO_SQARRAY, SETUP_SUBMIT_ALL, SETUP_CLAMP, SETUP_CQSIZE];

/// The smallest submission queue that a lack of memory shrinks a ring to.
const ENTRIES_MIN: u32 = 8;

/// How long to wait for memory before a smaller ring is tried. The kernel gives back the locked
/// memory of rings just closed from a worker of its own, some milliseconds later.
const WAITS_MS: [u64; 5] = [1, 4, 16, 64, 128];

/// How often a round trip is tried again for a signal or a momentary lack of memory.
const ROUND_TRIPS_MAX: u32 = 100;

/// `io_uring_setup`, or what a test puts in its place.
type SetupCall = fn(u32, &mut Params) -> io::Result<OwnedFd>;

/// How to make a ring.
///
/// # Examples
///
/// ```
/// use ringbahn_drivers::{Queues, Setup};
///
/// match Setup::new(64).completion_entries(256).build() {
///     Ok(Queues { submission, .. }) => assert_eq!(submission.capacity(), 64),
///     Err(unavailable) => eprintln!("{unavailable}"),
/// }
/// ```
///
/// # Kernel
///
/// 5.11. Entries behind a bad one are submitted all the same (5.18), and the queue has no array of
/// indices (6.6), where the kernel can.
///
/// # References
///
/// [`io_uring_setup(2)`](https://man7.org/linux/man-pages/man2/io_uring_setup.2.html)
#[derive(Clone, Debug)]
pub struct Setup {
    entries: u32,
    completion_entries: Option<u32>,
    clamp: bool,
    call: SetupCall,
}

/// A ring, ready for use: both halves, and the handle to enter the kernel with.
#[derive(Debug)]
pub struct Queues {
    /// The half in which operations are laid out for the kernel.
    pub submission: SubmissionQueue,
    /// The half in which the kernel says what became of them.
    pub completion: CompletionQueue,
    /// The way into the kernel, for both.
    pub handle: RingHandle,
}

impl Setup {
    /// A ring with room for `entries` entries to be submitted at once: a power of two, or it is
    /// rounded up to one; at least 1.
    pub fn new(entries: u32) -> Setup {
        Setup { entries: entries.max(1), completion_entries: None, clamp: true, call: setup }
    }

    /// How many CQEs are to fit into the completion queue. Rounded up to a power of two, and to the
    /// size of the submission queue. Without it there is room for twice as many CQEs as entries.
    #[must_use]
    pub fn completion_entries(mut self, entries: u32) -> Setup {
        self.completion_entries = Some(entries);
        self
    }

    /// Whether sizes beyond the kernel's maximum (32 768 entries, 65 536 CQEs) become the maximum,
    /// as they do by default, or an error.
    #[must_use]
    pub fn clamp(mut self, clamp: bool) -> Setup {
        self.clamp = clamp;
        self
    }

    /// Makes the ring and sends a NOP through it.
    ///
    /// Where memory is short it waits, a fifth of a second in all, and then tries smaller rings,
    /// down to 8 entries. So it may block, and [`SubmissionQueue::capacity`] tells how large the
    /// ring has become.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] says why there is no ring and what to do about it.
    pub fn build(self) -> Result<Queues, Unavailable> {
        let guard = ForkGuard::new().map_err(|error| Unavailable::failed("madvise", &error))?;
        let (fd, params) = self.make()?;
        if params.features & FEATURES_NEEDED != FEATURES_NEEDED {
            return Err(Unavailable::too_old());
        }
        let rings = Rings::map(fd, &params, guard);
        let rings = rings.map_err(|error| Unavailable::failed("mmap", &error))?;
        let (submission, completion, rings) = rings.halves();
        let handle = RingHandle::new(rings, completion.shared_table());
        let mut queues = Queues { submission, completion, handle };
        let went_through = queues.round_trip();
        went_through.map_err(|error| Unavailable::failed("io_uring_enter", &error))?;
        Ok(queues)
    }

    /// Makes the ring, smaller where there is not enough memory.
    fn make(&self) -> Result<(OwnedFd, Params), Unavailable> {
        let failed = |error: io::Error| Unavailable::failed("io_uring_setup", &error);
        let mut waits = WAITS_MS.iter();
        let mut shrunk = self.clone();
        loop {
            let error = match shrunk.climb_down() {
                Ok(made) => return Ok(made),
                Err(error) => error,
            };
            if error.raw_os_error() != Some(libc::ENOMEM) {
                return Err(failed(error));
            }
            if let Some(&wait) = waits.next() {
                thread::sleep(Duration::from_millis(wait));
            } else if !shrunk.halve() {
                return Err(failed(error));
            }
        }
    }

    /// Makes the ring with all the flags that the kernel does not refuse.
    fn climb_down(&self) -> io::Result<(OwnedFd, Params)> {
        let mut flags = SETUP_SUBMIT_ALL | SETUP_NO_SQARRAY;
        if self.clamp {
            flags |= SETUP_CLAMP;
        }
        if self.completion_entries.is_some() {
            flags |= SETUP_CQSIZE;
        }
        let mut rungs = LADDER.iter();
        loop {
            let mut params = self.params(flags);
            match (self.call)(self.entries, &mut params) {
                Ok(fd) => return Ok((fd, params)),
                Err(error) if error.raw_os_error() == Some(libc::EINVAL) => {
                    let Some(rung) = rungs.find(|&&rung| flags & rung != 0) else {
                        return Err(error);
                    };
                    flags &= !rung;
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn params(&self, flags: u32) -> Params {
        // The kernel refuses a completion queue smaller than the submission queue.
        let rounded = self.entries.checked_next_power_of_two().unwrap_or(ENTRIES_MAX);
        let at_least = if self.clamp { rounded.min(ENTRIES_MAX) } else { rounded };
        let cq_entries = match self.completion_entries {
            Some(entries) if flags & SETUP_CQSIZE != 0 => entries.max(at_least),
            _ => 0,
        };
        Params { flags, cq_entries, ..Params::default() }
    }

    /// Halves both queues; `false` where the submission queue is as small as it may get.
    fn halve(&mut self) -> bool {
        let rounded = self.entries.min(ENTRIES_MAX).next_power_of_two();
        if rounded <= ENTRIES_MIN {
            return false;
        }
        self.entries = rounded / 2;
        self.completion_entries = self.completion_entries.map(|entries| entries / 2);
        true
    }
}

impl Queues {
    /// Sends a NOP through the ring and leaves it empty.
    fn round_trip(&mut self) -> io::Result<()> {
        // The entry belongs to no operation, so it must not reach the operation table: it is taken
        // out here, before anybody else has the queues.
        if self.submission.push_raw(Sqe::nop())?.is_err() {
            return Err(io::Error::other("a new submission queue has no room"));
        }
        self.submission.publish();
        for _ in 0..ROUND_TRIPS_MAX {
            match self.handle.enter(1) {
                Ok(_) => {}
                Err(error) => match error.raw_os_error() {
                    Some(libc::EINTR | libc::EBUSY) => {}
                    Some(libc::EAGAIN) => thread::sleep(Duration::from_millis(1)),
                    _ => return Err(error),
                },
            }
            if let Some(cqe) = self.completion.pop_raw() {
                return cqe.result().map(drop);
            }
        }
        Err(io::Error::other("a NOP was submitted, and no CQE came back"))
    }
}

#[cfg(all(test, not(loom)))]
mod tests;
