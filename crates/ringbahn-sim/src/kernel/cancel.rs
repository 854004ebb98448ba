//! What becomes of a cancel, and of what it aims at.

use ringbahn_core::opcode;

use crate::faults::Fault;
use crate::kernel::Kernel;
use crate::kernel::request::Stage;
use crate::kernel::schedule::Step;
use crate::slab::Key;

impl Kernel {
    /// Cancels the request whose CQE will carry `user_data`. What waits in a chain for those before
    /// it is not found, and neither is what has ended and is not posted yet.
    pub(super) fn cancel(&mut self, user_data: u64) -> Step {
        let found = self.requests.iter().find(|(_, request)| {
            request.entry().user_data() == user_data
                && matches!(request.stage, Stage::Waiting | Stage::Deferred)
        });
        let Some((key, request)) = found else { return Step::failed(libc::ENOENT) };
        let stage = request.stage;
        if self.fails(Fault::CancelMissed) {
            return Step::failed(libc::ENOENT);
        }
        // A thing that only waits may wait for ever, so it is stopped for sure.
        let result = match stage {
            Stage::Deferred if self.fails(Fault::CancelIgnored) => return Step::Done(0),
            Stage::Deferred if self.fails(Fault::CancelLate) => {
                self.stop_later(key);
                return Step::failed(libc::EALREADY);
            }
            Stage::Deferred => {
                let Some(request) = self.requests.get(key) else {
                    return Step::failed(libc::ENOENT);
                };
                let (is_close, coin) = (request.opcode() == opcode::CLOSE, self.random.coin());
                if is_close || coin { -libc::ECANCELED } else { -512 }
            }
            _ => -libc::ECANCELED,
        };
        if let Some(request) = self.requests.remove(key) {
            // What has been sent in part has been sent.
            let result = i32::try_from(request.done).ok().filter(|&done| done > 0).unwrap_or(result);
            self.conclude(request, result);
        }
        Step::Done(0)
    }

    /// Signals a request in a worker thread. It ends when its time has come: stopped, or done.
    fn stop_later(&mut self, key: Key) {
        let stopped = self.random.coin();
        if let Some(request) = self.requests.get_mut(key)
            && stopped
        {
            let is_close = request.opcode() == opcode::CLOSE;
            request.stage = Stage::Ended(if is_close { -libc::ECANCELED } else { -512 });
        }
    }
}
