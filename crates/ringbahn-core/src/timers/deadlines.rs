//! [`Deadlines`]: the armed timers of a queue, and which of them is due first.
//!
//! | part | bytes for each timer |
//! |---|---|
//! | an entry: the deadline and the waker | 24 |
//! | a key in a heap of four children to a parent: the deadline and the entry's place | 12 |
//!
//! A timer that is released leaves its key behind, since most are released long before they are
//! due, and a key in the middle of a heap costs more to take out than to pass over. A key whose
//! entry has another deadline, or none, is passed over; when there are more such keys than armed
//! timers they are swept out.

use std::task::Waker;

use crate::clock::NEVER;

/// The right to a timer's entry: given out when it is armed, and used up when it is released.
#[derive(Debug)]
pub(super) struct Ticket(u32);

/// How a timer stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It is to fire.
    Armed,
    /// It has fired.
    Fired,
    /// It never will.
    Failed,
}

/// The armed timers of a queue.
#[derive(Debug)]
pub(super) struct Deadlines {
    entries: Vec<Entry>,
    /// The first of the places without a timer, each of which names the next.
    free: u32,
    /// The keys, each no earlier than its parent. One for each armed timer, and stale ones.
    keys: Vec<Key>,
    /// How many timers are armed, and how many tickets there are.
    armed: usize,
    tickets: usize,
}

#[derive(Debug)]
struct Entry {
    mark: Mark,
    /// Whom to wake; `None` where it has been woken since it looked last.
    waker: Option<Waker>,
}

/// What an entry is, in one word: the deadline of an armed timer, or else a number that is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mark(u64);

impl Mark {
    const FIRED: Mark = Mark(u64::MAX);
    const FAILED: Mark = Mark(u64::MAX - 1);

    fn armed(deadline: u64) -> Mark {
        Mark(deadline.min(NEVER))
    }

    /// The mark of a place without a timer, which names the next one.
    fn free(next: u32) -> Mark {
        Mark(NEVER + 1 + u64::from(next))
    }

    fn next_free(self) -> u32 {
        (self.0 & u64::from(u32::MAX)) as u32
    }

    fn is_armed(self) -> bool {
        self.0 <= NEVER
    }
}

/// A deadline, in two halves so that it takes 12 bytes, and the place of its entry.
#[derive(Clone, Copy, Debug)]
struct Key {
    high: u32,
    low: u32,
    place: u32,
}

impl Key {
    fn new(deadline: u64, place: u32) -> Key {
        Key { high: (deadline >> 32) as u32, low: deadline as u32, place }
    }

    fn deadline(self) -> u64 {
        u64::from(self.high) << 32 | u64::from(self.low)
    }
}

/// No place.
const NOWHERE: u32 = u32::MAX;

/// How many children a parent has: their keys lie in one or two lines of the cache.
const CHILDREN: usize = 4;

/// How many stale keys are not worth a sweep, and how many entries are not worth giving back.
const FEW: usize = 64;

impl Deadlines {
    pub(super) const fn new() -> Deadlines {
        Deadlines { entries: Vec::new(), free: NOWHERE, keys: Vec::new(), armed: 0, tickets: 0 }
    }

    /// How many timers are armed.
    pub(super) fn armed(&self) -> usize {
        self.armed
    }

    /// Arms a timer. Gives the waker back where there are more than four thousand million.
    pub(super) fn arm(&mut self, deadline: u64, waker: Waker) -> Result<Ticket, Waker> {
        let mark = Mark::armed(deadline);
        let deadline = mark.0;
        let new = self.entries.len();
        if self.free == NOWHERE && new >= NOWHERE as usize {
            return Err(waker);
        }
        let entry = Entry { mark, waker: Some(waker) };
        let place = match self.entries.get_mut(self.free as usize) {
            Some(free) => {
                let place = std::mem::replace(&mut self.free, free.mark.next_free());
                *free = entry;
                place
            }
            None => {
                self.entries.push(entry);
                new as u32
            }
        };
        self.armed += 1;
        self.tickets += 1;
        self.keys.push(Key::new(deadline, place));
        self.sift_up(self.keys.len() - 1);
        Ok(Ticket(place))
    }

    pub(super) fn standing(&self, ticket: &Ticket) -> Standing {
        match self.entries[ticket.0 as usize].mark {
            Mark::FIRED => Standing::Fired,
            Mark::FAILED => Standing::Failed,
            _ => Standing::Armed,
        }
    }

