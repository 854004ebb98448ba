//! [`PollMulti`]: each time that a file becomes ready.
#![allow(unsafe_code)]

use std::io;

use super::{Interest, Ready};
use crate::fd::SharedFd;
use crate::multishot::event::{MultiEvent, or_too_old};
use crate::opcode;
use crate::outcome::Outcome;
use crate::sqe::{Sqe, Sqes};

/// `IORING_POLL_ADD_MULTI`
const POLL_ADD_MULTI: u32 = 1 << 0;

/// Tells each time that a file becomes ready for something.
///
/// Yields what it is ready for: first if it is so already, and then whenever something has
/// happened to it, such as more data. Several such moments may be told as one. Run by
/// [`Drive::stream`](crate::Drive::stream).
///
/// # Errors
///
/// None of its own: errors of the file are in [`Ready`].
///
/// # Cancellation
///
/// Stops at once. Nothing is lost with what nobody has read: the file is as ready as it was.
///
/// # Kernel
///
/// Linux 5.13. The file is the event's until completion. Where there is no such operation the
/// first item is an error of the kind `Unsupported`; [`PollAdd`](super::PollAdd) does the same with
/// an entry for each.
///
/// # References
///
/// [`poll(2)`](https://man7.org/linux/man-pages/man2/poll.2.html)
#[doc(alias = "IORING_OP_POLL_ADD")]
#[derive(Debug)]
pub struct PollMulti {
    file: SharedFd,
    interest: Interest,
}

impl PollMulti {
    /// Tells when `file` becomes ready for any of `interest`.
    pub fn new(file: impl Into<SharedFd>, interest: Interest) -> PollMulti {
        PollMulti { file: file.into(), interest }
    }
}

impl MultiEvent for PollMulti {
    type Item = Ready;
    type Decoder = ();

    fn decoder(&self) {}

    unsafe fn prepare(&mut self, sqes: &mut Sqes<'_>) {
        // SAFETY: S1 by E2; the entry names no memory.
        let entry = unsafe { Sqe::new(opcode::POLL_ADD) }.file(&self.file);
        sqes.push(entry.op_flags(self.interest.entry_mask()).length(POLL_ADD_MULTI));
    }

    fn decode(_: &(), outcome: Outcome<'_, Self>) -> Option<io::Result<Ready>> {
        let result = outcome.result().map(Ready::from_mask);
        Some(result.map_err(|error| or_too_old(error, "a multishot poll", "5.13")))
    }
}
