//! `completions`: CQEs, true ones, stale ones and invented ones, through the operation table.
//!
//! The ring is the toy of ringbahn-core's tests, whose kernel the script plays: true CQEs have any
//! result and any flags, and are told in any order; others name what has ended, what is one bit
//! away from what runs, or anything. Whatever comes, an operation ends with the last CQE of each of
//! its entries and not before, its event is given back once, and the memory of an entry that runs
//! is there to be written to.
#![allow(unsafe_code)]

use std::sync::Arc;
use std::task::{Context, Waker};

use ringbahn_core::Matched;

use crate::input::Input;

#[path = "../../../crates/ringbahn-core/tests/support/toy_ring.rs"]
mod toy_ring;

use toy_ring::{Counts, MORE, Policy, Probe, Probing, Taken, Toy};

/// How many steps a script has at most.
const STEPS_MAX: usize = 500;

/// How many operations are there at a time.
const OPERATIONS_MAX: usize = 12;

/// The mark of what answers a ring's own cancel.
const CANCEL: u64 = 1 << 63;

/// Plays the script.
pub(super) fn run(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let mut world = World {
        toy: Toy::new(1 + input.below(4)),
        operations: Vec::new(),
        running: Vec::new(),
        cancels: Vec::new(),
        ended: Vec::new(),
    };
    for _ in 0..STEPS_MAX {
        if input.is_empty() {
            break;
        }
        world.step(&mut input);
        world.check();
    }
    world.finish();
}

/// What is known of one operation.
struct Operation {
    counts: Arc<Counts>,
    future: Option<Probing>,
    is_cancelled: bool,
    /// Whether its entries have been committed.
    was_admitted: bool,
    has_output: bool,
}

struct World {
    toy: Toy,
    operations: Vec<Operation>,
    /// Entries that the kernel has taken and not ended.
    running: Vec<Taken>,
    cancels: Vec<Taken>,
    /// The `user_data` of entries that have ended.
    ended: Vec<u64>,
}

impl World {
    fn step(&mut self, input: &mut Input<'_>) {
        match input.below(16) {
            0..=2 => self.submit(input),
            3..=4 => self.take(),
            5..=7 => self.post(input),
            8 => self.post_again(input),
            9 => self.post_nearly(input),
            10 => {
                let (user_data, result, flags) = (input.u64(), input.u32(), input.u32());
                self.post_invented(user_data, result.cast_signed(), flags);
            }
            11 => self.poll(input),
            12 => self.let_go(input),
            13 => self.answer_cancel(input),
            14 => self.toy.retry_missed_cancels(),
            _ => match input.below(8) {
                0 => drop(self.toy.cancel_all(input.flag())),
                _ => {
                    let hold_resubmissions = input.flag();
                    self.toy.set(Policy { hold_resubmissions, ..Policy::default() });
                }
            },
        }
    }

    fn submit(&mut self, input: &mut Input<'_>) {
        if self.operations.len() == OPERATIONS_MAX {
            return;
        }
        let how = input.byte();
        let counts = Counts::new();
        let entries = 1 + u32::from(how & 1 == 1 && self.toy.size() > 1);
        let mut probe = Probe::of_entries(&counts, entries);
        if how & 2 != 0 {
            probe = probe.repeating(false);
        }
        self.operations.push(Operation {
            counts,
            future: Some(self.toy.probe(probe)),
            is_cancelled: false,
            was_admitted: false,
            has_output: false,
        });
        self.poll_at(self.operations.len() - 1);
    }

    fn poll(&mut self, input: &mut Input<'_>) {
        if self.operations.is_empty() {
            return;
        }
        let at = input.below(self.operations.len());
        self.operations[at].is_cancelled |= input.below(4) == 0;
        self.poll_at(at);
    }

    fn poll_at(&mut self, at: usize) {
        let operation = &mut self.operations[at];
        let Some(future) = &mut operation.future else { return };
        if operation.has_output {
            return;
        }
        let cx = &mut Context::from_waker(Waker::noop());
        let is_ready = if operation.is_cancelled {
            future.as_mut().poll_cancel(cx).is_ready()
        } else {
            toy_ring::poll(future, Waker::noop()).is_ready()
        };
        operation.was_admitted |= future.cancel_target().is_some();
        operation.has_output = is_ready;
    }

    fn let_go(&mut self, input: &mut Input<'_>) {
        if self.operations.is_empty() {
            return;
        }
        let at = input.below(self.operations.len());
        let Some(mut future) = self.operations[at].future.take() else { return };
        if input.below(4) == 0 {
            future.as_mut().detach();
        }
    }

    fn take(&mut self) {
        match self.toy.take() {
            Some(taken) if taken.is_cancel() => self.cancels.push(taken),
            Some(taken) => {
                // A CQE that comes late would be taken for one of its own.
                let is_known = self.ended.contains(&taken.user_data)
                    || self.running.iter().any(|other| other.user_data == taken.user_data);
                assert!(!is_known, "{:#x} is used a second time", taken.user_data);
                // SAFETY: it has just been submitted.
                unsafe { taken.fill(0x11) };
                self.running.push(taken);
            }
            None => {}
        }
    }

