//! [`RecvParts`]: what a connected socket receives, piece by piece, in buffers of a queue.
#![allow(unsafe_code)]

use std::io;

use super::recv_multi::RECV_MULTISHOT;
use crate::fd::SharedFd;
use crate::multishot::event::{MultiEvent, or_too_old};
use crate::opcode;
use crate::outcome::Outcome;
use crate::provided::{BufferGroup, BufferQueue, PartDecoder, ProvidedBuffer};
use crate::sqe::{Sqe, Sqes};

/// Receives from a connected socket, as data comes, into the buffers of a queue, which the kernel
/// uses up bit by bit.
///
/// Yields the data, piece by piece, none of them empty, and ends with the stream of the peer. A
/// piece ends where its buffer does; [`RecvBundles`](super::RecvBundles) goes on in the next one.
/// From datagram sockets an empty datagram reads as the end, and one that is longer than what is
/// left of a buffer is cut off. Run by [`Drive::stream`](crate::Drive::stream).
///
/// # Errors
///
/// Those of `recv(2)`: `ConnectionReset`, `NotConnected`, …; the stream ends with them. A queue
/// without buffers is none: the stream waits until one comes back. `InvalidInput` with
/// [`ForeignRing`](crate::ForeignRing) where the queue is another ring's.
///
/// # Cancellation
///
/// Stops at once; data that was received and that nobody has read is lost, and its parts go back.
///
/// # Kernel
///
/// Linux 6.12. The socket and the queue are the event's until completion.
///
/// # References
///
/// [`recv(2)`](https://man7.org/linux/man-pages/man2/recv.2.html)
#[doc(alias = "IORING_OP_RECV")]
#[derive(Debug)]
pub struct RecvParts {
    socket: SharedFd,
    queue: BufferQueue,
}

impl RecvParts {
    /// Receives from `socket` into the buffers of `queue`.
    pub fn new(socket: impl Into<SharedFd>, queue: BufferQueue) -> RecvParts {
        RecvParts { socket: socket.into(), queue }
    }
}

impl MultiEvent for RecvParts {
    type Item = ProvidedBuffer;
    type Decoder = PartDecoder;

    fn decoder(&self) -> PartDecoder {
        PartDecoder::new(&self.queue)
    }

    unsafe fn prepare(&mut self, sqes: &mut Sqes<'_>) {
        // SAFETY: S1 by E2; the memory that the kernel uses is the queue's, which the event owns.
        let entry = unsafe { Sqe::new(opcode::RECV) }.file(&self.socket);
        sqes.push(entry.buffer_queue(&self.queue).ioprio(RECV_MULTISHOT));
    }

    fn decode(
        decoder: &PartDecoder,
        outcome: Outcome<'_, Self>,
    ) -> Option<io::Result<ProvidedBuffer>> {
        // SAFETY: PB4 of `provided`: the event owns the queue, and a stream tells CQEs in order.
        let part = unsafe { decoder.part(outcome) }?;
        Some(part.map_err(|error| or_too_old(error, "a multishot receive", "6.0")))
    }

    fn group(decoder: &PartDecoder) -> Option<&BufferGroup> {
        Some(decoder.group())
    }
}
