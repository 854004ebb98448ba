//! How a shared driver submits where a thread of the kernel takes the entries.
//!
//! Whatever is published is as good as submitted as long as that thread is awake, and nobody learns
//! of the moment at which it takes an entry. So who waits for room is not woken by whoever enters
//! next, as on other rings, but by the helper, which waits for the room in their stead.

use std::io;
use std::sync::atomic::Ordering;
use std::thread;

use super::Core;
use crate::counters::add;

/// How often the helper looks for more room than there is, before those who wait look themselves.
const LOOKS_MAX: u32 = 64;

impl Core {
    /// Sees to it that the kernel's thread takes what is published. Yields 0: nobody knows how many
    /// entries it has taken since.
    pub(super) fn hand_over(&self) -> io::Result<u32> {
        if self.ring.unsubmitted() == 0 {
            return Ok(0);
        }
        match self.ring.wake_kernel_thread() {
            Ok(entered) => add(&self.tally.enters, u64::from(entered)),
            Err(error) => {
                add(&self.tally.enters, 1);
                add(&self.tally.failed_enters, 1);
                match error.raw_os_error() {
                    Some(libc::EINTR | libc::EAGAIN | libc::EBUSY | libc::ENOMEM) => {}
                    errno => self.die(errno.unwrap_or(libc::EIO)),
                }
                self.overdue.store(true, Ordering::SeqCst);
                return Err(error);
            }
        }
        Ok(0)
    }

    /// Where tasks wait for room that only the kernel's thread can make: waits for it, and wakes
    /// them. Blocks, so it is for the helper.
    pub(super) fn await_room(&self) {
        if self.waiting.load(Ordering::SeqCst) == 0 || !self.ring.polls_entries() {
            return;
        }
        add(&self.tally.enters, 1);
        if let Err(error) = self.ring.wait_for_room() {
            add(&self.tally.failed_enters, 1);
            match error.raw_os_error() {
                Some(libc::EINTR | libc::EAGAIN | libc::EBUSY | libc::ENOMEM) => {}
                errno => self.die(errno.unwrap_or(libc::EIO)),
            }
        }
        // The kernel calls a queue not full that has room for one entry, and says so a moment
        // before the room can be seen. More is on its way.
        for _ in 0..LOOKS_MAX {
            if self.ring.unsubmitted() <= self.ring.submission_entries() / 2 {
                break;
            }
            thread::yield_now();
        }
        self.wake_waiters();
    }
}