    /// Where the waker of a timer lies.
    pub(super) fn waker(&mut self, ticket: &Ticket) -> &mut Option<Waker> {
        &mut self.entries[ticket.0 as usize].waker
    }

    /// The timer is not wanted any more. Yields its waker, to be dropped outside of any lock.
    #[must_use = "it is foreign code, and not to be dropped under a lock"]
    pub(super) fn release(&mut self, ticket: Ticket) -> Option<Waker> {
        let entry = &mut self.entries[ticket.0 as usize];
        let armed = entry.mark.is_armed();
        entry.mark = Mark::free(self.free);
        let waker = entry.waker.take();
        self.free = ticket.0;
        self.tickets -= 1;
        self.armed -= usize::from(armed);
        self.sweep();
        waker
    }

    /// The first deadline.
    pub(super) fn earliest(&mut self) -> Option<u64> {
        self.first().map(Key::deadline)
    }

    /// Takes the first timer out that is due at `now`, and yields its waker.
    pub(super) fn fire(&mut self, now: u64) -> Option<Option<Waker>> {
        self.first().filter(|key| key.deadline() <= now)?;
        self.pop(Mark::FIRED)
    }

    /// Takes any timer out, which will never fire, and yields its waker.
    pub(super) fn fail(&mut self) -> Option<Option<Waker>> {
        self.first()?;
        self.pop(Mark::FAILED)
    }

    /// The waker of an armed timer that has not been woken since it looked last: of the first one,
    /// where it has one.
    pub(super) fn take_waker(&mut self) -> Option<Waker> {
        let Deadlines { entries, keys, .. } = self;
        keys.iter().find_map(|key| {
            let entry = &mut entries[key.place as usize];
            if entry.mark == Mark(key.deadline()) { entry.waker.take() } else { None }
        })
    }

    fn pop(&mut self, mark: Mark) -> Option<Option<Waker>> {
        let key = self.take_first()?;
        let entry = &mut self.entries[key.place as usize];
        entry.mark = mark;
        self.armed -= 1;
        Some(entry.waker.take())
    }

    /// The key of the first armed timer; those before it go.
    fn first(&mut self) -> Option<Key> {
        loop {
            let key = *self.keys.first()?;
            if self.is_current(key) {
                return Some(key);
            }
            self.take_first();
        }
    }

    fn is_current(&self, key: Key) -> bool {
        self.entries.get(key.place as usize).is_some_and(|entry| entry.mark == Mark(key.deadline()))
    }

    fn take_first(&mut self) -> Option<Key> {
        let last = self.keys.pop()?;
        let Some(first) = self.keys.first_mut() else { return Some(last) };
        let key = std::mem::replace(first, last);
        self.sift_down(0);
        Some(key)
    }

    fn sift_up(&mut self, mut at: usize) {
        let key = self.keys[at];
        while at > 0 {
            let parent = (at - 1) / CHILDREN;
            if self.keys[parent].deadline() <= key.deadline() {
                break;
            }
            self.keys[at] = self.keys[parent];
            at = parent;
        }
        self.keys[at] = key;
    }

    fn sift_down(&mut self, mut at: usize) {
        let key = self.keys[at];
        loop {
            let first = at * CHILDREN + 1;
            let end = (first + CHILDREN).min(self.keys.len());
            let children = self.keys.get(first..end).unwrap_or_default();
            let Some((mut earliest, others)) = children.split_first() else { break };
            let mut child = first;
            for (number, other) in others.iter().enumerate() {
                if other.deadline() < earliest.deadline() {
                    (child, earliest) = (first + 1 + number, other);
                }
            }
            if earliest.deadline() >= key.deadline() {
                break;
            }
            self.keys[at] = self.keys[child];
            at = child;
        }
        self.keys[at] = key;
    }

