//! What a local driver does for its registrar.

use std::io;

use ringbahn_core::{CancelTarget, Local};

use super::core::Core;
use crate::refusal::Refusal;
use crate::registrar::Tuned;

/// How often the queues are emptied before something that completes all the time has its way.
const TRIES_MAX: u32 = 8;

impl Tuned<Local> for Core {
    fn resize(&self, sizes: (u32, u32)) -> io::Result<()> {
        let mut tries = 0;
        loop {
            self.empty_queues();
            let resized = {
                let state = &mut *self.state();
                self.ring.try_resize(&mut state.submission, &mut state.completion, sizes)
            };
            tries += 1;
            let Err(not) = resized else { return Ok(()) };
            if not.dead {
                let errno = not.error.raw_os_error().unwrap_or(libc::EIO);
                self.state().refusal.get_or_insert(Refusal::Dead(errno));
                self.wake_waiters();
                return Err(io::Error::other(format!(
                    "the kernel has resized the ring, and its new queues cannot be mapped ({}): \
                     the driver accepts nothing any more, so build another one",
                    not.error
                )));
            }
            if not.error.kind() != io::ErrorKind::WouldBlock || tries == TRIES_MAX {
                return Err(not.error);
            }
        }
    }

    fn see_to_cancels(&self, called: usize, left: Vec<CancelTarget<Local>>) {
        let mut state = self.state();
        state.counters.cancelled += called as u64;
        state.backlog.cancels.extend(left);
        drop(state);
        self.act_outside();
    }
}

impl Core {
    /// Submits what is prepared and reaps what has completed, whether a turn is to come or not.
    fn empty_queues(&self) {
        self.enter(crate::RingHandle::enter_ready);
        self.reap();
    }
}
