//! Waits that are longer than the first completion, or end at a moment.

use std::io;
use std::sync::atomic::Ordering;
use std::time::Duration;

use ringbahn_core::{Clock, Deadline, Sharing};

use super::RingHandle;
use crate::queue::rings::Executor;
use crate::sys::enter::{Wait, enter_waiting};
use crate::sys::uapi::{ENTER_ABS_TIMER, FEAT_MIN_TIMEOUT};

impl<S: Sharing> RingHandle<S> {
    /// Whether the kernel can [wait for several](RingHandle::enter_gathering).
    pub fn gathers(&self) -> bool {
        self.features() & FEAT_MIN_TIMEOUT != 0
    }

    /// As [`enter`](RingHandle::enter), but gathers: it waits until `wanted_completions` are there
    /// or, where one is there by then, until `gather` has passed. Without one it goes on waiting,
    /// no longer than `timeout` in all, if that is given.
    ///
    /// A thread that is woken for each of many completions does little each time. One that gathers
    /// is woken less often, and later. `gather` is in whole microseconds. A `TIMEOUT` that fires
    /// ends the wait at once.
    ///
    /// # Errors
    ///
    /// As `enter`; `ETIME` where the timeout has passed and nothing was submitted.
    ///
    /// # Kernel
    ///
    /// Linux 6.12. Before, and on the fallback, it waits for one completion.
    pub fn enter_gathering(
        &self,
        wanted_completions: u32,
        gather: Duration,
        timeout: Option<Duration>,
    ) -> io::Result<u32> {
        let plain = !self.gathers() || self.rings.at_work_beside().is_some();
        let Executor::Kernel(ring) = self.rings.executor()? else {
            return self.enter_until_one(wanted_completions, timeout);
        };
        if plain || wanted_completions == 0 {
            return self.enter_until_one(wanted_completions, timeout);
        }
        let (to_submit, flags) = self.request(ring, wanted_completions);
        let min_wait_usec = u32::try_from(gather.as_micros()).unwrap_or(u32::MAX);
        let wait = Wait { timeout, min_wait_usec };
        enter_waiting(ring.name(), to_submit, wanted_completions, flags, wait)
    }

    fn enter_until_one(&self, wanted: u32, timeout: Option<Duration>) -> io::Result<u32> {
        match timeout {
            Some(timeout) => self.enter_timeout(wanted.min(1), timeout),
            None => self.enter(wanted.min(1)),
        }
    }

    /// As [`enter_timeout`](RingHandle::enter_timeout), but waits until a moment.
    ///
    /// # Errors
    ///
    /// As `enter_timeout`.
    ///
    /// # Kernel
    ///
    /// From Linux 6.12 on the kernel is told the moment, where it is on the clock that the ring
    /// measures its waits by, and wakes the thread at it however long the call took to begin.
    /// Before, and on other clocks, it is told what remains.
    pub fn enter_until(&self, wanted_completions: u32, deadline: Deadline) -> io::Result<u32> {
        let plain = !self.gathers() || self.rings.at_work_beside().is_some();
        match self.rings.executor()? {
            Executor::Kernel(ring) if !plain && ring.waits_by(deadline.clock()) => {
                let (to_submit, flags) = self.request(ring, wanted_completions);
                let wait = Wait { timeout: Some(deadline.time()), min_wait_usec: 0 };
                let flags = flags | ENTER_ABS_TIMER;
                enter_waiting(ring.name(), to_submit, wanted_completions, flags, wait)
            }
            _ => self.enter_timeout(wanted_completions, deadline.remaining()),
        }
    }
}

impl crate::queue::rings::KernelRing {
    /// Whether waits are measured by this clock.
    fn waits_by(&self, clock: Clock) -> bool {
        // Relaxed: it publishes nothing.
        let boot = self.boot_clock.load(Ordering::Relaxed);
        clock == if boot { Clock::Boottime } else { Clock::Monotonic }
    }
}
