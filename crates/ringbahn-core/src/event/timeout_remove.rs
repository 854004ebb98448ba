//! [`TimeoutRemove`]: the end of a timeout.
#![allow(unsafe_code)]

use std::io;

use crate::event::{Event, TargetState};
use crate::opcode;
use crate::operation::target::CancelTarget;
use crate::outcome::Outcome;
use crate::sqe::{Sqe, Sqes};

/// Ends a [`Timeout`](crate::event::Timeout) on the same ring, and tells what it was found doing.
///
/// The timeout's own future tells how that ended: with `ECANCELED`, where it waited.
///
/// An event may be sent to another thread, which a target of a [`Local`](crate::Local) ring may
/// not. So it is of use on rings that threads share.
///
/// # Errors
///
/// None of its own: where there is nothing to end, the [`TargetState`] says so.
///
/// # Cancellation
///
/// It takes no time worth cancelling.
///
/// # Kernel
///
/// Linux 5.5. Nothing has to live until completion.
///
/// # References
///
/// [`io_uring_prep_timeout_remove(3)`](https://man7.org/linux/man-pages/man3/io_uring_prep_timeout_remove.3.html)
#[doc(alias = "IORING_OP_TIMEOUT_REMOVE")]
#[derive(Debug)]
pub struct TimeoutRemove {
    target: CancelTarget,
}

impl TimeoutRemove {
    /// The end of `target`.
    pub fn new(target: CancelTarget) -> TimeoutRemove {
        TimeoutRemove { target }
    }
}

impl Event for TimeoutRemove {
    type Output = io::Result<TargetState>;

    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        // SAFETY: S1: the entry names neither memory nor a descriptor.
        let entry = unsafe { Sqe::new(opcode::TIMEOUT_REMOVE) };
        sqes.push_aimed(entry, self.target.clone());
    }

    fn complete(self, outcome: Outcome<'_, Self>) -> io::Result<TargetState> {
        TargetState::of(outcome)
    }
}
