//! `parts`: buffers that the kernel uses up bit by bit, against a model that goes byte by byte.
//!
//! The kernel of the script mostly does as it should: it goes on where it was, or leaves a buffer
//! before it is full. Sometimes it names a buffer that is not its own, or more bytes than it was
//! offered, and is not to be believed then.

use std::collections::VecDeque;

use crate::input::Input;

// The table itself, which needs nothing of its crate.
#[path = "../../../crates/ringbahn-core/src/provided/parts.rs"]
mod table;

use table::{Part, Parts, Taken};

/// How many steps a script has at most.
const STEPS_MAX: usize = 1000;

/// Plays the script.
pub(super) fn run(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let (count, size) = (1 + input.below(8) as u16, 1 + u32::from(input.byte()));
    let mut model = Model::new(count, size);
    for index in 0..count {
        model.offer(index);
    }
    for _ in 0..STEPS_MAX {
        if input.is_empty() {
            break;
        }
        model.step(&mut input);
    }
    model.finish();
}

/// The table, and what must be the case with it.
struct Model {
    parts: Parts,
    size: u32,
    /// The buffers that the kernel has, in order.
    offered: VecDeque<u16>,
    /// How many bytes of the first of them it has used.
    used: u32,
    /// Parts, and buffers left early, that have not come back.
    out: Vec<Part>,
    /// Buffers of which everything has come back, and that have not been offered again.
    idle: Vec<u16>,
    is_lost: bool,
}

impl Model {
    fn new(count: u16, size: u32) -> Model {
        let parts = Parts::new(count, size);
        let (offered, out, idle) = Default::default();
        Model { parts, size, offered, used: 0, out, idle, is_lost: false }
    }

    fn offer(&mut self, index: u16) {
        self.parts.offer(index);
        self.offered.push_back(index);
    }

    fn step(&mut self, input: &mut Input<'_>) {
        match input.byte() {
            // As it should: on in the first buffer.
            0..=99 => {
                let first = self.offered.front().copied().unwrap_or(0);
                self.take(first, input.byte().into());
            }
            // The first buffer is left, where it has been begun.
            100..=119 => {
                let first = self.offered.get(1).copied().unwrap_or(0);
                self.take(first, input.byte().into());
            }
            // Anything.
            120..=139 => {
                let first = u16::from(input.byte());
                self.take(first, input.number());
            }
            140..=219 => {
                if !self.out.is_empty() {
                    let at = input.below(self.out.len());
                    self.give_back(at);
                }
            }
            _ => {
                if !self.idle.is_empty() {
                    let at = input.below(self.idle.len());
                    let index = self.idle.remove(at);
                    self.offer(index);
                }
            }
        }
    }

    fn take(&mut self, first: u16, bytes: u32) {
        let expected = self.expected(first, bytes);
        self.is_lost |= expected.is_none();
        let taken = self.parts.take(first, bytes);
        assert_eq!(taken, expected, "buffer {first}, {bytes} bytes");
        let Some(Taken { parts, left }) = taken else { return };
        for part in parts {
            let overlaps = |other: &&Part| {
                let ends = (part.start + part.length, other.start + other.length);
                other.index == part.index && other.start < ends.0 && part.start < ends.1
            };
            assert_eq!(self.out.iter().find(overlaps), None, "{part:?} is in two hands");
            self.out.push(part);
        }
        // The rest of a buffer left early is nobody's.
        self.out.extend(left.map(|index| Part { index, start: self.size, length: 0 }));
    }

    /// What the table must answer, byte by byte. `None` where the kernel is not to be believed.
    fn expected(&mut self, first: u16, bytes: u32) -> Option<Taken> {
        let mut taken = Taken::default();
        if self.is_lost {
            return None;
        }
        for number in 0..bytes {
            if number == 0 && self.used > 0 && *self.offered.front()? != first {
                taken.left = self.offered.pop_front();
                self.used = 0;
            }
            let index = *self.offered.front()?;
            if number == 0 && index != first {
                return None;
            }
            match taken.parts.last_mut() {
                Some(last) if self.used > 0 => last.length += 1,
                _ => taken.parts.push(Part { index, start: self.used, length: 1 }),
            }
            self.used += 1;
            if self.used == self.size {
                self.offered.pop_front();
                self.used = 0;
            }
        }
        Some(taken)
    }

    fn give_back(&mut self, at: usize) {
        let index = self.out.swap_remove(at).index;
        let is_last = !self.offered.contains(&index)
            && self.out.iter().all(|other| other.index != index)
            && !self.is_lost;
        assert_eq!(self.parts.give_back(index), is_last, "buffer {index}");
        if is_last {
            self.idle.push(index);
        }
    }

    /// Gives everything back: what the kernel has not got is idle then.
    fn finish(&mut self) {
        while !self.out.is_empty() {
            self.give_back(0);
        }
        if !self.is_lost {
            let all = self.idle.len() + self.offered.len();
            assert_eq!(all, self.count(), "a buffer is missing");
        }
    }

    /// How many buffers there are: each is the kernel's or idle, and none is both.
    fn count(&self) -> usize {
        let mut all: Vec<u16> = self.idle.iter().chain(&self.offered).copied().collect();
        all.sort_unstable();
        all.dedup();
        all.len()
    }
}
