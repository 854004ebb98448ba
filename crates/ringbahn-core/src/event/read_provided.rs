//! [`ReadProvided`]: once from a file, into a buffer of a group.
#![allow(unsafe_code)]

use std::io;

use super::recv_multi::data;
use crate::event::{Event, Position};
use crate::fd::SharedFd;
use crate::opcode;
use crate::operation::repeats::Repeats;
use crate::outcome::Outcome;
use crate::provided::{BufferGroup, ProvidedBuffer};
use crate::sqe::{Sqe, Sqes};

/// Reads from a file, once, into a buffer that the kernel chooses from a group when there is data.
///
/// Yields the data; `None` at the end of the file. While it waits, as at a pipe, it keeps no
/// buffer.
///
/// # Errors
///
/// Those of `read(2)`. `ENOBUFS` where all buffers of the group are out: nothing has been read; to
/// be tried again [after one has come back](BufferGroup::returned_after). `InvalidInput` with
/// [`ForeignRing`](crate::ForeignRing) where the group is another ring's.
///
/// # Cancellation
///
/// Stops at once, with nothing read, where it waits for data; a read of a file on a disk runs to
/// its end. What was read is in the output, and lost with it where nobody takes it; its buffer goes
/// back to the group.
///
/// # Kernel
///
/// Linux 5.19. The file, and a share of the group, are the event's until completion.
///
/// # References
///
/// [`read(2)`](https://man7.org/linux/man-pages/man2/read.2.html)
#[doc(alias = "IORING_OP_READ")]
#[derive(Debug)]
pub struct ReadProvided {
    file: SharedFd,
    group: BufferGroup,
    position: Position,
}

impl ReadProvided {
    /// Reads from `file` at `position` into a buffer of `group`.
    pub fn new(file: impl Into<SharedFd>, group: &BufferGroup, position: Position) -> ReadProvided {
        ReadProvided { file: file.into(), group: group.clone(), position }
    }
}

impl Event for ReadProvided {
    type Output = io::Result<Option<ProvidedBuffer>>;

    unsafe fn prepare(&mut self, sqes: &mut Sqes<'_>) {
        // SAFETY: S1 by E2; the memory that the kernel chooses is the group's, of which the event
        // has a share (PB2).
        let entry = unsafe { Sqe::new(opcode::READ) }.file(&self.file);
        let entry = entry.buffer_group(&self.group).length(self.group.size());
        sqes.push(entry.offset(self.position.offset()));
    }

    fn complete(self, outcome: Outcome<'_, Self>) -> Self::Output {
        // SAFETY: E3: the entry has chosen from this group, and the CQE is told once.
        unsafe { data(&self.group, outcome) }.transpose()
    }

    fn resubmit(&mut self, outcome: &Outcome<'_, Self>) -> bool {
        // A buffer that the CQE brings all the same would be lost.
        outcome.has_not_run() && outcome.cqe().buffer().is_none()
    }

    #[inline]
    fn repeats(&self) -> Repeats {
        Repeats::FAILED
    }
}
