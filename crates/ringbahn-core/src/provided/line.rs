//! [`Turn`]: the place of a stream among those that wait for a buffer.
//!
//! A kernel that finds a group empty says so at once and ends the operation, whether there is data
//! for it or not. To try again at once would be in vain, until a buffer has come back. Coming back
//! is counted, and each shot notes the count before it is submitted:
//!
//! * where the count has changed since, the shot may have missed a buffer, and another try is due;
//! * where it has not, every buffer is out, so one will come back, and wake those who wait.
//!
//! So there is at most one try for each buffer that comes back, and none is missed. It also follows
//! that the ring is empty as long as somebody waits; a stream that has ended its shot for another
//! reason therefore queues up as well, instead of a try in vain.
//!
//! Those who wait are woken all at once, in the order in which they came. Whoever has not waited,
//! as the reader that has just given the buffer back, lets them go first: it has its task polled
//! once more before it goes on. Else it would have each buffer that it gives back itself.

use std::task::{Poll, Waker};

use super::BufferGroup;
use crate::panics::contain_panic;
use crate::trace::{is_fed, starves};

/// The place of a stream among those that wait for a buffer.
pub(crate) struct Turn {
    /// `None` where it need not wait.
    waiting: Option<Waiting>,
}

struct Waiting {
    group: BufferGroup,
    /// How many buffers had come back when the shot began that found none.
    seen: u64,
    /// The number under which its waker is kept.
    number: Option<u64>,
    /// Whether it has let others go first.
    has_yielded: bool,
}

impl Turn {
    /// It is this one's turn.
    pub(crate) fn come() -> Turn {
        Turn { waiting: None }
    }

    /// Waits until more than `seen` buffers have come back to `group`.
    pub(crate) fn after(group: &BufferGroup, seen: u64) -> Turn {
        Turn {
            waiting: Some(Waiting { group: group.clone(), seen, number: None, has_yielded: false }),
        }
    }

    /// Waits for the next buffer that comes back, if others wait for it as well.
    pub(crate) fn behind_others(group: &BufferGroup) -> Turn {
        let state = group.group.lock();
        let seen = state.returns;
        let others_wait = !state.waiters.is_empty();
        drop(state);
        if others_wait { Turn::after(group, seen) } else { Turn::come() }
    }

    /// The same, and where others have been woken for the last buffer that has come back, and may
    /// not have had it yet, lets them go first.
    pub(crate) fn behind_woken(group: &BufferGroup) -> Turn {
        let state = group.group.lock();
        let seen = state.returns;
        let others_wait = !state.waiters.is_empty();
        let others_are_woken = seen > 0 && state.woken_at == seen;
        drop(state);
        match (others_wait, others_are_woken) {
            (true, _) => Turn::after(group, seen),
            // One buffer has come back since, so this waits for none, but for a poll.
            (false, true) => Turn::after(group, seen - 1),
            (false, false) => Turn::come(),
        }
    }

    /// Waits for the turn.
    pub(crate) fn poll(&mut self, waker: &Waker) -> Poll<()> {
        let Some(waiting) = &mut self.waiting else { return Poll::Ready(()) };
        // The clone is foreign code, and so is the drop of the one that is replaced.
        let mut unused = Some(waker.clone());
        let had_to_wait = waiting.number.is_some();
        let mut state = waiting.group.group.lock();
        let mut yields = false;
        let polled = if state.returns != waiting.seen {
            // Whoever gave it back has emptied the list.
            let others_go_first = waiting.number.is_none() && state.woken_at == state.returns;
            yields = others_go_first && !std::mem::replace(&mut waiting.has_yielded, true);
            if yields { Poll::Pending } else { Poll::Ready(()) }
        } else {
            let number = *waiting.number.get_or_insert_with(|| {
                state.next_waiter += 1;
                state.next_waiter
            });
            let known = state.waiters.iter_mut().find(|(other, _)| *other == number);
            match (known, unused.take()) {
                (Some((_, kept)), Some(waker)) => unused = Some(std::mem::replace(kept, waker)),
                (None, Some(waker)) => state.waiters.push((number, waker)),
                (_, None) => {}
            }
            Poll::Pending
        };
        drop(state);
        if yields {
            waker.wake_by_ref();
        }
        contain_panic(|| drop(unused));
        match had_to_wait {
            false if waiting.number.is_some() => starves(waiting.group.id()),
            true if polled.is_ready() => is_fed(waiting.group.id()),
            _ => {}
        }
        polled
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let Some(Waiting { group, number: Some(number), .. }) = &self.waiting else { return };
        let mut state = group.group.lock();
        let place = state.waiters.iter().position(|(other, _)| other == number);
        let waker = place.map(|place| state.waiters.remove(place));
        drop(state);
        contain_panic(|| drop(waker));
    }
}
