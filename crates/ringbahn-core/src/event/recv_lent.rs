//! [`RecvLent`]: from a socket into a buffer that its ring was provided with.
#![allow(unsafe_code)]

use std::io;

use crate::event::{Event, LentBuffers};
use crate::fd::SharedFd;
use crate::opcode;
use crate::outcome::Outcome;
use crate::sqe::{Sqe, Sqes};

/// Receives from a socket into one of the buffers that a ring was
/// [provided](crate::event::ProvideBuffers) with, which is chosen when there is something.
///
/// Yields a copy of what came; nothing at the end of the stream. The buffer is used up by that.
///
/// # Errors
///
/// Those of `recv(2)`; `ENOBUFS` where all buffers have been used; `InvalidInput` on another ring
/// than the one that has them.
///
/// # Cancellation
///
/// Stops at once. What had come by then is lost where nobody takes it, and its buffer used up.
///
/// # Kernel
///
/// Linux 5.7. The socket, and a share of the buffers, are the event's until completion.
///
/// # References
///
/// [`recv(2)`](https://man7.org/linux/man-pages/man2/recv.2.html)
#[doc(alias = "IORING_OP_RECV")]
#[derive(Debug)]
pub struct RecvLent {
    socket: SharedFd,
    buffers: LentBuffers,
}

impl RecvLent {
    /// Receives from `socket` into one of `buffers`.
    pub fn new(socket: impl Into<SharedFd>, buffers: LentBuffers) -> RecvLent {
        RecvLent { socket: socket.into(), buffers }
    }
}

impl Event for RecvLent {
    type Output = io::Result<Vec<u8>>;

    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        // SAFETY: S1 by E2, and by LB1 for the memory of whichever buffer is chosen.
        let entry = unsafe { Sqe::new(opcode::RECV) }.file(&self.socket);
        let entry = entry.length(self.buffers.size() as u32);
        sqes.belongs_to(self.buffers.ring());
        sqes.push(entry.selecting(self.buffers.id()));
    }

    fn complete(self, outcome: Outcome<'_, Self>) -> io::Result<Vec<u8>> {
        let used = outcome.cqe().buffer();
        let result = outcome.result();
        let Some(index) = used else { return result.map(|_| Vec::new()) };
        let length = *result.as_ref().unwrap_or(&0) as usize;
        // SAFETY: E3: the kernel has said so.
        let bytes = unsafe { self.buffers.used(index, length) };
        self.buffers.came_back(1);
        result.map(|_| bytes)
    }
}
