//! [`Parker`]: where a thread that runs `block_on` sleeps.

use std::io::{self, IoSliceMut};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};
use rustix::io::{ReadWriteFlags, preadv2};

use super::alarm::Alarm;
use crate::Unavailable;
use crate::sys::fork::ForkGuard;

/// Where a thread that runs `block_on` sleeps: on an eventfd, by which others call it.
#[derive(Debug)]
pub(super) struct Parker {
    /// What others ring.
    pub(super) alarm: &'static Alarm,
    /// Readable when a thread that sleeps has been woken.
    call: Arc<OwnedFd>,
    /// How often the bell has rung, and whether it is to ring again; written and read by the
    /// driver's own thread.
    rings: AtomicU64,
    silenced: AtomicBool,
}

impl Parker {
    pub(super) fn new() -> io::Result<Parker> {
        let guard = ForkGuard::new().map_err(|error| Unavailable::failed("madvise", &error))?;
        // Not in non-blocking mode: before 5.15 the ring's read of it would fail and not wait, and
        // the bell would ring for ever.
        let call = eventfd(0, EventfdFlags::CLOEXEC)
            .map_err(|error| Unavailable::failed("eventfd2", &error.into()))?;
        let call = Arc::new(call);
        Ok(Parker {
            alarm: Alarm::claim(call.clone(), guard),
            call,
            rings: AtomicU64::new(0),
            silenced: AtomicBool::new(false),
        })
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

impl Drop for Parker {
    fn drop(&mut self) {
        self.alarm.give_back();
    }
}
