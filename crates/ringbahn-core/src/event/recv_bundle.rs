//! [`RecvBundle`]: once from a connected socket, into as many buffers of a queue as the data fills.
#![allow(unsafe_code)]

use std::io;

use super::recv_bundles::BUNDLE;
use crate::event::Event;
use crate::fd::SharedFd;
use crate::opcode;
use crate::outcome::Outcome;
use crate::provided::{BufferQueue, Bundle, PartDecoder};
use crate::sqe::{Sqe, Sqes};

/// Receives from a connected socket, once, into as many buffers of a queue as the data fills.
///
/// Yields the data, or `None` at the end of the stream, and the queue, which may then serve another
/// connection. The parts of the data need it no longer. For stream sockets.
///
/// # Errors
///
/// Those of `recv(2)`: `ConnectionReset`, `NotConnected`, … `ENOBUFS` where all buffers are used up
/// and parts of them are out: nothing has been received; to be tried again when one has come back
/// ([`BufferGroup::returned_after`](crate::BufferGroup::returned_after), of a part's group).
/// `InvalidInput` with [`ForeignRing`](crate::ForeignRing) where the queue is another ring's.
///
/// # Cancellation
///
/// Stops at once, with nothing received; or data had arrived already, which is then in the output,
/// and lost with it where nobody takes it.
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
pub struct RecvBundle {
    socket: SharedFd,
    queue: BufferQueue,
}

impl RecvBundle {
    /// Receives from `socket` into the buffers of `queue`.
    pub fn new(socket: impl Into<SharedFd>, queue: BufferQueue) -> RecvBundle {
        RecvBundle { socket: socket.into(), queue }
    }
}

impl Event for RecvBundle {
    type Output = (io::Result<Option<Bundle>>, BufferQueue);

    unsafe fn prepare(&mut self, sqes: &mut Sqes<'_>) {
        // SAFETY: S1 by E2; the memory that the kernel uses is the queue's, which the event owns.
        let entry = unsafe { Sqe::new(opcode::RECV) }.file(&self.socket);
        sqes.push(entry.buffer_queue(&self.queue).ioprio(BUNDLE));
    }

    fn complete(self, outcome: Outcome<'_, Self>) -> Self::Output {
        let decoder = PartDecoder::new(&self.queue);
        // SAFETY: PB4 of `provided`: the event owns the queue, and this is its only CQE.
        let bundle = unsafe { decoder.bundle(outcome) };
        (bundle.transpose(), self.queue)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::BufferGroup;
    use crate::cqe::Cqe;
    use crate::event::testing::{cqe, ended, entry, resubmits, shared_null};
    use crate::event::{RecvMulti, RecvProvided};
    use crate::provided::GroupMemory;
    use crate::ring_id::{Home, RingId};
    use crate::sqe::Sqes;
    use crate::{MultiEvent, ProvidedBuffer};

    fn queue(count: u16, size: u32) -> BufferQueue {
        let memory = GroupMemory::new(count, size, 4096).unwrap();
        // SAFETY: no entry that names the queue is submitted to any ring.
        unsafe { BufferQueue::new(memory, RingId::new(), 7, Box::new(())) }
    }

    fn received(queue: BufferQueue, result: i32, first: u32) -> (Vec<ProvidedBuffer>, BufferQueue) {
        let mut receive = RecvBundle::new(shared_null(), queue);
        assert_eq!(entry(&mut receive).get_ioprio(), BUNDLE);
        let cqes = [Cqe { flags: 1 | first << 16, ..cqe(result) }];
        let (bundle, queue) = receive.complete(ended(&cqes));
        (bundle.unwrap().unwrap().into_iter().collect(), queue)
    }

    #[test]
    fn bundles_follow_each_other_through_the_buffers() {
        let (mut parts, queue) = received(queue(2, 10), 4, 0);
        let (more, queue) = received(queue, 11, 0);
        parts.extend(more);
        let lengths: Vec<_> = parts.iter().map(|part| part.len()).collect();
        assert_eq!(lengths, [4, 6, 5]);
        let places: Vec<_> = parts.iter().map(|part| part.as_ptr().addr()).collect();
        assert_eq!((places[1] - places[0], places[2] - places[0]), (4, 10));
        for part in &mut parts {
            part.fill(1);
        }
        assert_eq!(queue.returns(), 0);
        parts.truncate(1);
        assert_eq!(queue.returns(), 0, "a part of the first is out, and the kernel has the second");
        drop(parts);
        assert_eq!(queue.returns(), 1);
        let (parts, queue) = received(queue, 10, 1);
        assert_eq!(parts.len(), 2, "through the second into the first");
        drop(parts);
        assert_eq!(queue.returns(), 2);
    }

    #[test]
    fn what_the_kernel_cannot_have_filled_is_told_and_the_queue_is_spoilt() {
        for (result, first) in [(21, 0), (1, 1), (1, 9)] {
            let mut receive = RecvBundle::new(shared_null(), queue(2, 10));
            let cqes = [Cqe { flags: 1 | first << 16, ..cqe(result) }];
            assert!(!receive.resubmit(&ended(&cqes)));
            let (bundle, queue) = receive.complete(ended(&cqes));
            assert_eq!(bundle.unwrap_err().kind(), io::ErrorKind::InvalidData);
            let (bundle, _) = RecvBundle::new(shared_null(), queue).complete(ended(&cqes));
            assert_eq!(bundle.unwrap_err().kind(), io::ErrorKind::InvalidData);
        }
    }

    #[test]
    fn an_end_or_an_error_takes_nothing_whether_it_names_a_buffer_or_not() {
        let mut queue = queue(2, 10);
        for (result, flags) in [(0, 0), (0, 1), (0, 1 | 1 << 16), (-libc::ECONNRESET, 1)] {
            let receive = RecvBundle::new(shared_null(), queue);
            let cqes = [Cqe { flags, ..cqe(result) }];
            let (bundle, back) = receive.complete(ended(&cqes));
            assert_eq!(bundle.is_err(), result < 0);
            queue = back;
        }
        assert_eq!(received(queue, 20, 0).0.len(), 2);
        let mut receive = RecvBundle::new(shared_null(), self::queue(1, 1));
        assert!(resubmits(&mut receive, -libc::EINTR));
    }

    #[test]
    fn nobody_shares_the_buffers_of_a_queue() {
        let (parts, _queue) = received(queue(2, 10), 4, 0);
        let group: &BufferGroup = parts[0].group();
        let mut sqes = Sqes::new();
        // SAFETY: the entries are only looked at, never submitted.
        unsafe { RecvMulti::new(shared_null(), group).prepare(&mut sqes) };
        assert_eq!(sqes.home(), Home::ALONE);
        let mut sqes = Sqes::new();
        // SAFETY: as above.
        unsafe { Event::prepare(&mut RecvProvided::new(shared_null(), group), &mut sqes) };
        assert!(sqes.home().check(group.ring()).is_err());
    }
}
