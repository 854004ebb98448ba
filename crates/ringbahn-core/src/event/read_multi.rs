//! [`ReadMulti`]: what comes out of a pipe or the like, in buffers of a group.
#![allow(unsafe_code)]

use std::io;

use super::recv_multi::{data, share_of};
use crate::fd::SharedFd;
use crate::multishot::event::{MultiEvent, or_too_old};
use crate::opcode;
use crate::outcome::Outcome;
use crate::provided::{BufferGroup, ProvidedBuffer};
use crate::sqe::{Sqe, Sqes};

/// Reads from a pipe, a terminal or whatever else can be polled, as data comes, into buffers that
/// the kernel chooses from a group.
///
/// Yields the data, piece by piece, none of them empty, and ends at the end of the file. A file
/// that nothing comes from keeps no buffer. Run by [`Drive::stream`](crate::Drive::stream).
///
/// # Errors
///
/// Those of `read(2)`; the stream ends with them. A group without buffers is none: the stream waits
/// until one comes back. `EBADFD` for files that cannot be polled, such as regular ones, which
/// [`Read`](super::Read) is for. `InvalidInput` with [`ForeignRing`](crate::ForeignRing) where the
/// group is another ring's.
///
/// # Cancellation
///
/// Stops at once; data that was read and that nobody has taken is lost with its buffers, which go
/// back to the group.
///
/// # Kernel
///
/// Linux 6.7. The file, and a share of the group, are the event's until completion. Where there is
/// no such operation the first item is an error of the kind `Unsupported`;
/// [`ReadProvided`](super::ReadProvided) reads once.
///
/// # References
///
/// [`read(2)`](https://man7.org/linux/man-pages/man2/read.2.html)
#[doc(alias = "IORING_OP_READ_MULTISHOT")]
#[derive(Debug)]
pub struct ReadMulti {
    file: SharedFd,
    group: BufferGroup,
}

impl ReadMulti {
    /// Reads from `file` into buffers of `group`.
    pub fn new(file: impl Into<SharedFd>, group: &BufferGroup) -> ReadMulti {
        ReadMulti { file: file.into(), group: group.clone() }
    }
}

impl MultiEvent for ReadMulti {
    type Item = ProvidedBuffer;
    type Decoder = BufferGroup;

    fn decoder(&self) -> BufferGroup {
        self.group.clone()
    }

    unsafe fn prepare(&mut self, sqes: &mut Sqes<'_>) {
        // SAFETY: S1 by E2; the memory that the kernel chooses is the group's, of which the event
        // has a share (PB2).
        let entry = unsafe { Sqe::new(opcode::READ_MULTISHOT) }.file(&self.file);
        sqes.push(entry.buffer_group(&self.group).offset(u64::MAX));
    }

    fn decode(
        group: &BufferGroup,
        outcome: Outcome<'_, Self>,
    ) -> Option<io::Result<ProvidedBuffer>> {
        // SAFETY: E3: the entry has chosen from this group, and the CQE is told once.
        let data = unsafe { data(group, outcome) }?;
        Some(data.map_err(|error| or_too_old(error, "a multishot read", "6.7")))
    }

    fn group(group: &BufferGroup) -> Option<&BufferGroup> {
        Some(group)
    }

    fn unread_max(&self) -> u32 {
        share_of(&self.group)
    }
}
