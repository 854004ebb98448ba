//! What is registered with the ring of a local driver.

use std::io;

use ringbahn_core::DirectTable;

use super::core::Core;
use crate::registered::RegisteredBuffers;

impl Core {
    pub(super) fn register_buffers(
        &self,
        count: u16,
        size: usize,
    ) -> io::Result<RegisteredBuffers> {
        self.heed_others()?;
        self.ring.register_buffers(count, size)
    }

    pub(super) fn direct_table(&self, slots: u32) -> io::Result<DirectTable> {
        self.heed_others()?;
        self.ring.direct_table(slots)
    }

    /// Has the thread called where others let go of what is registered.
    pub(super) fn heed_others(&self) -> io::Result<()> {
        self.ring.rings().registry()?.0.call_with(self.parker.alarm.waker());
        Ok(())
    }
}
