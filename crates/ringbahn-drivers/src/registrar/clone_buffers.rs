//! Registered buffers of one ring at another one.

use std::io;

use ringbahn_core::Sharing;

use super::Registrar;
use super::lacking::Lacking;
use crate::queue::registry::Lease;
use crate::registered::RegisteredBuffers;
use crate::sys::tuning::clone_buffers;
use crate::sys::uapi::REGISTER_CLONE_BUFFERS;

impl<S: Sharing> Registrar<'_, S> {
    /// Registers the buffers that another ring has with this one as well, without pinning them once
    /// more, and yields them under the names that they have here.
    ///
    /// There are no more buffers than before: both handles take from the same ones, and each buffer
    /// is known to the ring of the handle that it was taken from. To all others it is ordinary
    /// memory.
    ///
    /// # Errors
    ///
    /// `InvalidInput` where they are of this ring already; `NotConnected` where their ring has
    /// gone; `QuotaExceeded` where this ring has no room for so many; `Unsupported` with
    /// [`Lacking`](crate::Lacking), where their ring is bound to another thread, on the fallback,
    /// and in a forked child.
    ///
    /// # Kernel
    ///
    /// Linux 6.13.
    pub fn clone_buffers(&self, buffers: &RegisteredBuffers) -> io::Result<RegisteredBuffers> {
        if buffers.ring() == self.ring.table().ring() {
            let message = "the buffers are registered with this ring already: clone the handle";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        self.ring_for(REGISTER_CLONE_BUFFERS)?;
        let lease = Lease::new(self.ring.rings())?;
        let (registry, clerk) = self.ring.rings().registry()?;
        let count = buffers.count() as u32;
        let first = registry.take_buffers(clerk, count)?;
        // Dropped, it gives the slots back, filled or not.
        let clone = buffers.registered_as(self.ring.table().ring(), first, lease);
        let source = buffers.ring_file()?;
        let offsets = (buffers.first().into(), first.into());
        self.ask(REGISTER_CLONE_BUFFERS, |ring| {
            clone_buffers(ring, std::os::fd::AsFd::as_fd(&source), offsets, count)
        })
        .map_err(|error| match error.raw_os_error() {
            Some(libc::EINVAL) => Lacking::part("IORING_REGISTER_DST_REPLACE", (6, 13)).into(),
            _ => error,
        })?;
        Ok(clone)
    }
}
