//! [`Parker`]: where a thread that runs `block_on` sleeps, and how others wake it.
//!
//! ```text
//!            wake                       wake: rings the bell
//!   AWAKE ─────────► NOTIFIED ◄──────────────────────── PARKED
//!     ▲                 │                                  │
//!     └── take_notified ┘     AWAKE ──── park ────► PARKED │
//!     └──────────────────────── unpark ────────────────────┘
//! ```
//!
//! A thread that is awake is woken by a word in memory. Only one that has said that it sleeps costs
//! a system call, and that is the affair of the first who wakes it: once `NOTIFIED`, later wakes
//! have nothing to do. So there is at most one call for each sleep.

use std::io::{self, IoSliceMut};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::task::Wake;

use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};
use rustix::io::{ReadWriteFlags, preadv2};

use crate::Unavailable;
use crate::sys::fork::ForkGuard;

const AWAKE: u8 = 0;
const NOTIFIED: u8 = 1;
const PARKED: u8 = 2;

/// Where a thread that runs `block_on` sleeps, and how others wake it.
#[derive(Debug)]
pub(super) struct Parker {
    /// AcqRel in `wake`, Acquire in `take_notified`: what was done before a wake is seen by the
    /// poll that it leads to.
    state: AtomicU8,
    /// Readable when a thread that sleeps has been woken.
    call: OwnedFd,
    /// How often the bell has rung, and whether it is to ring again; written and read by the
    /// driver's own thread.
    rings: AtomicU64,
    silenced: AtomicBool,
    guard: ForkGuard,
    /// The thread that sleeps here.
    owner: usize,
}

/// A number of the calling thread; one that has ended may have had the same.
fn here() -> usize {
    thread_local!(static HERE: u8 = const { 0 });
    HERE.with(|here| std::ptr::from_ref(here).addr())
}

impl Parker {
    pub(super) fn new() -> io::Result<Parker> {
        let guard = ForkGuard::new().map_err(|error| Unavailable::failed("madvise", &error))?;
        // Not in non-blocking mode: before 5.15 the ring's read of it would fail and not wait, and
        // the bell would ring for ever.
        let call = eventfd(0, EventfdFlags::CLOEXEC)
            .map_err(|error| Unavailable::failed("eventfd2", &error.into()))?;
        Ok(Parker {
            state: AtomicU8::new(AWAKE),
            call,
            rings: AtomicU64::new(0),
            silenced: AtomicBool::new(false),
            guard,
            owner: here(),
        })
    }

    /// Notes that there is something to poll, without waking anybody: for the thread itself.
    pub(super) fn notify(&self) {
        self.state.store(NOTIFIED, Ordering::Release);
    }

    /// Whether there is something to poll.
    pub(super) fn is_notified(&self) -> bool {
        // Relaxed: a hint; `take_notified` is what counts.
        self.state.load(Ordering::Relaxed) == NOTIFIED
    }

    /// Whether there is something to poll; it is then taken to be polled.
    pub(super) fn take_notified(&self) -> bool {
        // Acquire: pairs with the wake. The look before spares the exchange where it is in vain.
        self.is_notified() && self.state.swap(AWAKE, Ordering::Acquire) == NOTIFIED
    }

    /// The thread is about to sleep. `false` where there is something to poll instead.
    pub(super) fn park(&self) -> bool {
        // Acquire, also where it fails: as in `take_notified`.
        self.state.compare_exchange(AWAKE, PARKED, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// The thread sleeps no more, for whatever reason.
    pub(super) fn unpark(&self) {
        // Where it fails there was a wake, which stays to be taken.
        let _ = self.state.compare_exchange(PARKED, AWAKE, Ordering::AcqRel, Ordering::Acquire);
    }

    /// The bell has rung. Says whether it is to ring again.
    pub(super) fn note_ring(&self) -> bool {
        let again = !self.silenced.load(Ordering::Relaxed);
        self.rings.fetch_add(u64::from(again), Ordering::Relaxed);
        again
    }

    /// The bell is to ring no more.
    pub(super) fn silence(&self) {
        self.silenced.store(true, Ordering::Relaxed);
    }

    /// How often the bell has rung since this was asked last.
    pub(super) fn take_rings(&self) -> u64 {
        match self.rings.load(Ordering::Relaxed) {
            0 => 0,
            _ => self.rings.swap(0, Ordering::Relaxed),
        }
    }

    /// Sleeps without a ring, until somebody wakes the thread.
    pub(super) fn sleep(&self) {
        if poll(&mut [PollFd::new(&self.call, PollFlags::IN)], None).is_ok() {
            // The bell of a ring that has died may be faster, and then this must not wait.
            let mut count = [0; 8];
            let into = &mut [IoSliceMut::new(&mut count)];
            let _ = preadv2(&self.call, into, u64::MAX, ReadWriteFlags::NOWAIT);
        }
    }
}

impl AsFd for Parker {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.call.as_fd()
    }
}

impl Wake for Parker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.is_notified() && self.owner == here() {
            // The thread itself has been woken already, and sees what it has done itself.
            return;
        }
        // AcqRel: see `state`. In a child the eventfd is the parent's, who is not to be woken.
        if self.state.swap(NOTIFIED, Ordering::AcqRel) == PARKED && !self.guard.forked() {
            // It fails only when the count is full, and then the thread has been called.
            let _ = rustix::io::write(&self.call, &1_u64.to_ne_bytes());
        }
    }
}
