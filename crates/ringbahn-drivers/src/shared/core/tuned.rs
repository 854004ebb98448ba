//! What a shared driver does for its registrar.

use std::io;
use std::sync::Arc;

use ringbahn_core::{CancelTarget, Shared};

use super::{Core, lock};
use crate::counters::add;
use crate::registrar::{Registrar, Tuned};

impl Core {
    pub(crate) fn registrar(self: &Arc<Self>) -> Registrar<'_> {
        Registrar::new(&self.ring, self)
    }
}

impl Tuned<Shared> for Arc<Core> {
    fn resize(&self, _sizes: (u32, u32)) -> io::Result<()> {
        // Halves and handles are on several threads, which would have to be kept from them.
        Err(io::Error::new(
            io::ErrorKind::Unsupported,
            "the queues of a ring that threads share cannot be resized: take a LocalDriver, or \
             build another driver of the size you need",
        ))
    }

    fn see_to_cancels(&self, called: usize, left: Vec<CancelTarget<Shared>>) {
        add(&self.tally.cancelled, called as u64);
        lock(&self.submission).backlog.cancels.extend(left);
        self.flush();
        let _ = self.submit();
    }
}
