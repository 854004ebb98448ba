//! [`Agenda`]: what is to happen when.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::kernel::request::Dead;
use crate::slab::Key;

/// What is to happen when. What is due at the same time happens in the order of its rank.
#[derive(Debug)]
pub(crate) struct Agenda {
    items: BinaryHeap<Reverse<Item>>,
    next_rank: u64,
}

/// Something that is to happen.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Due {
    /// The request goes on.
    Request(Key),
    /// A notification for an entry that has had its last CQE.
    Echo(Dead),
}

#[derive(Debug)]
struct Item {
    time: u64,
    rank: u64,
    due: Due,
}

impl Agenda {
    pub(crate) fn new() -> Agenda {
        Agenda { items: BinaryHeap::new(), next_rank: 0 }
    }

    pub(crate) fn add(&mut self, time: u64, due: Due) {
        let rank = self.next_rank;
        self.next_rank += 1;
        self.items.push(Reverse(Item { time, rank, due }));
    }

    /// When the next thing is due, of those that are `wanted`: the others are thrown away.
    pub(crate) fn next_time(&mut self, wanted: impl Fn(Due) -> bool) -> Option<u64> {
        while let Some(Reverse(item)) = self.items.peek() {
            if wanted(item.due) {
                return Some(item.time);
            }
            self.items.pop();
        }
        None
    }

    /// The next thing, if it is due.
    #[inline]
    pub(crate) fn pop(&mut self, now: u64) -> Option<Due> {
        if self.items.peek().is_none_or(|Reverse(item)| item.time > now) {
            return None;
        }
        self.items.pop().map(|Reverse(item)| item.due)
    }
}

impl PartialEq for Item {
    fn eq(&self, other: &Item) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Item {}

impl PartialOrd for Item {
    fn partial_cmp(&self, other: &Item) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Item {
    fn cmp(&self, other: &Item) -> std::cmp::Ordering {
        (self.time, self.rank).cmp(&(other.time, other.rank))
    }
}