    /// Lets go of stale keys where they are the most, and of memory where most of it is not needed.
    fn sweep(&mut self) {
        if self.tickets == 0 {
            self.keys.clear();
            self.entries.clear();
            self.free = NOWHERE;
            self.keys.shrink_to(FEW);
            self.entries.shrink_to(FEW);
            return;
        }
        if self.keys.len() <= 2 * self.armed + FEW {
            return;
        }
        let mut keys = std::mem::take(&mut self.keys);
        keys.retain(|&key| self.is_current(key));
        if keys.capacity() > 4 * keys.len() + FEW {
            keys.shrink_to(2 * keys.len());
        }
        self.keys = keys;
        // From the last parent to the first.
        for at in (0..self.keys.len().div_ceil(CHILDREN)).rev() {
            self.sift_down(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn armed(deadlines: &mut Deadlines, deadline: u64) -> Ticket {
        deadlines.arm(deadline, Waker::noop().clone()).unwrap()
    }

    #[test]
    fn an_armed_timer_takes_36_bytes() {
        assert_eq!(size_of::<Entry>() + size_of::<Key>(), 36);
        let mut deadlines = Deadlines::new();
        let tickets: Vec<_> = (0..1 << 12).map(|at| armed(&mut deadlines, at)).collect();
        assert_eq!((deadlines.entries.capacity(), deadlines.keys.capacity()), (1 << 12, 1 << 12));
        assert_eq!(deadlines.armed(), tickets.len());
    }

    #[test]
    fn timers_fire_in_the_order_of_their_deadlines_and_not_before() {
        let mut deadlines = Deadlines::new();
        let order = [5, 3, 9, 1, 1, 7, NEVER, 0, 3];
        let tickets: Vec<_> = order.iter().map(|&at| armed(&mut deadlines, at)).collect();
        for now in 0..10 {
            let due = order.iter().filter(|&&deadline| deadline == now).count();
            assert_eq!(std::iter::from_fn(|| deadlines.fire(now)).count(), due, "at {now}");
            for (ticket, &deadline) in tickets.iter().zip(&order) {
                assert_eq!(deadlines.standing(ticket) == Standing::Fired, deadline <= now);
            }
        }
        assert_eq!((deadlines.armed(), deadlines.earliest()), (1, Some(NEVER)));
    }

    /// Against a sorted set, at random.
    #[test]
    fn a_random_history_fires_what_a_sorted_set_says() {
        let mut random = 0x2545_f491_4f6c_dd1d_u64;
        let mut below = |limit: u64| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            random % limit
        };
        let mut deadlines = Deadlines::new();
        let mut expected = BTreeSet::new();
        let mut tickets: Vec<(u64, Ticket)> = Vec::new();
        let mut now = 0;
        for _ in 0..100_000 {
            match below(8) {
                0..4 => {
                    // Deadlines repeat often, and places are taken again with the same one.
                    let deadline = now + below(200);
                    let ticket = armed(&mut deadlines, deadline);
                    assert!(expected.insert((deadline, ticket.0)));
                    tickets.push((deadline, ticket));
                }
                4..7 if !tickets.is_empty() => {
                    let (deadline, ticket) = tickets.swap_remove(below(tickets.len() as u64) as _);
                    let was_armed = expected.remove(&(deadline, ticket.0));
                    let standing = deadlines.standing(&ticket);
                    assert_eq!(standing == Standing::Armed, was_armed);
                    assert_eq!(deadlines.release(ticket).is_some(), was_armed);
                }
                _ => {
                    now += below(50);
                    let later = expected.split_off(&(now + 1, 0));
                    let due = std::mem::replace(&mut expected, later);
                    assert_eq!(std::iter::from_fn(|| deadlines.fire(now)).count(), due.len());
                    for (_, place) in due {
                        assert_eq!(deadlines.standing(&Ticket(place)), Standing::Fired);
                    }
                }
            }
            assert_eq!(deadlines.earliest(), expected.first().map(|&(deadline, _)| deadline));
            assert_eq!(deadlines.armed(), expected.len());
            assert!(deadlines.keys.len() <= 2 * expected.len() + FEW + 1);
        }
    }

    #[test]
    fn memory_is_given_back_with_the_last_ticket() {
        let mut deadlines = Deadlines::new();
        let mut tickets: Vec<_> = (0..10_000).map(|at| armed(&mut deadlines, at)).collect();
        while tickets.len() > 1 {
            drop(deadlines.release(tickets.pop().unwrap()));
        }
        assert!(deadlines.keys.capacity() < 500, "stale keys are swept out");
        drop(deadlines.release(tickets.pop().unwrap()));
        assert!(deadlines.entries.capacity() <= FEW && deadlines.keys.capacity() <= FEW);
    }

    #[test]
    fn a_timer_that_was_woken_is_not_woken_twice_and_the_next_one_is() {
        let mut deadlines = Deadlines::new();
        let first = armed(&mut deadlines, 1);
        let _second = armed(&mut deadlines, 2);
        assert!(deadlines.take_waker().is_some());
        assert!(deadlines.waker(&first).is_none());
        assert!(deadlines.take_waker().is_some());
        assert!(deadlines.take_waker().is_none());
        assert_eq!(deadlines.fire(1).map(|waker| waker.is_some()), Some(false));
        assert_eq!(deadlines.fail().map(|waker| waker.is_some()), Some(false));
    }
}
