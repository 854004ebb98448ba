//! [`RecvZc`]: what a connected socket receives, where the network card has put it.
#![allow(unsafe_code)]

use std::io;

use crate::event::recv_multi::RECV_MULTISHOT;
use crate::fd::SharedFd;
use crate::multishot::event::{MultiEvent, or_too_old};
use crate::opcode;
use crate::outcome::Outcome;
use crate::receive_queue::{ReceiveQueue, ReceivedPiece};
use crate::sqe::{Sqe, Sqes};

/// Receives from a connected socket, as data comes, without a copy: yields the data where the
/// network card has put it.
///
/// It ends with the stream of the peer. What comes by another way than the queue of the card, such
/// as the loopback interface, the kernel copies into the same memory. Run by
/// [`Drive::stream`](crate::Drive::stream), on the driver whose ring has the queue.
///
/// # Errors
///
/// Those of `recv(2)`: `ConnectionReset`, `NotConnected`, …; the stream ends with them. `ENOMEM`
/// and `ENOBUFS` where the memory of the queue is all out: drop pieces, and begin another stream.
/// `Unsupported` where the kernel does not know the operation; `InvalidInput` with
/// [`ForeignRing`](crate::ForeignRing) where the queue is another ring's.
///
/// # Cancellation
///
/// Stops at once; data that was received and that nobody has read is lost, and its memory goes back
/// to the card.
///
/// # Kernel
///
/// Linux 6.15. It takes a ring with CQEs of 32 bytes, and a card whose driver gives queues away;
/// none such was at hand, so that data arrives by it has not been tried. The socket, and a share of
/// the queue, are the event's until completion. Elsewhere [`RecvMulti`](super::RecvMulti) does the
/// same with a copy.
///
/// # References
///
/// [`io_uring_prep_recv(3)`](https://man7.org/linux/man-pages/man3/io_uring_prep_recv.3.html), and
/// [io_uring zero copy Rx](https://docs.kernel.org/networking/iou-zcrx.html)
#[doc(alias = "IORING_OP_RECV_ZC")]
#[derive(Debug)]
pub struct RecvZc {
    socket: SharedFd,
    queue: ReceiveQueue,
}

impl RecvZc {
    /// Receives from `socket`, whose packets are steered to `queue`.
    pub fn new(socket: impl Into<SharedFd>, queue: &ReceiveQueue) -> RecvZc {
        RecvZc { socket: socket.into(), queue: queue.clone() }
    }
}

impl MultiEvent for RecvZc {
    type Item = ReceivedPiece;
    type Decoder = ReceiveQueue;

    fn decoder(&self) -> ReceiveQueue {
        self.queue.clone()
    }

    unsafe fn prepare(&mut self, sqes: &mut Sqes<'_>) {
        // SAFETY: S1 by E2; the memory that the card fills is the queue's, of which the event has a
        // share (ZR2).
        let entry = unsafe { Sqe::new(opcode::RECV_ZC) }.file(&self.socket);
        let entry = entry.ioprio(RECV_MULTISHOT).file_index(self.queue.id());
        sqes.push(entry.of(self.queue.ring()));
    }

    fn decode(
        queue: &ReceiveQueue,
        outcome: Outcome<'_, Self>,
    ) -> Option<io::Result<ReceivedPiece>> {
        // SAFETY: E3: the entry has received by this queue, and the CQE is told once.
        let received = unsafe { queue.received(outcome) }?;
        Some(received.map_err(|error| or_too_old(error, "a receive without a copy", "6.15")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cqe::{Cqe, WideCqe};
    use crate::event::testing::{cqe, ended};
    use crate::receive_queue::testing::queue;

    /// A CQE that names `length` bytes at `offset`, as the table keeps it.
    fn brings(offset: u64, length: i32) -> Cqe {
        let more = Cqe { user_data: 0x7_0000_0003, result: length, flags: 1 << 1 };
        WideCqe { cqe: more, extra: [offset, 0] }.to_keep()
    }

    fn decode(queue: &ReceiveQueue, cqe: Cqe) -> Option<io::Result<ReceivedPiece>> {
        RecvZc::decode(queue, ended(&[cqe]))
    }

    #[test]
    fn a_piece_is_the_data_and_goes_back_as_it_came() {
        let (queue, mut card) = queue(8192, 4, 0);
        card.put(4096, b"hello, card");
        let mut piece = decode(&queue, brings(4096, 11)).unwrap().unwrap();
        assert_eq!(&*piece, b"hello, card");
        piece.advance(7);
        assert_eq!(&*piece, b"card");
        assert_eq!((card.refilled(), queue.returns()), (vec![], 0), "it is still out");
        std::thread::spawn(move || drop(piece)).join().unwrap();
        assert_eq!((card.refilled(), queue.returns()), (vec![(4096, 11)], 1));
    }

    #[test]
    fn pieces_of_one_page_are_given_back_one_by_one() {
        let (queue, mut card) = queue(4096, 2, u32::MAX);
        card.put(0, b"onetwo");
        let [one, two] = [0, 3].map(|at| decode(&queue, brings(at, 3)).unwrap().unwrap());
        assert_eq!((&*one, &*two), (&b"one"[..], &b"two"[..]));
        drop(two);
        drop(one);
        assert_eq!(card.refilled(), [(3, 3), (0, 3)]);
    }

    #[test]
    fn the_end_and_errors_bring_nothing() {
        let (queue, mut card) = queue(4096, 2, 0);
        assert!(decode(&queue, cqe(0)).is_none());
        let reset = decode(&queue, cqe(-libc::ECONNRESET)).unwrap().unwrap_err();
        assert_eq!(reset.kind(), io::ErrorKind::ConnectionReset);
        let unknown = decode(&queue, cqe(-libc::EINVAL)).unwrap().unwrap_err();
        assert_eq!(unknown.kind(), io::ErrorKind::Unsupported);
        for (offset, length) in [(4090, 7), (1 << 48, 1), (1 << 40, 1)] {
            let nowhere = decode(&queue, brings(offset, length)).unwrap().unwrap_err();
            assert_eq!(nowhere.kind(), io::ErrorKind::InvalidData, "{offset:#x}");
        }
        assert_eq!((card.refilled(), queue.returns()), (vec![], 0));
    }
}
