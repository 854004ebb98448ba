//! What a shared driver serves at once, without its ring.

use std::sync::atomic::Ordering;

use ringbahn_core::{Attempt, Served};

use super::Core;
use crate::counters::add;

impl Core {
    /// Serves an operation without the ring, where that can be done.
    pub(crate) fn attempt<'a>(&self, attempt: Attempt<'a>) -> Option<Served<'a>> {
        let may_serve = self.at_once.may_serve(attempt.entry());
        if !may_serve || self.ring.forked() || self.closed.load(Ordering::Relaxed) {
            return None;
        }
        let table = self.ring.table();
        let (opcode, since) = (attempt.entry().opcode(), table.time());
        let served = self.at_once.serve(attempt)?;
        if served.would_wait() {
            return Some(served);
        }
        table.count_served(opcode, &served, since);
        add(&self.tally.served_at_once, 1);
        Some(served)
    }
}
