//! [`PollUpdate`]: another interest for a poll that waits.
#![allow(unsafe_code)]

use std::io;

use crate::event::{Event, Interest, TargetState};
use crate::opcode;
use crate::operation::target::CancelTarget;
use crate::outcome::Outcome;
use crate::sqe::{Sqe, Sqes};

/// `IORING_POLL_UPDATE_EVENTS`: what is waited for changes.
const UPDATE_EVENTS: u32 = 1 << 1;

/// Has a [`PollAdd`](crate::event::PollAdd) on the same ring wait for something else than before.
///
/// Where the file is ready for that already the poll ends, as a new one would. One that has been
/// changed is not repeated where the thread exits that submitted it: it ends with `ECANCELED`.
///
/// An event may be sent to another thread, which a target of a [`Local`](crate::Local) ring may
/// not. So it is of use on rings that threads share.
///
/// # Errors
///
/// None of its own: where there is nothing to change, the [`TargetState`] says so.
///
/// # Cancellation
///
/// It takes no time worth cancelling.
///
/// # Kernel
///
/// Linux 5.13. Nothing has to live until completion.
///
/// # References
///
/// [`io_uring_prep_poll_update(3)`](https://man7.org/linux/man-pages/man3/io_uring_prep_poll_update.3.html)
#[doc(alias = "IORING_OP_POLL_REMOVE")]
#[doc(alias = "IORING_POLL_UPDATE_EVENTS")]
#[derive(Debug)]
pub struct PollUpdate {
    target: CancelTarget,
    interest: Interest,
}

impl PollUpdate {
    /// Has `target` wait for any of `interest`.
    pub fn new(target: CancelTarget, interest: Interest) -> PollUpdate {
        PollUpdate { target, interest }
    }
}

impl Event for PollUpdate {
    type Output = io::Result<TargetState>;

    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        // SAFETY: S1: the entry names neither memory nor a descriptor.
        let entry = unsafe { Sqe::new(opcode::POLL_REMOVE) };
        let entry = entry.length(UPDATE_EVENTS).op_flags(self.interest.entry_mask());
        sqes.push_aimed(entry, self.target.clone());
    }

    fn complete(self, outcome: Outcome<'_, Self>) -> io::Result<TargetState> {
        TargetState::of(outcome)
    }
}
