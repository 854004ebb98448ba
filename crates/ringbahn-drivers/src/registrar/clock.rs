//! The clock by which the waits of a ring are measured: [`WaitClock`].

use std::io;
use std::sync::atomic::Ordering;

use ringbahn_core::Sharing;

use super::Registrar;
use crate::sys::tuning::set_clock;
use crate::sys::uapi::REGISTER_CLOCK;

/// The clock by which the waits of a ring are measured. That of timers is another matter: they name
/// theirs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum WaitClock {
    /// It stands still while the machine is suspended.
    #[default]
    Monotonic,
    /// It goes on while the machine is suspended.
    Boottime,
}

impl<S: Sharing> Registrar<'_, S> {
    /// Has the timeouts of waits in the ring be measured by `clock`.
    ///
    /// # Errors
    ///
    /// `Unsupported` with [`Lacking`](crate::Lacking), on the fallback, and in a forked child.
    ///
    /// # Kernel
    ///
    /// Linux 6.12; before, waits are measured by the monotonic clock.
    pub fn set_clock(&self, clock: WaitClock) -> io::Result<()> {
        let number = match clock {
            WaitClock::Monotonic => libc::CLOCK_MONOTONIC,
            WaitClock::Boottime => libc::CLOCK_BOOTTIME,
        };
        self.ask(REGISTER_CLOCK, |ring| set_clock(ring, number))?;
        let kernel = self.ring.rings().kernel()?;
        // Relaxed: it publishes nothing.
        kernel.boot_clock.store(clock == WaitClock::Boottime, Ordering::Relaxed);
        Ok(())
    }
}
