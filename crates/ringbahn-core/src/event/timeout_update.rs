//! [`TimeoutUpdate`]: another time for a timeout that runs.
#![allow(unsafe_code)]

use std::io;
use std::time::Duration;

use super::timeout::{FLAG_ABSOLUTE, Timespec};
use crate::clock::Deadline;
use crate::event::{Event, TargetState};
use crate::opcode;
use crate::operation::target::CancelTarget;
use crate::outcome::Outcome;
use crate::sqe::{Sqe, Sqes};

/// `IORING_TIMEOUT_UPDATE`: the timeout gets another time.
const UPDATE: u32 = 1 << 1;

/// Gives a [`Timeout`](crate::event::Timeout) on the same ring another time to wait.
///
/// A timeout that has been changed is not repeated where the thread exits that submitted it: it
/// ends with `ECANCELED`.
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
/// Linux 5.11. The time is the event's until completion.
///
/// # References
///
/// [`io_uring_prep_timeout_update(3)`](https://man7.org/linux/man-pages/man3/io_uring_prep_timeout_update.3.html)
#[doc(alias = "IORING_OP_TIMEOUT_REMOVE")]
#[doc(alias = "IORING_TIMEOUT_UPDATE")]
#[derive(Debug)]
pub struct TimeoutUpdate {
    target: CancelTarget,
    time: Timespec,
    flags: u32,
}

impl TimeoutUpdate {
    /// Has `target` wait for `duration`, which counts from when the kernel takes the entry.
    pub fn new(target: CancelTarget, duration: Duration) -> TimeoutUpdate {
        TimeoutUpdate { target, time: Timespec::new(duration), flags: UPDATE }
    }

    /// Has `target` wait until `deadline`. A timeout keeps its clock: the kernel reads the moment
    /// on that, so the deadline is to be on the same one.
    pub fn at(target: CancelTarget, deadline: impl Into<Deadline>) -> TimeoutUpdate {
        let time = Timespec::new(deadline.into().time());
        TimeoutUpdate { target, time, flags: UPDATE | FLAG_ABSOLUTE }
    }
}

impl Event for TimeoutUpdate {
    type Output = io::Result<TargetState>;

    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        // SAFETY: S1 by E1: the time lies in the event.
        let entry = unsafe { Sqe::new(opcode::TIMEOUT_REMOVE) };
        let entry = entry.address2(&raw const self.time).op_flags(self.flags);
        sqes.push_aimed(entry, self.target.clone());
    }

    fn complete(self, outcome: Outcome<'_, Self>) -> io::Result<TargetState> {
        TargetState::of(outcome)
    }
}
