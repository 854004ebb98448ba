//! [`RecvProvided`]: once from a connected socket, into a buffer of a group.
#![allow(unsafe_code)]

use std::io;

use super::recv_multi::data;
use crate::event::Event;
use crate::fd::SharedFd;
use crate::opcode;
use crate::operation::repeats::Repeats;
use crate::outcome::Outcome;
use crate::provided::{BufferGroup, ProvidedBuffer};
use crate::sqe::{Sqe, Sqes};

/// Receives from a connected socket, once, into a buffer that the kernel chooses from a group when
/// there is data.
///
/// Yields the data; `None` at the end of the stream. While it waits it keeps no buffer.
///
/// # Errors
///
/// Those of `recv(2)`: `ConnectionReset`, `NotConnected`, … `ENOBUFS` where all buffers of the
/// group are out: nothing has been received; to be tried again
/// [after one has come back](BufferGroup::returned_after). `InvalidInput` with
/// [`ForeignRing`](crate::ForeignRing) where the group is another ring's.
///
/// # Cancellation
///
/// Stops at once, with nothing received; or data had arrived already, which is then in the output,
/// and lost with it where nobody takes it. Its buffer goes back to the group.
///
/// # Kernel
///
/// Linux 5.19. The socket, and a share of the group, are the event's until completion.
///
/// # References
///
/// [`recv(2)`](https://man7.org/linux/man-pages/man2/recv.2.html)
#[doc(alias = "IORING_OP_RECV")]
#[derive(Debug)]
pub struct RecvProvided {
    socket: SharedFd,
    group: BufferGroup,
}

impl RecvProvided {
    /// Receives from `socket` into a buffer of `group`.
    pub fn new(socket: impl Into<SharedFd>, group: &BufferGroup) -> RecvProvided {
        RecvProvided { socket: socket.into(), group: group.clone() }
    }
}

impl Event for RecvProvided {
    type Output = io::Result<Option<ProvidedBuffer>>;

    unsafe fn prepare(&mut self, sqes: &mut Sqes<'_>) {
        // SAFETY: S1 by E2; the memory that the kernel chooses is the group's, of which the event
        // has a share (PB2).
        let entry = unsafe { Sqe::new(opcode::RECV) }.file(&self.socket);
        sqes.push(entry.buffer_group(&self.group).length(self.group.size()));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cqe::Cqe;
    use crate::event::testing::{cqe, ended, shared_null};
    use crate::provided::GroupMemory;
    use crate::ring_id::RingId;

    #[test]
    fn a_buffer_that_comes_with_an_interruption_goes_back() {
        let memory = GroupMemory::new(2, 64, 4096).unwrap();
        // SAFETY: no entry that names the group is submitted to any ring.
        let group = unsafe { BufferGroup::new(memory, RingId::new(), 7, Box::new(())) };
        let mut receive = RecvProvided::new(shared_null(), &group);
        let interrupted = cqe(-libc::EINTR);
        assert!(receive.resubmit(&ended(&[interrupted])));
        let brings_a_buffer = [Cqe { flags: 1 | 1 << 16, ..interrupted }];
        assert!(!receive.resubmit(&ended(&brings_a_buffer)), "it would be lost");
        let received = receive.complete(ended(&brings_a_buffer));
        assert_eq!(received.unwrap_err().kind(), io::ErrorKind::Interrupted);
        assert_eq!(group.returns(), 1);
    }
}
