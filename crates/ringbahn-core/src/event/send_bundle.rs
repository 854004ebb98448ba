//! [`SendBundle`]: what waits in a queue, to a connected socket.
#![allow(unsafe_code)]

use std::io;

use super::recv_bundles::BUNDLE;
use crate::event::Event;
use crate::fd::SharedFd;
use crate::multishot::event::or_too_old;
use crate::opcode;
use crate::outcome::Outcome;
use crate::provided::SendQueue;
use crate::sqe::{Sqe, Sqes};

/// Sends what waits in a queue to a connected stream socket, buffer after buffer, with one entry.
///
/// Yields the number of bytes sent and the queue. The bytes go out in the order in which they were
/// pushed. The kernel takes up to 256 buffers, and goes on until all of them are sent, however long
/// the peer takes. So the count is short where more buffers wait, or where an error or a cancel has
/// stopped it half-way; what has not been sent is then still in the queue, to the byte, and the
/// next send goes on there. An error after a part was sent is not told, but comes again with the
/// next send. A queue that is empty is sent at once, with a count of zero. Never raises `SIGPIPE`
/// (`MSG_NOSIGNAL`).
///
/// Two sends to one socket at the same time may get their bytes mixed, also of two queues.
///
/// # Errors
///
/// Those of `send(2)`: `BrokenPipe`, `ConnectionReset`, `NotConnected`, … `Unsupported` where the
/// kernel cannot send from a queue. `InvalidInput` with [`ForeignRing`](crate::ForeignRing) where
/// the queue is another ring's.
///
/// # Cancellation
///
/// Stops at once; a part or all may have been sent before the cancel arrived, which the queue that
/// comes back tells.
///
/// # Kernel
///
/// Linux 6.10. The queue and the socket are the event's until completion.
///
/// # References
///
/// [`send(2)`](https://man7.org/linux/man-pages/man2/send.2.html)
#[doc(alias = "IORING_OP_SEND")]
#[doc(alias = "IORING_RECVSEND_BUNDLE")]
#[derive(Debug)]
pub struct SendBundle {
    socket: SharedFd,
    queue: SendQueue,
}

impl SendBundle {
    /// Sends what waits in `queue` to `socket`.
    pub fn new(socket: impl Into<SharedFd>, queue: SendQueue) -> SendBundle {
        SendBundle { socket: socket.into(), queue }
    }
}

impl Event for SendBundle {
    type Output = (io::Result<usize>, SendQueue);

    unsafe fn prepare(&mut self, sqes: &mut Sqes<'_>) {
        if self.queue.unsent() == 0 {
            // The kernel would miss a buffer.
            return sqes.push(Sqe::nop());
        }
        self.queue.offer();
        // SAFETY: S1 by E2; the memory that the kernel reads is the queue's, which the event owns.
        let entry = unsafe { Sqe::new(opcode::SEND) }.file(&self.socket);
        let entry = entry.op_flags(libc::MSG_NOSIGNAL.cast_unsigned());
        sqes.push(entry.send_queue(&self.queue).ioprio(BUNDLE));
    }

    fn complete(mut self, outcome: Outcome<'_, Self>) -> Self::Output {
        let result = match self.queue.take_off(outcome.cqes()) {
            Some(0) => match outcome.result() {
                Ok(_nothing) => Ok(0),
                Err(error) => Err(or_too_old(error, "a send from a queue of buffers", "6.10")),
            },
            Some(sent) => Ok(sent),
            None => Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "the kernel has sent what was not next in the queue: make another queue, and \
                 another connection",
            )),
        };
        (result, self.queue)
    }

    /// What the kernel has taken for it has to be offered again.
    fn resubmit(&mut self, outcome: &Outcome<'_, Self>) -> bool {
        outcome.has_not_run() && self.queue.take_off(outcome.cqes()).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cqe::Cqe;
    use crate::event::testing::{complete, cqe, ended, entry, resubmits, shared_null};
    use crate::provided::GroupMemory;
    use crate::ring_id::RingId;

    fn queue(bytes: &[u8]) -> SendQueue {
        let memory = GroupMemory::new(4, 4, 4096).unwrap();
        // SAFETY: no entry that names the queue is submitted to any ring.
        let mut queue = unsafe { SendQueue::new(memory, RingId::new(), 7, Box::new(())) };
        assert_eq!(queue.push(bytes), bytes.len());
        queue
    }

    #[test]
    fn what_several_cqes_tell_is_one_count() {
        let sent = |result, first: u32| Cqe { flags: 1 | first << 16, ..cqe(result) };
        for (cqes, count, unsent) in [
            (&[sent(10, 0)][..], Some(10), 0),
            (&[sent(5, 0), sent(5, 1)], Some(10), 0),
            (&[sent(5, 0), cqe(-libc::EPIPE)], Some(5), 5),
            (&[sent(5, 0), cqe(-libc::ECANCELED)], Some(5), 5),
            (&[cqe(-libc::EPIPE)], None, 10),
        ] {
            let mut send = SendBundle::new(shared_null(), queue(b"0123456789"));
            assert_eq!(entry(&mut send).get_ioprio(), BUNDLE);
            let (result, queue) = send.complete(ended(cqes));
            assert_eq!((result.ok(), queue.unsent()), (count, unsent));
        }
    }

    #[test]
    fn an_empty_queue_is_sent_at_once() {
        let mut send = SendBundle::new(shared_null(), queue(b""));
        assert_eq!(entry(&mut send).opcode(), opcode::NOP);
        assert_eq!(complete(send, 0).0.unwrap(), 0);
    }

    #[test]
    fn what_the_kernel_cannot_have_sent_is_told() {
        let sent = |result, first: u32| Cqe { flags: 1 | first << 16, ..cqe(result) };
        for cqe in [sent(6, 0), sent(1, 1), sent(0, 3)] {
            let mut send = SendBundle::new(shared_null(), queue(b"hello"));
            entry(&mut send);
            let (result, _) = send.complete(ended(&[cqe]));
            assert_eq!(result.unwrap_err().kind(), io::ErrorKind::InvalidData);
        }
        let (result, _) = complete(SendBundle::new(shared_null(), queue(b"hello")), -libc::EINVAL);
        assert_eq!(result.unwrap_err().kind(), io::ErrorKind::Unsupported);
    }

    #[test]
    fn what_has_not_run_is_repeated_and_what_has_run_is_not() {
        let mut send = SendBundle::new(shared_null(), queue(b"hello"));
        assert!(resubmits(&mut send, -libc::EINTR));
        assert!(!resubmits(&mut send, 3));
        assert!(!send.resubmit(&ended(&[cqe(3), cqe(-libc::ECANCELED)])));

        entry(&mut send);
        let taken = [Cqe { flags: 1, ..cqe(-libc::ECANCELED) }];
        assert!(send.resubmit(&ended(&taken)));
        // It is cancelled before it goes round, and told the same once more.
        let (result, queue) = send.complete(ended(&taken));
        assert_eq!((result.is_err(), queue.unsent()), (true, 5));
        let other = [Cqe { flags: 1 | 3 << 16, ..cqe(-libc::ECANCELED) }];
        assert!(!SendBundle::new(shared_null(), queue).resubmit(&ended(&other)));
    }
}
