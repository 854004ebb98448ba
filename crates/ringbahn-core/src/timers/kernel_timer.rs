//! [`KernelTimer`]: the one operation that a queue of timers has in flight.
//!
//! # Safety
//!
//! KT1. The entry of a kernel timer is that of the timeout within, and the whole is touched as
//!     little as that may be: it has nothing else that the kernel knows of.
#![allow(unsafe_code)]

use std::io;
use std::sync::Arc;

use super::queue::Queue;
use crate::clock::Deadline;
use crate::event::{Event, Timeout};
use crate::outcome::Outcome;
use crate::sqe::Sqes;

/// A timeout that fires what is due when it ends, and goes round again for what is due next.
///
/// So whoever reaps the driver's ring fires its timers, outside of any lock, and neither a task nor
/// a thread is needed for it.
pub(super) struct KernelTimer {
    timeout: Timeout,
    queue: Arc<Queue>,
    /// By which the queue knows whether this is still the timer that it waits for.
    epoch: u64,
}

impl KernelTimer {
    pub(super) fn new(queue: Arc<Queue>, deadline: Deadline, epoch: u64) -> KernelTimer {
        KernelTimer { timeout: Timeout::at(deadline), queue, epoch }
    }
}

impl Event for KernelTimer {
    type Output = io::Result<()>;

    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        // SAFETY: KT1; our caller has promised of the whole what the timeout asks of its caller.
        unsafe { self.timeout.prepare(sqes) };
    }

    fn complete(self, outcome: Outcome<'_, Self>) -> io::Result<()> {
        self.timeout.complete(outcome.of())
    }

    /// The timeout is over, or was interrupted. Not asked where somebody has cancelled it.
    fn resubmit(&mut self, outcome: &Outcome<'_, Self>) -> bool {
        let cqe = outcome.cqe();
        if !cqe.has_not_run() && !cqe.failed_with(libc::ETIME) && cqe.result < 0 {
            // The kernel does not know what was asked for, and will not the next time.
            return false;
        }
        let next = self.queue.fire(self.epoch);
        if let Some(deadline) = next {
            self.timeout = Timeout::at(deadline);
        }
        next.is_some()
    }
}
