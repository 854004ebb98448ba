//! [`SendQueue`]: bytes in buffers of a ring, which the kernel sends one after the other.
//!
//! # Safety
//!
//! SQ1. A queue has one owner: whoever pushes, or an event, which keeps it from before its entry is
//!      submitted until its terminal CQE. While its owner can push, no operation uses it, so the
//!      kernel reads neither entries nor buffers then.
#![allow(unsafe_code)]

use std::collections::VecDeque;
use std::fmt;

use super::GroupMemory;
use crate::cqe::Cqe;
use crate::ring_id::RingId;

/// Bytes that wait to be sent, in buffers of a ring, in their order.
///
/// What is [pushed](Self::push) is copied into buffers of the queue.
/// [`SendBundle`](crate::event::SendBundle) sends all of it with one operation, and takes off the
/// queue what has been sent, to the byte: the next one goes on right behind. While it is in flight
/// the queue is the operation's, and comes back with its result.
///
/// # Kernel
///
/// Linux 6.12. The drivers refuse to make a queue where the kernel has none.
pub struct SendQueue {
    ring: RingId,
    id: u16,
    /// The counter of the next entry of the ring to be written.
    tail: u16,
    free: Vec<u16>,
    /// The buffers that wait, in order, and how many bytes of each of them have not been sent.
    queued: VecDeque<(u16, u32)>,
    /// Unregisters the queue when it is dropped, and so comes before the memory.
    _registration: Box<dyn Send + Sync>,
    memory: GroupMemory,
}

impl SendQueue {
    /// An empty queue with the buffers in `memory`, which has been registered under `id` with
    /// `ring`, as one whose buffers are used up bit by bit.
    ///
    /// For drivers. `registration` is dropped when the queue is, and its drop unregisters it.
    ///
    /// # Safety
    ///
    /// As for [`BufferQueue::new`](super::BufferQueue::new).
    pub unsafe fn new(
        memory: GroupMemory,
        ring: RingId,
        id: u16,
        registration: Box<dyn Send + Sync>,
    ) -> SendQueue {
        let free = (0..memory.count()).rev().collect();
        let queued = VecDeque::new();
        SendQueue { ring, id, tail: 0, free, queued, _registration: registration, memory }
    }

    /// How many buffers there are.
    pub fn count(&self) -> u16 {
        self.memory.count()
    }

    /// How large each of them is, in bytes.
    pub fn size(&self) -> u32 {
        self.memory.size()
    }

    /// The ring that the queue is registered with.
    pub fn ring(&self) -> RingId {
        self.ring
    }

    /// How many bytes wait to be sent.
    pub fn unsent(&self) -> usize {
        self.queued.iter().map(|(_, length)| *length as usize).sum()
    }

    /// How many bytes there is room for.
    pub fn room(&self) -> usize {
        self.free.len() * self.size() as usize
    }

    /// Appends `bytes`, or as many of them as there is room for, and yields how many these are.
    ///
    /// They take up whole buffers: what is left of the last one of them is not used.
    #[must_use = "there may have been room for a part only"]
    pub fn push(&mut self, bytes: &[u8]) -> usize {
        let mut pushed = 0;
        for piece in bytes.chunks(self.size() as usize) {
            let Some(index) = self.free.pop() else { break };
            let place = self.memory.buffer(index);
            // SAFETY: GM1 of `memory`: the place has `size` bytes, and `piece` no more; SQ1: nobody
            // else uses it.
            unsafe { place.as_ptr().copy_from_nonoverlapping(piece.as_ptr(), piece.len()) };
            // SAFETY: SQ1: the buffer is nobody else's, and the queue is borrowed mutably.
            unsafe { self.memory.put(self.tail, index, piece.len() as u32) };
            self.tail = self.tail.wrapping_add(1);
            self.queued.push_back((index, piece.len() as u32));
            pushed += piece.len();
        }
        self.memory.publish(self.tail);
        pushed
    }

    pub(crate) fn id(&self) -> u16 {
        self.id
    }

    /// Takes off what the CQEs of an operation say has been sent, and yields how many bytes these
    /// are; `None` where the kernel has sent what was not next.
    pub(crate) fn take_off(&mut self, cqes: &[Cqe]) -> Option<usize> {
        let mut sent = 0;
        for cqe in cqes {
            let mut rest = u32::try_from(cqe.result).unwrap_or(0);
            sent += rest as usize;
            let mut expected = cqe.buffer();
            while rest > 0 {
                let (index, length) = self.queued.front_mut()?;
                if expected.take().is_some_and(|first| first != *index) {
                    return None;
                }
                let part = rest.min(*length);
                *length -= part;
                rest -= part;
                if *length == 0 {
                    self.free.push(*index);
                    self.queued.pop_front();
                }
            }
        }
        Some(sent)
    }
}

impl fmt::Debug for SendQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendQueue")
            .field("unsent", &self.unsent())
            .field("room", &self.room())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(count: u16, size: u32) -> SendQueue {
        let memory = GroupMemory::new(count, size, 4096).unwrap();
        // SAFETY: no entry that names the queue is submitted to any ring.
        unsafe { SendQueue::new(memory, RingId::new(), 7, Box::new(())) }
    }

    fn sent(result: i32, first: u32) -> Cqe {
        Cqe { result, flags: 1 | first << 16, user_data: 0 }
    }

    #[test]
    fn what_is_pushed_takes_up_whole_buffers_and_no_more_than_there_are() {
        let mut queue = queue(4, 10);
        assert_eq!(queue.push(b"hello"), 5);
        assert_eq!((queue.unsent(), queue.room()), (5, 30));
        assert_eq!(queue.push(&[1; 25]), 25);
        assert_eq!((queue.unsent(), queue.room()), (30, 0));
        assert_eq!(queue.push(b"more"), 0);
        assert_eq!(queue.push(b""), 0);
    }

    #[test]
    fn what_has_been_sent_is_taken_off_to_the_byte() {
        let mut queue = queue(4, 10);
        assert_eq!(queue.push(&[1; 35]), 35);
        assert_eq!(queue.take_off(&[sent(14, 0)]), Some(14));
        assert_eq!((queue.unsent(), queue.room()), (21, 10));
        assert_eq!(queue.push(&[2; 4]), 4);
        let cqes = [sent(5, 1), sent(13, 1), sent(-libc::EPIPE, 0)];
        assert_eq!(queue.take_off(&cqes), Some(18));
        assert_eq!((queue.unsent(), queue.room()), (7, 20));
        assert_eq!(queue.take_off(&[sent(7, 3)]), Some(7));
        assert_eq!((queue.unsent(), queue.room()), (0, 40));
    }

    #[test]
    fn what_is_not_next_is_not_believed() {
        for cqe in [sent(1, 1), sent(36, 0), sent(i32::MAX, 0)] {
            let mut queue = queue(4, 10);
            assert_eq!(queue.push(&[1; 35]), 35);
            assert_eq!(queue.take_off(&[cqe]), None);
        }
        assert_eq!(queue(1, 1).take_off(&[sent(0, 5), sent(-libc::ENOBUFS, 0)]), Some(0));
    }
}
