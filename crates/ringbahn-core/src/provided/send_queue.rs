//! [`SendQueue`]: bytes that the kernel sends out of the buffers of a ring, one after the other.
//!
//! The kernel takes the buffers out of the ring as it begins, and puts none back: what an error or
//! a cancel leaves unsent is offered once more, from the byte on at which it stopped. So the ring
//! holds no more than one operation takes at once, and it is known what of it the kernel has taken:
//! all, if a CQE names a buffer, and nothing otherwise.
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

/// The most buffers that the kernel takes at once (`PEEK_MAX_IMPORT`).
const OFFERED_MAX: usize = 256;

/// Bytes that wait to be sent, in their order, in buffers that are registered with a ring.
///
/// What is [pushed](Self::push) is copied into the buffers.
/// [`SendBundle`](crate::event::SendBundle) sends it with one operation, and takes off the queue
/// what has been sent, to the byte: the next one goes on right behind. While it is in flight the
/// queue is the operation's, and comes back with its result.
///
/// # Kernel
///
/// Linux 6.10. The drivers refuse to make a queue where the kernel has no groups of buffers.
pub struct SendQueue {
    ring: RingId,
    id: u16,
    /// The counter of the next entry of the ring to be written.
    tail: u16,
    free: Vec<u16>,
    /// What waits, in order.
    queued: VecDeque<Queued>,
    /// How many of these, from the first on, are in the ring.
    offered: usize,
    /// Unregisters the queue when it is dropped, and so comes before the memory.
    _registration: Box<dyn Send + Sync>,
    memory: GroupMemory,
}

/// The bytes of one buffer that wait.
#[derive(Clone, Copy, Debug)]
struct Queued {
    index: u16,
    start: u32,
    end: u32,
}

impl Queued {
    fn length(self) -> u32 {
        self.end - self.start
    }
}

impl SendQueue {
    /// An empty queue with the buffers in `memory`, which has been registered under `id` with
    /// `ring`.
    ///
    /// For drivers. `registration` is dropped when the queue is, and its drop unregisters it.
    ///
    /// # Safety
    ///
    /// As for [`BufferGroup::new`](super::BufferGroup::new).
    pub unsafe fn new(
        memory: GroupMemory,
        ring: RingId,
        id: u16,
        registration: Box<dyn Send + Sync>,
    ) -> SendQueue {
        let free = (0..memory.count()).rev().collect();
        let queued = VecDeque::new();
        let (tail, offered, _registration) = (0, 0, registration);
        SendQueue { ring, id, tail, free, queued, offered, _registration, memory }
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
        self.queued.iter().map(|queued| queued.length() as usize).sum()
    }

    /// How many bytes there is room for.
    pub fn room(&self) -> usize {
        self.free.len() * self.size() as usize + self.room_behind()
    }

    /// The room in the last buffer that waits, behind what waits in it.
    fn room_behind(&self) -> usize {
        let last = self.queued.back().filter(|_| self.offered < self.queued.len());
        last.map_or(0, |last| (self.size() - last.end) as usize)
    }

    /// Appends `bytes`, or as many of them as there is room for, and yields how many these are.
    #[must_use = "there may have been room for a part only"]
    pub fn push(&mut self, bytes: &[u8]) -> usize {
        let (behind, rest) = bytes.split_at(self.room_behind().min(bytes.len()));
        if let Some(last) = self.queued.back_mut()
            && !behind.is_empty()
        {
            last.end += behind.len() as u32;
            let last = *last;
            self.copy(last.index, last.end - behind.len() as u32, behind);
        }
        let mut pushed = behind.len();
        for piece in rest.chunks(self.size() as usize) {
            let Some(index) = self.free.pop() else { break };
            self.copy(index, 0, piece);
            self.queued.push_back(Queued { index, start: 0, end: piece.len() as u32 });
            pushed += piece.len();
        }
        pushed
    }

