//! Polls that get another interest while they wait.

use std::sync::Arc;

use ringbahn_core::{Sqe, opcode};

use super::calls::perform;
use super::engine::Core;
use super::operations::{Flight, LinkTimeout};
use super::schedule::Ready;

impl Core {
    /// Executes a `POLL_REMOVE` that changes what a poll waits for. Its own CQE comes first.
    pub(super) fn update_poll(self: &Arc<Self>, flight: Flight, ready: &mut Ready) {
        let entry = &flight.work.entry;
        let (target, mask) = (entry.get_address_number(), entry.get_op_flags());
        let mut state = self.state();
        let id = state.find(target, opcode::POLL_ADD);
        let waiting = id.and_then(|id| Some((id, state.operations.take_waiting(id)?)));
        let answer = match (id, &waiting) {
            (None, _) => -libc::ENOENT,
            // The reactor has just found it ready.
            (Some(_), None) => -libc::EALREADY,
            (Some(_), Some(_)) => 0,
        };
        if let Some((id, (wait, _))) = &waiting {
            state.watches.remove(*id, wait.fd);
        }
        state.finish(flight, LinkTimeout::None, answer, ready);
        drop(state);
        if let Some((_, (_, mut poll))) = waiting {
            let entry = std::mem::replace(&mut poll.work.entry, Sqe::nop());
            poll.work.entry = entry.op_flags(mask);
            let step = perform(&mut poll.work, false, &self.groups);
            self.settle(poll, step, ready);
        }
    }
}
