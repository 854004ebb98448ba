//! [`CompletionQueue`]: CQEs on their way to the driver, and those that found no room.
//!
//! # Safety
//!
//! CQ1. What is posted here was made by [`request`](crate::kernel::request) (K4), in this order,
//!      and is kept in it: those that find no room wait behind those that did, and later ones
//!      behind them. The table is that of the driver's submission queue, of which there is one.
#![allow(unsafe_code)]

use std::collections::VecDeque;
use std::rc::Rc;

use ringbahn_core::{Batch, Local, Matched, OperationTable};

use crate::kernel::request::Posted;

/// CQEs on their way to the driver: a ring of places, whose counters wrap as the kernel's do.
#[derive(Debug)]
pub(crate) struct CompletionQueue {
    table: Rc<OperationTable<Local>>,
    /// As many as a power of two.
    places: Box<[Option<Posted>]>,
    head: u32,
    tail: u32,
    /// Those that found no room, until the driver asks for them.
    overflow: VecDeque<Posted>,
}

/// What the CQEs that were read have turned out to be.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Reaped {
    pub(crate) count: u32,
    /// Those that ended their operations, and those among them whose operation had not run.
    pub(crate) finished: u32,
    pub(crate) stopped: u32,
    pub(crate) unknown: u32,
}

impl CompletionQueue {
    /// A queue with room for `capacity` CQEs, a power of two, whose counters begin at `first`, for
    /// the operations of `table`.
    pub(crate) fn new(
        table: Rc<OperationTable<Local>>,
        capacity: u32,
        first: u32,
    ) -> CompletionQueue {
        assert!(capacity.is_power_of_two());
        let places = (0..capacity).map(|_| None).collect();
        CompletionQueue { table, places, head: first, tail: first, overflow: VecDeque::new() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.head == self.tail
    }

    fn is_full(&self) -> bool {
        self.tail.wrapping_sub(self.head) as usize == self.places.len()
    }

    /// Whether there are CQEs that found no room.
    pub(crate) fn has_overflown(&self) -> bool {
        !self.overflow.is_empty()
    }

    /// Adds a CQE. It is kept back where there is no room, or where the kernel says so.
    #[inline]
    pub(crate) fn post(&mut self, posted: Posted, keep_back: bool) {
        if keep_back || !self.overflow.is_empty() || self.is_full() {
            self.overflow.push_back(posted);
        } else {
            self.push(posted);
        }
    }

    /// Moves CQEs that found no room to the queue, as far as there is room now.
    pub(crate) fn flush(&mut self) {
        while !self.is_full()
            && let Some(posted) = self.overflow.pop_front()
        {
            self.push(posted);
        }
    }

    #[inline]
    fn push(&mut self, posted: Posted) {
        let index = self.tail as usize & (self.places.len() - 1);
        self.places[index] = Some(posted);
        self.tail = self.tail.wrapping_add(1);
    }

    #[inline]
    fn pop(&mut self) -> Option<Posted> {
        if self.is_empty() {
            return None;
        }
        let index = self.head as usize & (self.places.len() - 1);
        self.head = self.head.wrapping_add(1);
        self.places[index].take()
    }

    /// Reads up to `limit` CQEs, and notes their consequences in `batch`.
    pub(crate) fn reap(&mut self, batch: &mut Batch<Local>, limit: u32) -> Reaped {
        let mut reaped = Reaped::default();
        if self.is_empty() {
            return reaped;
        }
        let table = self.table.clone();
        let mut noting = table.noting();
        while reaped.count < limit
            && let Some(posted) = self.pop()
        {
            reaped.count += 1;
            // SAFETY: CQ1: posted by the executor of the entries, once, in order; and by K1 nothing
            // of an entry is touched after its last CQE. What echoes an entry that is over finds
            // its generation, or its step, gone, since its last CQE has been noted before.
            match unsafe { noting.note(posted.cqe(), batch) } {
                Matched::Finished => {
                    reaped.finished += 1;
                    reaped.stopped += u32::from(posted.cqe().has_not_run());
                }
                Matched::Unknown => reaped.unknown += 1,
                Matched::Progress | Matched::Cancel => {}
            }
        }
        reaped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(queue: &mut CompletionQueue) -> Vec<u64> {
        std::iter::from_fn(|| queue.pop()).map(|posted| posted.cqe().user_data).collect()
    }

    #[test]
    fn what_finds_no_room_keeps_its_place_in_the_order() {
        for first in [0, u32::MAX - 3] {
            let mut queue = CompletionQueue::new(Rc::default(), 4, first);
            (1..=6).for_each(|number| queue.post(Posted::unknown(number, 0), number == 3));
            assert!(queue.has_overflown());
            assert_eq!(numbers(&mut queue), [1, 2]);
            queue.post(Posted::unknown(7, 0), false);
            queue.flush();
            assert_eq!(numbers(&mut queue), [3, 4, 5, 6]);
            queue.flush();
            assert_eq!(numbers(&mut queue), [7]);
            assert!(!queue.has_overflown());
        }
    }

    #[test]
    fn a_cqe_of_nothing_is_told_apart() {
        let mut queue = CompletionQueue::new(Rc::default(), 4, u32::MAX);
        queue.post(Posted::unknown(12, 3), false);
        let reaped = queue.reap(&mut Batch::new(), 8);
        assert_eq!((reaped.count, reaped.unknown, reaped.finished), (1, 1, 0));
    }
}
