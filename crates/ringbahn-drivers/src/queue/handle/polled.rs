//! The ways into the kernel of rings that are polled: by a thread of the kernel for entries
//! (`SETUP_SQPOLL`), or by whoever waits for completions (`SETUP_IOPOLL`).

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};
use std::sync::atomic::fence;
use std::thread;
use std::time::{Duration, Instant};

use ringbahn_core::Sharing;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::{Readiness, RingHandle};
use crate::queue::rings::KernelRing;
use crate::sync::Ordering;
use crate::sys::enter::enter;
use crate::sys::uapi::{
    ENTER_GETEVENTS, ENTER_SQ_WAIT, ENTER_SQ_WAKEUP, SETUP_IOPOLL, SETUP_SQPOLL, SQ_NEED_WAKEUP,
};

/// How often devices are asked before the descriptor besides is looked at again.
const PASSES: u32 = 16;

impl<S: Sharing> RingHandle<S> {
    /// Whether a thread of the kernel takes the entries, some time after they were published.
    pub fn polls_entries(&self) -> bool {
        self.setup_flags() & SETUP_SQPOLL != 0
    }

    /// Whether completions appear only as somebody enters the kernel for them, which then asks the
    /// devices.
    pub fn polls_devices(&self) -> bool {
        self.setup_flags() & SETUP_IOPOLL != 0
    }

    /// Wakes the kernel's thread that takes the entries, if it sleeps. Says whether that took a
    /// system call.
    ///
    /// # Errors
    ///
    /// `Unsupported` in a forked child; `EOWNERDEAD` where the thread is gone, and the ring with
    /// it; else see [the table](RingHandle#errors).
    pub(crate) fn wake_kernel_thread(&self) -> io::Result<bool> {
        let ring = self.rings.kernel()?;
        match self.wake_flag(ring) {
            0 => Ok(false),
            flag => enter(ring.name(), self.unsubmitted(), 0, flag).map(|_| true),
        }
    }

    /// Waits until the kernel's thread has taken an entry of a full queue.
    ///
    /// # Errors
    ///
    /// As [`wake_kernel_thread`](RingHandle::wake_kernel_thread).
    pub(crate) fn wait_for_room(&self) -> io::Result<()> {
        let ring = self.rings.kernel()?;
        enter(ring.name(), 0, 0, ENTER_SQ_WAIT | ENTER_SQ_WAKEUP).map(drop)
    }

    /// The flag by which a call wakes the kernel's thread, where it sleeps.
    pub(super) fn wake_flag(&self, ring: &KernelRing) -> u32 {
        if ring.flags & SETUP_SQPOLL == 0 {
            return 0;
        }
        // The tail has been stored, now the flag is read. It pairs with the barrier of the kernel's
        // thread, which sets the flag first and then looks at the tail once more.
        fence(Ordering::SeqCst);
        // Relaxed: the fence orders it.
        let flags = self.rings.submission.flags.load(Ordering::Relaxed);
        if flags & SQ_NEED_WAKEUP != 0 { ENTER_SQ_WAKEUP } else { 0 }
    }

    /// The number of the descriptor, for another ring to be attached to this one's thread.
    pub(crate) fn fd_number(&self) -> io::Result<RawFd> {
        self.rings.kernel().map(|ring| ring.fd().as_raw_fd())
    }

    /// As [`poll_readable`](RingHandle::poll_readable), by asking the devices.
    ///
    /// A pass does not spin in the kernel, since it would keep the ring's lock meanwhile, which
    /// those who submit need.
    pub(super) fn poll_devices(
        &self,
        wake: Option<BorrowedFd<'_>>,
        timeout: Option<Duration>,
    ) -> io::Result<Readiness> {
        let ring = self.rings.kernel()?;
        let end = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        loop {
            for _ in 0..PASSES {
                // What is not in flight will not complete; whoever asks had better rest.
                if self.rings.has_completions() || self.table.in_flight() == 0 {
                    return Ok(Readiness { ring: true, wake: false });
                }
                match enter(ring.name(), 0, 0, ENTER_GETEVENTS) {
                    Err(error) if error.raw_os_error() != Some(libc::EINTR) => return Err(error),
                    _ => thread::yield_now(),
                }
            }
            let wake = wake.is_some_and(|wake| {
                let mut wake = [PollFd::from_borrowed_fd(wake, PollFlags::IN)];
                poll(&mut wake, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).is_ok_and(|n| n > 0)
            });
            if wake || end.is_some_and(|end| end <= Instant::now()) {
                return Ok(Readiness { ring: false, wake });
            }
        }
    }
}
