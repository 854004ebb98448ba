//! [`FreePlaces`]: the places of a table that nobody has a buffer of, and who waits for one.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// The places of a table that nobody has a buffer of, and who waits for one.
///
/// While somebody waits and has not been woken, at least as many have been woken, and have yet to
/// come, as places are free: one who waits begins to while none is free, a place that comes back
/// wakes one, and one who was woken and leaves passes the wake on.
#[derive(Debug)]
pub(super) struct FreePlaces {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    places: Vec<u16>,
    /// Those who wait and have not been woken, in the order in which they came.
    waiting: VecDeque<(u64, Waker)>,
    next: u64,
}

impl FreePlaces {
    /// All of `count` places, the first ones first.
    pub(super) fn all(count: u16) -> FreePlaces {
        let places = (0..count).rev().collect();
        FreePlaces { state: Mutex::new(State { places, waiting: VecDeque::new(), next: 0 }) }
    }

    pub(super) fn available(&self) -> usize {
        self.state().places.len()
    }

    pub(super) fn take(&self) -> Option<u16> {
        self.state().places.pop()
    }

    /// Takes a place, or waits for one with the number that `ticket` then has.
    pub(super) fn poll_take(&self, ticket: &mut Option<u64>, cx: &Context<'_>) -> Poll<u16> {
        // Cloned and dropped outside of the lock: it is foreign code.
        let waker = cx.waker().clone();
        let mut state = self.state();
        let former = ticket.and_then(|number| state.remove(number));
        let taken = state.places.pop();
        match taken {
            Some(_) => *ticket = None,
            None => state.wait(ticket, waker),
        }
        drop(state);
        drop(former);
        taken.map_or(Poll::Pending, Poll::Ready)
    }

    /// One who has the number `ticket` waits no longer.
    pub(super) fn leave(&self, ticket: u64) {
        let mut state = self.state();
        let own = state.remove(ticket);
        // What it was woken for, if it was, is the next one's.
        let heir = if own.is_none() { state.heir() } else { None };
        drop(state);
        drop(own);
        if let Some(heir) = heir {
            heir.wake();
        }
    }

    pub(super) fn put_back(&self, place: u16) {
        let heir = {
            let mut state = self.state();
            state.places.push(place);
            state.heir()
        };
        if let Some(heir) = heir {
            heir.wake();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No code that can panic half-way runs under this lock, so poison says nothing.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Who is to be woken, as there is a place for it.
    fn heir(&mut self) -> Option<Waker> {
        if self.places.is_empty() {
            return None;
        }
        self.waiting.pop_front().map(|(_, waker)| waker)
    }

    fn remove(&mut self, number: u64) -> Option<Waker> {
        let index = self.waiting.iter().position(|(other, _)| *other == number)?;
        self.waiting.remove(index).map(|(_, waker)| waker)
    }

    /// Lets one wait, before all who have come after it.
    fn wait(&mut self, ticket: &mut Option<u64>, waker: Waker) {
        let number = *ticket.get_or_insert_with(|| {
            self.next += 1;
            self.next
        });
        let behind = self.waiting.partition_point(|(other, _)| *other < number);
        self.waiting.insert(behind, (number, waker));
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Flag(AtomicBool);

    impl Wake for Flag {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    /// One who wants a place.
    #[derive(Default)]
    struct Taker {
        flag: Arc<Flag>,
        ticket: Option<u64>,
    }

    impl Taker {
        fn poll(&mut self, free: &FreePlaces) -> Poll<u16> {
            let waker = Waker::from(self.flag.clone());
            free.poll_take(&mut self.ticket, &Context::from_waker(&waker))
        }

        /// Whether it has been woken since this was asked last.
        fn is_woken(&self) -> bool {
            self.flag.0.swap(false, Ordering::Relaxed)
        }

        fn leave(self, free: &FreePlaces) {
            self.ticket.into_iter().for_each(|ticket| free.leave(ticket));
        }
    }

    /// A table whose `count` places are taken, and three who wait.
    fn three_wait(count: u16) -> (FreePlaces, [Taker; 3]) {
        let free = FreePlaces::all(count);
        (0..count).for_each(|place| assert_eq!(free.take(), Some(place)));
        let mut takers: [Taker; 3] = Default::default();
        takers.iter_mut().for_each(|taker| assert!(taker.poll(&free).is_pending()));
        (free, takers)
    }

    fn woken(takers: &[Taker]) -> Vec<bool> {
        takers.iter().map(Taker::is_woken).collect()
    }

    #[test]
    fn each_place_that_comes_back_wakes_the_next_in_line() {
        let (free, mut takers) = three_wait(2);
        free.put_back(1);
        assert_eq!(woken(&takers), [true, false, false]);
        free.put_back(0);
        assert_eq!(woken(&takers), [false, true, false]);
        assert_eq!(takers[1].poll(&free), Poll::Ready(0));
        assert_eq!(takers[0].poll(&free), Poll::Ready(1));
        assert_eq!(woken(&takers), [false; 3]);
        assert!(takers[2].poll(&free).is_pending());
    }

    #[test]
    fn who_was_woken_and_leaves_passes_the_wake_on() {
        let (free, takers) = three_wait(1);
        let [first, second, third] = takers;
        free.put_back(0);
        assert!(first.is_woken());
        second.leave(&free);
        assert!(!third.is_woken(), "it was not for that one");
        first.leave(&free);
        assert!(third.is_woken());
        third.leave(&free);
        assert_eq!((free.available(), free.state().waiting.len()), (1, 0));
    }

    #[test]
    fn who_comes_too_late_keeps_its_place_in_the_line() {
        let (free, mut takers) = three_wait(1);
        free.put_back(0);
        assert_eq!(free.take(), Some(0));
        assert!(takers[0].is_woken());
        assert!(takers[0].poll(&free).is_pending());
        // Polled again, each of them waits once.
        takers.iter_mut().rev().for_each(|taker| assert!(taker.poll(&free).is_pending()));
        free.put_back(0);
        assert_eq!(woken(&takers), [true, false, false]);
        assert_eq!(takers[0].poll(&free), Poll::Ready(0));
        assert_eq!(free.state().waiting.len(), 2);
    }

    #[test]
    fn one_who_comes_unasked_costs_nobody_a_wake() {
        let (free, mut takers) = three_wait(2);
        free.put_back(0);
        free.put_back(1);
        assert_eq!(woken(&takers), [true, true, false]);
        // The third comes by itself, and takes what the first was woken for.
        assert!(takers[2].poll(&free).is_ready());
        assert!(takers[0].poll(&free).is_ready());
        assert!(takers[1].poll(&free).is_pending());
        free.put_back(1);
        assert!(takers[1].is_woken());
    }
}
