//! [`RecvMulti`]: what a connected socket receives, in buffers of a group.
#![allow(unsafe_code)]

use std::io;

use crate::fd::SharedFd;
use crate::multishot::event::{MultiEvent, or_too_old};
use crate::opcode;
use crate::outcome::Outcome;
use crate::provided::{BufferGroup, ProvidedBuffer};
use crate::sqe::{Sqe, Sqes};

/// `IORING_RECV_MULTISHOT`
pub(super) const RECV_MULTISHOT: u16 = 1 << 1;

/// Receives from a connected socket, as data comes, into buffers that the kernel chooses from a
/// group.
///
/// Yields the data, piece by piece, none of them empty, and ends with the stream of the peer. A
/// socket that nothing comes from keeps no buffer. From datagram sockets an empty datagram reads as
/// the end; [`RecvMsgMulti`](super::RecvMsgMulti) is for those. Run by
/// [`Drive::stream`](crate::Drive::stream).
///
/// # Errors
///
/// Those of `recv(2)`: `ConnectionReset`, `NotConnected`, …; the stream ends with them. A group
/// without buffers is none: the stream waits until one comes back. `InvalidInput` with
/// [`ForeignRing`](crate::ForeignRing) where the group is another ring's.
///
/// # Cancellation
///
/// Stops at once; data that was received and that nobody has read is lost with its buffers, which
/// go back to the group.
///
/// # Kernel
///
/// Linux 6.0. The socket, and a share of the group, are the event's until completion. Where there
/// is no such operation the first item is an error of the kind `Unsupported`;
/// [`RecvProvided`](super::RecvProvided) receives once.
///
/// # References
///
/// [`recv(2)`](https://man7.org/linux/man-pages/man2/recv.2.html)
#[doc(alias = "IORING_OP_RECV")]
#[derive(Debug)]
pub struct RecvMulti {
    socket: SharedFd,
    group: BufferGroup,
}

impl RecvMulti {
    /// Receives from `socket` into buffers of `group`.
    pub fn new(socket: impl Into<SharedFd>, group: &BufferGroup) -> RecvMulti {
        RecvMulti { socket: socket.into(), group: group.clone() }
    }
}

/// How many buffers of a group one stream may keep unread: half of them, so that one reader that
/// lags does not stop all the others.
pub(super) fn share_of(group: &BufferGroup) -> u32 {
    u32::from(group.count() / 2).clamp(2, 64)
}

/// What a CQE of data in buffers of a group brings; `None` at the end of the stream.
///
/// # Safety
///
/// As for [`BufferGroup::received`].
pub(super) unsafe fn data<E>(
    group: &BufferGroup,
    outcome: Outcome<'_, E>,
) -> Option<io::Result<ProvidedBuffer>> {
    // SAFETY: PB1, by the contract of this function.
    if let Some(buffer) = unsafe { group.filled(&outcome.cqe()) } {
        return Some(Ok(buffer));
    }
    // SAFETY: PB1, as above: no buffer has been made of it.
    match unsafe { group.received(outcome) } {
        (Ok(0), _) => None,
        (Ok(_), Some(buffer)) => Some(Ok(buffer)),
        (Ok(count), None) => {
            let message = format!("the kernel received {count} bytes into no buffer of the group");
            Some(Err(io::Error::new(io::ErrorKind::InvalidData, message)))
        }
        (Err(error), _) => Some(Err(error)),
    }
}

impl MultiEvent for RecvMulti {
    type Item = ProvidedBuffer;
    type Decoder = BufferGroup;

    fn decoder(&self) -> BufferGroup {
        self.group.clone()
    }

    unsafe fn prepare(&mut self, sqes: &mut Sqes<'_>) {
        // SAFETY: S1 by E2; the memory that the kernel chooses is the group's, of which the event
        // has a share (PB2).
        let entry = unsafe { Sqe::new(opcode::RECV) }.file(&self.socket);
        sqes.push(entry.buffer_group(&self.group).ioprio(RECV_MULTISHOT));
    }

    fn decode(
        group: &BufferGroup,
        outcome: Outcome<'_, Self>,
    ) -> Option<io::Result<ProvidedBuffer>> {
        // SAFETY: E3: the entry has chosen from this group, and the CQE is told once.
        let data = unsafe { data(group, outcome) }?;
        Some(data.map_err(|error| or_too_old(error, "a multishot receive", "6.0")))
    }

    fn group(group: &BufferGroup) -> Option<&BufferGroup> {
        Some(group)
    }

    fn unread_max(&self) -> u32 {
        share_of(&self.group)
    }
}