    /// Copies `bytes` to where nothing waits yet.
    fn copy(&mut self, index: u16, start: u32, bytes: &[u8]) {
        let (start, buffer) = (start as usize, self.memory.buffer(index));
        assert!(start + bytes.len() <= self.size() as usize, "a buffer has no such part");
        // SAFETY: GM1 of `memory`; the part is within the buffer.
        let place = unsafe { buffer.add(start) };
        // SAFETY: GM1 of `memory`: there is room for so many bytes; SQ1: nobody else uses them.
        unsafe { place.as_ptr().copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
    }

    pub(crate) fn id(&self) -> u16 {
        self.id
    }

    /// Puts into the ring what one operation takes at once, which is at least one buffer where
    /// something waits. What is in it stays.
    pub(crate) fn offer(&mut self) {
        // The kernel reckons by the first one how many it needs for the most that it can send.
        let first = self.queued.front().map_or(1, |first| first.length().max(1));
        let most = OFFERED_MAX.min((i32::MAX.unsigned_abs() / first).max(1) as usize);
        for queued in self.queued.iter().take(most).skip(self.offered) {
            // SAFETY: SQ1: the bytes are nobody else's, and the queue is borrowed mutably.
            unsafe { self.memory.put(self.tail, queued.index, queued.start..queued.end) };
            self.tail = self.tail.wrapping_add(1);
            self.offered += 1;
        }
        self.memory.publish(self.tail);
    }

    /// Takes off what the CQEs of an operation say has been sent, and yields how many bytes these
    /// are; `None` where the kernel has sent what was not offered, or not next.
    pub(crate) fn take_off(&mut self, cqes: &[Cqe]) -> Option<usize> {
        let mut sent = 0;
        let mut offered = self.offered;
        for cqe in cqes {
            let Some(first) = cqe.buffer() else { continue };
            self.offered = 0;
            let mut rest = u32::try_from(cqe.result).unwrap_or(0);
            sent += rest as usize;
            if self.queued.front().is_none_or(|next| next.index != first) {
                return None;
            }
            while rest > 0 {
                let next = self.queued.front_mut().filter(|_| offered > 0)?;
                let part = rest.min(next.length());
                next.start += part;
                rest -= part;
                if next.length() == 0 {
                    self.free.push(next.index);
                    self.queued.pop_front();
                    offered -= 1;
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
    fn what_is_pushed_fills_one_buffer_after_the_other() {
        let mut queue = queue(4, 10);
        assert_eq!(queue.push(b"hello"), 5);
        assert_eq!((queue.unsent(), queue.room()), (5, 35));
        assert_eq!(queue.push(&[1; 25]), 25);
        assert_eq!((queue.unsent(), queue.room()), (30, 10));
        assert_eq!(queue.push(&[1; 25]), 10);
        assert_eq!((queue.push(b"more"), queue.push(b""), queue.room()), (0, 0, 0));
    }

    #[test]
    fn what_has_been_offered_is_not_added_to() {
        let mut queue = queue(2, 10);
        assert_eq!(queue.push(b"hello"), 5);
        queue.offer();
        queue.offer();
        assert_eq!((queue.tail, queue.room()), (1, 10));
        assert_eq!(queue.push(&[1; 11]), 10);
        // It never ran, so the kernel has the first one still.
        assert_eq!(queue.take_off(&[Cqe { result: -libc::ECANCELED, ..Cqe::default() }]), Some(0));
        queue.offer();
        assert_eq!(queue.tail, 2);
        assert_eq!(queue.take_off(&[sent(15, 0)]), Some(15));
        assert_eq!(queue.room(), 20);
    }

    #[test]
    fn what_was_taken_and_not_sent_is_offered_again() {
        let mut queue = queue(4, 10);
        assert_eq!(queue.push(&[1; 35]), 35);
        queue.offer();
        assert_eq!(queue.tail, 4);
        assert_eq!(queue.take_off(&[sent(14, 0)]), Some(14));
        assert_eq!((queue.unsent(), queue.room()), (21, 15));
        assert_eq!(queue.push(&[2; 6]), 6);
        queue.offer();
        assert_eq!(queue.tail, 8);
        assert_eq!(queue.take_off(&[sent(-libc::EPIPE, 1)]), Some(0));
        queue.offer();
        assert_eq!(queue.tail, 12);
        let cqes = [sent(6, 1), sent(14, 2), Cqe { result: -libc::EPIPE, ..Cqe::default() }];
        assert_eq!(queue.take_off(&cqes), Some(20));
        assert_eq!((queue.unsent(), queue.room()), (7, 29));
    }

    #[test]
    fn no_more_is_offered_than_the_kernel_takes_at_once() {
        let mut queue = queue(600, 2);
        assert_eq!(queue.push(&[1; 1200]), 1200);
        queue.offer();
        assert_eq!((usize::from(queue.tail), queue.offered), (OFFERED_MAX, OFFERED_MAX));
        assert_eq!(queue.take_off(&[sent(512, 0)]), Some(512));
        assert_eq!(queue.unsent(), 688);
    }

    #[test]
    fn what_is_not_next_is_not_believed() {
        for cqe in [sent(1, 1), sent(36, 0), sent(i32::MAX, 0)] {
            let mut queue = queue(4, 10);
            assert_eq!(queue.push(&[1; 35]), 35);
            queue.offer();
            assert_eq!(queue.take_off(&[cqe]), None);
        }
        assert_eq!(queue(1, 1).take_off(&[sent(0, 5)]), None);
    }
}
