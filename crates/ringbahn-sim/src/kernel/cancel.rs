//! What becomes of a cancel, and of what it aims at.

use ringbahn_core::opcode;

use crate::faults::Fault;
use crate::kernel::Kernel;
use crate::kernel::request::Stage;
use crate::kernel::schedule::{Step, stopped_result};
use crate::slab::Key;

impl Kernel {
    /// Cancels the request whose CQE will carry `user_data`. What waits in a chain for those before
    /// it is not found, and neither is what has ended and is not posted yet.
    pub(super) fn cancel(&mut self, user_data: u64) -> Step {
        let found = self.requests.find(user_data);
        let found =
            found.filter(|(_, request)| matches!(request.stage, Stage::Waiting | Stage::Deferred));
        let Some((key, request)) = found else { return Step::failed(libc::ENOENT) };
        let stage = request.stage;
        if self.fails(Fault::CancelMissed) {
            return Step::failed(libc::ENOENT);
        }
        if stage == Stage::Deferred {
            if self.fails(Fault::CancelIgnored) {
                self.tell_to_stop(key, false);
                return Step::Done(0);
            }
            if self.fails(Fault::CancelLate) {
                let stops = self.random.coin();
                self.tell_to_stop(key, stops);
                return Step::failed(libc::EALREADY);
            }
        }
        // What only waits may wait for ever, so it is stopped for sure.
        if let Some(request) = self.requests.remove(key) {
            let result = match stage {
                Stage::Deferred => -self.stop_errno(&request),
                _ => stopped_result(&request),
            };
            self.conclude(request, result);
        }
        Step::Done(0)
    }

    /// A request that runs in a worker thread learns of its cancel. It ends when its time has come:
    /// stopped, or done where that needs no waiting.
    fn tell_to_stop(&mut self, key: Key, stops: bool) {
        if let Some(request) = self.requests.get_mut(key) {
            request.told_to_stop = true;
            if stops {
                let is_close = request.opcode() == opcode::CLOSE;
                request.stage = Stage::Ended(if is_close { -libc::ECANCELED } else { -512 });
            }
        }
    }
}
