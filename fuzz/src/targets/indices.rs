//! `indices`: what both sides of a ring do, from any counter on and with any sizes.
//!
//! The model has no counters: lists of what has been filled, published and posted. Besides, the
//! arithmetic is asked about counters that no ring has.

use std::collections::VecDeque;

use ringbahn_core::Cqe;
use ringbahn_drivers::Reaped;
use ringbahn_drivers::fuzzing::{Halves, free, used};

use crate::input::Input;

/// How many steps a script has at most.
const STEPS_MAX: usize = 1000;

/// The mark of what answers a ring's own cancel.
const CANCEL: u64 = 1 << 63;

/// Plays the script.
pub(super) fn run(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    calculate(&mut input);
    let (start, entries, completion_entries) =
        (input.number(), 1 << input.below(7), 1 << input.below(7));
    let halves = Halves::new(start, entries, completion_entries).expect("powers of two");
    let mut model = Model {
        halves,
        entries: entries as usize,
        completion_entries: completion_entries as usize,
        filled: VecDeque::new(),
        published: VecDeque::new(),
        posted: VecDeque::new(),
        next: 0,
    };
    for _ in 0..STEPS_MAX {
        if input.is_empty() {
            break;
        }
        model.step(&mut input);
        model.check();
    }
    model.finish();
}

/// Asks about counters that the other side may have written, whatever they are.
fn calculate(input: &mut Input<'_>) {
    let entries = input.number();
    let (head, tail, count) = (input.number(), input.number(), input.number());
    let Some(used) = used(entries, head, tail) else {
        assert!(!entries.is_power_of_two());
        assert_eq!(free(entries, head, tail, count), None);
        return;
    };
    assert!(used <= entries && used <= tail.wrapping_sub(head));
    let Some([first, wrapped]) = free(entries, head, tail, count) else {
        assert!(count > entries - used, "{count} of {entries} were refused with {used} in use");
        return;
    };
    assert!(count <= entries - used, "{count} of {entries} were given with {used} in use");
    assert_eq!(first.len() + wrapped.len(), count as usize);
    assert!(first.end <= entries && wrapped.end <= first.start, "{first:?}, {wrapped:?}");
    assert!(wrapped.is_empty() || (wrapped.start, first.end) == (0, entries));
    assert_eq!(first.start, tail % entries);
}

/// Both halves, and what must be in them.
struct Model {
    halves: Halves,
    entries: usize,
    completion_entries: usize,
    filled: VecDeque<u32>,
    published: VecDeque<u32>,
    posted: VecDeque<Cqe>,
    /// The number of the next entry.
    next: u32,
}

impl Model {
    fn free(&self) -> usize {
        self.entries - self.filled.len() - self.published.len()
    }

    fn step(&mut self, input: &mut Input<'_>) {
        match input.below(8) {
            0 => {
                for _ in 0..=input.below(8) {
                    self.push();
                }
            }
            1 => {
                let count = input.number();
                let expected = count as usize <= self.free();
                assert_eq!(self.halves.can_reserve(count), expected, "{count} places");
            }
            2 => self.publish(),
            3 => {
                for _ in 0..=input.below(8) {
                    assert_eq!(self.halves.take(), self.published.pop_front());
                }
            }
            4 => {
                let user_data = if input.flag() { input.u64() } else { input.byte().into() };
                self.post(Cqe { user_data, result: input.byte().into(), flags: 0 });
            }
            5 => {
                for number in 0..=input.below(8) as u64 {
                    self.post(Cqe { user_data: number, result: 1, flags: 2 });
                }
            }
            6 => assert_eq!(self.halves.pop(), self.posted.pop_front()),
            _ => self.reap(input.number() as usize),
        }
    }

    fn push(&mut self) {
        let has_room = self.free() > 0;
        assert_eq!(self.halves.push(self.next), has_room);
        if has_room {
            self.filled.push_back(self.next);
            self.next += 1;
        }
    }

    fn publish(&mut self) {
        assert_eq!(self.halves.publish() as usize, self.filled.len());
        self.published.append(&mut self.filled);
    }

    fn post(&mut self, cqe: Cqe) {
        let has_room = self.posted.len() < self.completion_entries;
        assert_eq!(self.halves.post(cqe), has_room);
        if has_room {
            self.posted.push_back(cqe);
        }
    }

    /// No operation is in flight, so each CQE answers a cancel or is unknown; one of zeroes stands
    /// for nothing at all.
    fn reap(&mut self, limit: usize) {
        let taken: Vec<Cqe> = self.posted.drain(..limit.min(self.posted.len())).collect();
        let is_answer = |cqe: &&Cqe| cqe.user_data & CANCEL != 0;
        let is_unknown = |cqe: &&Cqe| !is_answer(cqe) && **cqe != Cqe::default();
        let expected = Reaped {
            count: taken.len(),
            cancels_answered: taken.iter().filter(is_answer).count(),
            unknown: taken.iter().filter(is_unknown).count(),
            ..Reaped::default()
        };
        assert_eq!(self.halves.reap(limit), expected);
    }

    fn check(&self) {
        assert_eq!(self.halves.free() as usize, self.free());
        assert_eq!(self.halves.is_empty(), self.posted.is_empty());
    }

    /// Everything comes out, and then everything goes in once more.
    fn finish(&mut self) {
        self.publish();
        while let Some(number) = self.published.pop_front() {
            assert_eq!(self.halves.take(), Some(number));
        }
        assert_eq!(self.halves.take(), None);
        self.reap(usize::MAX);
        assert_eq!(self.halves.pop(), None);
        for _ in 0..=self.entries {
            self.push();
        }
        for _ in 0..=self.completion_entries {
            self.post(Cqe { user_data: 1, result: 0, flags: 0 });
        }
        self.check();
    }
}
