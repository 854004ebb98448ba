//! What the kernel chooses: buffers of groups, and slots for direct descriptors.

use std::io;
use std::ops::Range;

use ringbahn_core::{BufferGroup, Sharing};

use super::Registrar;
use crate::sys::tuning::{buffers_taken, choose_slots};
use crate::sys::uapi::{REGISTER_BUFFER_STATUS, REGISTER_FILE_ALLOC_RANGE};

impl<S: Sharing> Registrar<'_, S> {
    /// How many buffers the kernel has taken out of `group` since it was made, modulo 65,536.
    ///
    /// # Errors
    ///
    /// `InvalidInput` ([`ForeignRing`](ringbahn_core::ForeignRing)) for a group of another ring;
    /// `Unsupported` with [`Lacking`](crate::Lacking), on the fallback, and in a forked child.
    ///
    /// # Kernel
    ///
    /// Linux 6.8.
    pub fn buffers_taken(&self, group: &BufferGroup) -> io::Result<u16> {
        group.check_ring(self.ring.table().ring())?;
        self.ask(REGISTER_BUFFER_STATUS, |ring| buffers_taken(ring, group.id()))
    }

    /// Has the kernel choose [slots](ringbahn_core::DirectTable) for new direct descriptors out of
    /// `range` only.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for a range that is empty or reaches beyond the table, and where the ring has
    /// no table; `Unsupported` with [`Lacking`](crate::Lacking), on the fallback, and in a forked
    /// child.
    ///
    /// # Kernel
    ///
    /// Linux 6.0.
    pub fn choose_slots(&self, range: Range<u32>) -> io::Result<()> {
        let invalid = || {
            let message =
                "slots are chosen out of the table of direct descriptors, of one at least";
            io::Error::new(io::ErrorKind::InvalidInput, message)
        };
        let count = range.end.checked_sub(range.start).filter(|&count| count > 0);
        let count = count.ok_or_else(invalid)?;
        let chosen = self.ask(REGISTER_FILE_ALLOC_RANGE, |ring| {
            choose_slots(ring, range.start, count).map_err(|error| match error.raw_os_error() {
                // Not to be mistaken for that of queues.
                Some(libc::EOVERFLOW) => invalid(),
                _ => error,
            })
        });
        chosen.map_err(|error| match error.raw_os_error() {
            Some(libc::EINVAL | libc::ENXIO) => invalid(),
            _ => error,
        })
    }
}
