//! Credentials for operations to run with.

use std::io;

use ringbahn_core::{Personality, Sharing};

use super::Registrar;
use crate::queue::registry::{Lease, Release};
use crate::sys::tuning::register_personality;
use crate::sys::uapi::REGISTER_PERSONALITY;

/// Lets go of credentials when the last share of them has gone.
#[derive(Debug)]
struct Registered {
    lease: Lease,
    number: u16,
}

impl<S: Sharing> Registrar<'_, S> {
    /// Registers the credentials that the calling thread has now: its user, groups and
    /// capabilities. Operations [run with them](ringbahn_core::event::EventExt::as_personality)
    /// later on, whatever the thread that submits them has become by then.
    ///
    /// A server takes on a client's user, registers it, and goes back to its own; from then on it
    /// opens files as that client. With the last share of the personality, and the last operation
    /// that runs with it, the ring forgets it.
    ///
    /// # Errors
    ///
    /// `QuotaExceeded` where the ring has 65,535 of them; `Unsupported` with
    /// [`Lacking`](crate::Lacking), on the fallback, and in a forked child.
    ///
    /// # Kernel
    ///
    /// Linux 5.6.
    pub fn register_personality(&self) -> io::Result<Personality> {
        let lease = Lease::new(self.ring.rings())?;
        let number = self.ask(REGISTER_PERSONALITY, |ring| {
            register_personality(ring).map_err(|error| match error.raw_os_error() {
                Some(libc::EBUSY) => io::Error::new(
                    io::ErrorKind::QuotaExceeded,
                    "a ring has 65,535 personalities at most: drop some",
                ),
                _ => error,
            })
        })?;
        let number = u16::try_from(number).map_err(io::Error::other)?;
        Ok(Personality::new(self.ring.table().ring(), number, Registered { lease, number }))
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        self.lease.release(Release::Personality(self.number));
    }
}
