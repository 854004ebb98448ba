//! [`RecvBundles`]: what a connected socket receives, in as many buffers of a queue as it fills.
#![allow(unsafe_code)]

use std::io;

use super::recv_multi::RECV_MULTISHOT;
use crate::fd::SharedFd;
use crate::multishot::event::{MultiEvent, or_too_old};
use crate::opcode;
use crate::outcome::Outcome;
use crate::provided::{BufferGroup, BufferQueue, Bundle, PartDecoder};
use crate::sqe::{Sqe, Sqes};

/// `IORING_RECVSEND_BUNDLE`
pub(super) const BUNDLE: u16 = 1 << 4;

/// Receives from a connected socket, as data comes, into as many buffers of a queue as the data
/// fills.
///
/// Yields [`Bundle`]s, which are never empty, and ends with the stream of the peer. With each the
/// kernel hands over what there is at once, where [`RecvParts`](super::RecvParts) takes a
/// completion for each buffer. For stream sockets. Run by [`Drive::stream`](crate::Drive::stream).
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
#[doc(alias = "IORING_RECVSEND_BUNDLE")]
#[derive(Debug)]
pub struct RecvBundles {
    socket: SharedFd,
    queue: BufferQueue,
}

impl RecvBundles {
    /// Receives from `socket` into the buffers of `queue`.
    pub fn new(socket: impl Into<SharedFd>, queue: BufferQueue) -> RecvBundles {
        RecvBundles { socket: socket.into(), queue }
    }
}

impl MultiEvent for RecvBundles {
    type Item = Bundle;
    type Decoder = PartDecoder;

    fn decoder(&self) -> PartDecoder {
        PartDecoder::new(&self.queue)
    }

    unsafe fn prepare(&mut self, sqes: &mut Sqes<'_>) {
        // SAFETY: S1 by E2; the memory that the kernel uses is the queue's, which the event owns.
        let entry = unsafe { Sqe::new(opcode::RECV) }.file(&self.socket);
        sqes.push(entry.buffer_queue(&self.queue).ioprio(RECV_MULTISHOT | BUNDLE));
    }

    fn decode(decoder: &PartDecoder, outcome: Outcome<'_, Self>) -> Option<io::Result<Bundle>> {
        // SAFETY: PB4 of `provided`: the event owns the queue, and a stream tells CQEs in order.
        let bundle = unsafe { decoder.bundle(outcome) }?;
        Some(bundle.map_err(|error| or_too_old(error, "a receive of bundles", "6.10")))
    }

    fn group(decoder: &PartDecoder) -> Option<&BufferGroup> {
        Some(decoder.group())
    }
}
