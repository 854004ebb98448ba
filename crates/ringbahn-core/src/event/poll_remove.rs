//! [`PollRemove`]: the end of a poll.
#![allow(unsafe_code)]

use std::io;

use crate::event::{Event, TargetState};
use crate::opcode;
use crate::operation::target::CancelTarget;
use crate::outcome::Outcome;
use crate::sqe::{Sqe, Sqes};

/// Ends a [`PollAdd`](crate::event::PollAdd) on the same ring, and tells what it was found doing.
///
/// The poll's own future tells how that ended: with `ECANCELED`, where it waited.
///
/// An event may be sent to another thread, which a target of a [`Local`](crate::Local) ring may
/// not. So it is of use on rings that threads share.
///
/// # Examples
///
/// ```no_run
/// # // Not run: this crate brings no driver to run it on.
/// use std::pin::pin;
/// use ringbahn_core::{Drive, Shared, SharedFd};
/// use ringbahn_core::event::{Interest, PollAdd, PollRemove, TargetState};
///
/// # async fn example(
/// #     driver: impl Drive<Sharing = Shared> + Clone,
/// #     file: SharedFd,
/// # ) -> std::io::Result<()> {
/// let poll = pin!(driver.clone().submit(PollAdd::new(file, Interest::READABLE)));
/// if let Some(target) = poll.cancel_target() {
///     let state = driver.submit(PollRemove::new(target)).await?;
///     println!("it waited: {}", state == TargetState::Waiting);
/// }
/// # Ok(())
/// # }
/// ```
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
/// Linux 5.1. Nothing has to live until completion.
///
/// # References
///
/// [`io_uring_prep_poll_remove(3)`](https://man7.org/linux/man-pages/man3/io_uring_prep_poll_remove.3.html)
#[doc(alias = "IORING_OP_POLL_REMOVE")]
#[derive(Debug)]
pub struct PollRemove {
    target: CancelTarget,
}

impl PollRemove {
    /// The end of `target`.
    pub fn new(target: CancelTarget) -> PollRemove {
        PollRemove { target }
    }
}

impl Event for PollRemove {
    type Output = io::Result<TargetState>;

    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        // SAFETY: S1: the entry names neither memory nor a descriptor.
        let entry = unsafe { Sqe::new(opcode::POLL_REMOVE) };
        sqes.push_aimed(entry, self.target.clone());
    }

    fn complete(self, outcome: Outcome<'_, Self>) -> io::Result<TargetState> {
        TargetState::of(outcome)
    }
}