    /// Takes all that is in the queue: what is committed is then known.
    fn take_all(&mut self) {
        while self.toy.queued() > 0 {
            self.take();
        }
    }

    /// A true CQE of an entry that runs.
    fn post(&mut self, input: &mut Input<'_>) {
        if self.running.is_empty() {
            return;
        }
        let at = input.below(self.running.len());
        let result = match input.byte() {
            0 => -libc::ECANCELED,
            1 => -libc::EINTR,
            2 => -512,
            3 => i32::MIN,
            4..0x80 => 16,
            _ => input.u32().cast_signed(),
        };
        let flags = input.one_of(&[0, 0, MORE, u32::MAX, !MORE, 1 << 3]);
        self.end(at, result, flags);
    }

    /// Posts a CQE of the running entry `at`, to which the kernel writes until the last moment.
    fn end(&mut self, at: usize, result: i32, flags: u32) {
        let taken = self.running[at];
        // SAFETY: it is running, so its last CQE is yet to come.
        unsafe { taken.fill(0x22) };
        let is_last = flags & MORE == 0;
        if is_last {
            self.running.swap_remove(at);
            self.ended.push(taken.user_data);
        }
        let matched = self.toy.post(taken.user_data, result, flags);
        let expected: &[Matched] =
            if is_last { &[Matched::Progress, Matched::Finished] } else { &[Matched::Progress] };
        assert!(expected.contains(&matched), "{taken:?}: {matched:?}");
    }

    /// A duplicate, or one that comes late.
    fn post_again(&mut self, input: &mut Input<'_>) {
        if !self.ended.is_empty() {
            let user_data = self.ended[usize::from(input.u16()) % self.ended.len()];
            let flags = input.one_of(&[0, MORE, u32::MAX]);
            self.post_invented(user_data, input.u32().cast_signed(), flags);
        }
    }

    /// One whose `user_data` is one bit away from what runs.
    fn post_nearly(&mut self, input: &mut Input<'_>) {
        if !self.running.is_empty() {
            let at = input.below(self.running.len());
            let user_data = self.running[at].user_data ^ 1 << input.below(64);
            self.post_invented(user_data, 0, input.one_of(&[0, MORE]));
        }
    }

    /// One that no entry has asked for, unless it happens to be one that runs.
    fn post_invented(&mut self, user_data: u64, result: i32, flags: u32) {
        self.take_all();
        if let Some(at) = self.running.iter().position(|taken| taken.user_data == user_data) {
            return self.end(at, result, flags);
        }
        let is_answer = user_data & CANCEL != 0;
        let expected = if is_answer { Matched::Cancel } else { Matched::Unknown };
        let in_flight = self.toy.in_flight();
        assert_eq!(self.toy.post(user_data, result, flags), expected, "{user_data:#x}");
        assert_eq!(self.toy.in_flight(), in_flight);
    }

    fn answer_cancel(&mut self, input: &mut Input<'_>) {
        if !self.cancels.is_empty() {
            let cancel = self.cancels.swap_remove(input.below(self.cancels.len()));
            let answers = [0, -libc::ENOENT, -libc::EALREADY, 1, i32::MIN];
            let result = input.one_of(&answers);
            assert_eq!(self.toy.post(cancel.user_data, result, 0), Matched::Cancel);
        }
    }

    /// What holds at any moment. Operations that are over are looked at for the last time.
    fn check(&mut self) {
        assert_eq!(self.toy.tally().panics, 0);
        let entries = self.running.len() + self.toy.queued();
        assert!(self.toy.in_flight() <= entries, "more in flight than there are entries");
        self.operations.retain(|operation| {
            let (completed, cancelled, dropped) = operation.counts.all();
            assert!(completed + cancelled <= 1, "the event has had two ends");
            assert!(dropped <= 1, "the event has been dropped twice");
            assert_eq!(completed == 1, operation.has_output);
            let is_over = operation.future.is_none() && dropped == 1;
            if is_over {
                let ends = operation.has_output || operation.was_admitted;
                assert_eq!(completed + cancelled, u32::from(ends), "an event without an end");
            }
            !is_over
        });
    }

    /// Everything comes to its end.
    fn finish(&mut self) {
        self.toy.set(Policy::default());
        for round in 0.. {
            assert!(round < 1000, "the ring does not come to rest");
            self.take_all();
            while let Some(cancel) = self.cancels.pop() {
                self.toy.post(cancel.user_data, -libc::EALREADY, 0);
            }
            if !self.running.is_empty() {
                self.end(0, 16, 0);
            }
            for at in 0..self.operations.len() {
                self.poll_at(at);
            }
            let waits = |operation: &Operation| operation.future.is_some() && !operation.has_output;
            let is_idle = self.running.is_empty() && self.cancels.is_empty() && self.toy.is_idle();
            if is_idle && !self.operations.iter().any(waits) {
                break;
            }
        }
        assert_eq!(self.toy.in_flight(), 0);
        self.operations.iter_mut().for_each(|operation| operation.future = None);
        self.check();
        assert_eq!(self.operations.len(), 0, "an event was not given back");
    }
}
