//! A ring without a kernel: the test plays the kernel by hand.
//!
//! [`Toy`] is a driver over the public API with a small submission queue. What a real kernel
//! does, a test does here in whatever order it likes: [`Toy::take`] consumes an entry,
//! [`Toy::post`] posts a CQE and brings its consequences about. [`Probe`] is an event that owns
//! memory and counts what becomes of it.
#![allow(dead_code, unused_imports, reason = "each test uses a part of it")]
#![allow(unsafe_code)]

use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll, Waker};

use ringbahn_core::{
    Batch, CancelTarget, Completion, Cqe, Drive, Matched, OperationTable, Reservation,
    Resubmission, Shared, Sqe, Submission, opcode,
};

pub(crate) mod kernel;
pub(crate) mod probe;
pub(crate) mod wakers;

pub(crate) use kernel::Kernel;
pub(crate) use probe::{Answer, CHUNK, Counts, Moment, Probe};
pub(crate) use wakers::{Calling, Grudge, Signal, grumpy_waker};

#[cfg(loom)]
use loom::sync::{Mutex, MutexGuard};
#[cfg(not(loom))]
use std::sync::{Mutex, MutexGuard};

/// `IORING_CQE_F_MORE`
pub(crate) const MORE: u32 = 1 << 1;
/// `IORING_CQE_F_NOTIF`
pub(crate) const NOTIFICATION: u32 = 1 << 3;

/// A future of a probe on a toy ring, as tests hold them.
pub(crate) type Probing = Pin<Box<Submission<Probe, Toy>>>;

/// A driver without a kernel.
#[derive(Clone)]
pub(crate) struct Toy {
    state: Arc<Mutex<State>>,
}

struct State {
    /// `None` once the ring has been dropped.
    table: Option<OperationTable>,
    places: Vec<Sqe>,
    head: usize,
    len: usize,
    /// The queue's tail as a ring counts it; starts shortly before it wraps.
    tail: u32,
    waiters: Vec<Waker>,
    cancels: VecDeque<CancelTarget>,
    resubmissions: VecDeque<Resubmission>,
    missed: Vec<CancelTarget>,
    policy: Policy,
    tally: Tally,
}

/// How the toy misbehaves.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Policy {
    /// Refuses events with this `errno`.
    pub(crate) refuse: Option<i32>,
    /// Reserves so many places fewer than asked for.
    pub(crate) withhold: usize,
    /// What `poll_submit` fails with.
    pub(crate) fail_submits: Option<i32>,
    /// Keeps resubmissions until the policy is changed.
    pub(crate) hold_resubmissions: bool,
    /// Resubmits also what has been cancelled.
    pub(crate) resubmit_cancelled: bool,
}

/// What has happened on a toy ring so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) disposed: u32,
    pub(crate) panics: u32,
    pub(crate) resubmitted: u32,
    pub(crate) missed_cancels: u32,
    pub(crate) unknown: u32,
    pub(crate) submits: u32,
    /// How often [`Drive::cancel`] was called.
    pub(crate) cancels: u32,
}

/// An entry as the kernel reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) user_data: u64,
    pub(crate) opcode: u8,
    /// The address word as a number: the target of a cancel.
    pub(crate) address: u64,
    pub(crate) length: u32,
    pointer: *mut u8,
}

impl Taken {
    pub(crate) fn is_cancel(&self) -> bool {
        self.opcode == opcode::ASYNC_CANCEL
    }

    /// Does what the kernel does for a read: fills the memory that the entry names.
    ///
    /// # Safety
    ///
    /// The entry is that of a probe and has not had its last CQE.
    pub(crate) unsafe fn fill(&self, byte: u8) {
        // SAFETY: the entry names that much memory of its event, which is the kernel's until the
        // last CQE by the contract of this function.
        unsafe { self.pointer.write_bytes(byte, self.length as usize) };
    }
}

impl Toy {
    /// A ring whose queue has `size` places.
    pub(crate) fn new(size: usize) -> Toy {
        let state = State {
            table: Some(OperationTable::new()),
            places: (0..size).map(|_| Sqe::nop()).collect(),
            head: 0,
            len: 0,
            tail: u32::MAX - 3,
            waiters: Vec::new(),
            cancels: VecDeque::new(),
            resubmissions: VecDeque::new(),
            missed: Vec::new(),
            policy: Policy::default(),
            tally: Tally::default(),
        };
        Toy { state: Arc::new(Mutex::new(state)) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The identity of the ring, which is there.
    pub(crate) fn ring(&self) -> ringbahn_core::RingId {
        self.lock().table.as_ref().expect("the ring is there").ring()
    }

    /// How many places its queue has.
    pub(crate) fn size(&self) -> usize {
        self.lock().places.len()
    }

    /// The future of `probe` on this ring, pinned.
    pub(crate) fn probe(&self, probe: Probe) -> Probing {
        Box::pin(self.clone().submit(probe))
    }

    /// The entry that the kernel consumes next.
    pub(crate) fn take(&self) -> Option<Taken> {
        let mut batch: Batch = Batch::new();
        let (entry, leftovers) = {
            let mut state = self.lock();
            let entry = state.pop()?;
            let leftovers = state.flush();
            for waker in state.waiters.drain(..) {
                batch.wake(waker);
            }
            (entry, leftovers)
        };
        drop(leftovers);
        let panics = batch.run().panics;
        self.lock().tally.panics += panics;
        Some(Taken {
            user_data: entry.user_data(),
            opcode: entry.opcode(),
            address: entry.get_address_number(),
            length: entry.get_length(),
            pointer: entry.get_address().cast(),
        })
    }

    /// The next entry, which must be that of an operation.
    pub(crate) fn take_operation(&self) -> Taken {
        let taken = self.take().expect("an operation has been submitted");
        assert!(!taken.is_cancel(), "a cancel where an operation was expected");
        taken
    }

    /// The next entry, which must be a cancel.
    pub(crate) fn take_cancel(&self) -> Taken {
        let taken = self.take().expect("a cancel has been submitted");
        assert!(taken.is_cancel(), "an operation where a cancel was expected");
        taken
    }

    /// Posts one CQE, and brings its consequences about.
    pub(crate) fn post(&self, user_data: u64, result: i32, flags: u32) -> Matched {
        self.post_all(&[Cqe { user_data, result, flags }])[0]
    }

    /// Posts CQEs, and brings the consequences of all of them about in one batch.
    pub(crate) fn post_all(&self, cqes: &[Cqe]) -> Vec<Matched> {
        let mut batch = Batch::new();
        let mut matched = Vec::new();
        {
            let mut state = self.lock();
            for cqe in cqes {
                let Some(table) = &state.table else {
                    matched.push(Matched::Unknown);
                    continue;
                };
                // SAFETY: the toy is what executes its entries. It touches operands only in
                // `Taken::fill`, whose callers have posted no last CQE yet, and the lock keeps
                // the CQEs in order.
                let found = unsafe { table.note(*cqe, &mut batch) };
                state.tally.unknown += u32::from(found == Matched::Unknown);
                matched.push(found);
            }
        }
        let aftermath = batch.run();
        let leftovers = {
            let mut state = self.lock();
            state.tally.disposed += aftermath.disposed;
            state.tally.panics += aftermath.panics;
            state.tally.resubmitted += aftermath.resubmissions.len() as u32;
            state.tally.missed_cancels += aftermath.missed_cancels.len() as u32;
            state.resubmissions.extend(aftermath.resubmissions);
            state.cancels.extend(aftermath.cancels);
            state.missed.extend(aftermath.missed_cancels);
            state.flush()
        };
        drop(leftovers);
        matched
    }

    /// Tries the cancels that have missed once more.
    pub(crate) fn retry_missed_cancels(&self) {
        let leftovers = {
            let mut state = self.lock();
            let missed = std::mem::take(&mut state.missed);
            state.cancels.extend(missed);
            state.flush()
        };
        drop(leftovers);
    }

    /// Asks for the end of everything, as a driver does when it shuts down.
    pub(crate) fn cancel_all(&self, detached: bool) -> usize {
        let (count, leftovers) = {
            let mut state = self.lock();
            let Some(table) = &state.table else { return 0 };
            let targets = table.cancel_all(detached);
            let count = targets.len();
            state.cancels.extend(targets);
            (count, state.flush())
        };
        drop(leftovers);
        count
    }

    /// Drops the ring, whatever is in flight.
    pub(crate) fn drop_ring(&self) {
        let (table, resubmissions) = {
            let mut state = self.lock();
            (state.table.take(), std::mem::take(&mut state.resubmissions))
        };
        drop(table);
        drop(resubmissions);
    }

    /// Changes how the toy misbehaves.
    pub(crate) fn set(&self, policy: Policy) {
        let leftovers = {
            let mut state = self.lock();
            state.policy = policy;
            state.flush()
        };
        drop(leftovers);
    }

    /// The resubmissions that the policy has held back.
    pub(crate) fn held(&self) -> Vec<Resubmission> {
        self.lock().resubmissions.drain(..).collect()
    }

    pub(crate) fn tally(&self) -> Tally {
        self.lock().tally
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.lock().table.as_ref().map_or(0, OperationTable::in_flight)
    }

    /// How many tasks wait for room.
    pub(crate) fn waiters(&self) -> usize {
        self.lock().waiters.len()
    }

    /// How many entries wait to be consumed.
    pub(crate) fn queued(&self) -> usize {
        self.lock().len
    }

    /// Whether all that the driver is to do has been done.
    pub(crate) fn is_idle(&self) -> bool {
        let state = self.lock();
        state.len == 0 && state.cancels.is_empty() && state.resubmissions.is_empty()
    }
}

impl State {
    fn free(&self) -> usize {
        self.places.len() - self.len
    }

    fn pop(&mut self) -> Option<Sqe> {
        if self.len == 0 {
            return None;
        }
        let entry = std::mem::replace(&mut self.places[self.head], Sqe::nop());
        self.head = (self.head + 1) % self.places.len();
        self.len -= 1;
        Some(entry)
    }

    /// Runs `fill` with a reservation of the first `count` free places.
    fn reserve<R>(&mut self, count: usize, fill: impl FnOnce(Reservation<'_>) -> R) -> Option<R> {
        let State { table: Some(table), places, head, len, tail, .. } = self else { return None };
        let (first, wrapped): (&mut [Sqe], &mut [Sqe]) = if *head + *len < places.len() {
            let (front, back) = places.split_at_mut(*head + *len);
            (back, &mut front[..*head])
        } else {
            let start = *head + *len - places.len();
            (&mut places[start..*head], &mut [])
        };
        let from_first = count.min(first.len());
        let from_wrapped = (count - from_first).min(wrapped.len());
        let chosen = (&mut first[..from_first], &mut wrapped[..from_wrapped]);
        let before = *tail;
        let value = fill(Reservation::new(table, chosen, tail));
        *len += tail.wrapping_sub(before) as usize;
        Some(value)
    }

    /// Commits what waits for room. Yields what is to be dropped outside of the lock.
    fn flush(&mut self) -> (Vec<Resubmission>, Vec<CancelTarget>) {
        let mut leftovers = (Vec::new(), Vec::new());
        while !self.policy.hold_resubmissions
            && self.free() > 0
            && let Some(resubmission) = self.resubmissions.pop_front()
        {
            if resubmission.is_cancelled() && !self.policy.resubmit_cancelled {
                leftovers.0.push(resubmission);
                continue;
            }
            let needed = resubmission.sqes_needed() as usize;
            match self.reserve(needed, |reservation| reservation.resubmit(resubmission)) {
                Some(Ok(cancelled)) => self.cancels.extend(cancelled),
                Some(Err(resubmission)) => leftovers.0.push(resubmission),
                None => {}
            }
        }
        while self.free() > 0
            && let Some(target) = self.cancels.pop_front()
        {
            self.reserve(1, |reservation| reservation.cancel(&target));
            leftovers.1.push(target);
        }
        leftovers
    }
}

impl Drive for Toy {
    type Sharing = Shared;

    fn poll_prepare<'cx>(
        self: Pin<&mut Self>,
        cx: &mut Context<'cx>,
        count: u32,
        prepare: impl FnOnce(Reservation<'_>, &mut Context<'cx>) -> Completion<'cx>,
    ) -> Poll<io::Result<Completion<'cx>>> {
        let mut waker = None;
        loop {
            let mut state = self.lock();
            if let Some(errno) = state.policy.refuse {
                return Poll::Ready(Err(io::Error::from_raw_os_error(errno)));
            }
            if state.table.is_none() {
                return Poll::Ready(Err(io::Error::from_raw_os_error(libc::ENXIO)));
            }
            if state.free() >= count as usize {
                let places = count as usize - state.policy.withhold;
                let receipt = state.reserve(places, |reservation| prepare(reservation, cx));
                return Poll::Ready(Ok(receipt.expect("the ring is there")));
            }
            assert!(count as usize <= state.places.len(), "the queue is too small for the event");
            if let Some(waker) = waker.take() {
                state.waiters.push(waker);
                return Poll::Pending;
            }
            // The clone is foreign code.
            drop(state);
            waker = Some(cx.waker().clone());
        }
    }

    fn poll_submit(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<u32>> {
        let mut state = self.lock();
        state.tally.submits += 1;
        Poll::Ready(match state.policy.fail_submits {
            Some(errno) => Err(io::Error::from_raw_os_error(errno)),
            None => Ok(state.len as u32),
        })
    }

    fn cancel(self: Pin<&mut Self>, target: CancelTarget) {
        // Between two rounds it is nowhere; `Reservation::resubmit` then tells that it has been
        // cancelled. Looking before the lock is taken is what lets models see that race.
        if !target.is_in_flight() {
            return;
        }
        let leftovers = {
            let mut state = self.lock();
            state.tally.cancels += 1;
            state.cancels.push_back(target);
            state.flush()
        };
        drop(leftovers);
    }
}

/// Polls once.
pub(crate) fn poll<F: Future>(future: &mut Pin<Box<F>>, waker: &Waker) -> Poll<F::Output> {
    future.as_mut().poll(&mut Context::from_waker(waker))
}

/// Polls a future that must not be ready.
#[track_caller]
pub(crate) fn poll_pending<F: Future>(future: &mut Pin<Box<F>>, waker: &Waker) {
    assert!(poll(future, waker).is_pending(), "ready, and should be pending");
}

/// Polls a future that must be ready.
#[track_caller]
pub(crate) fn poll_ready<F: Future>(future: &mut Pin<Box<F>>) -> F::Output {
    match poll(future, Waker::noop()) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("pending, and should be ready"),
    }
}

/// A future in flight, and its entry as the kernel sees it.
pub(crate) fn start(toy: &Toy, probe: Probe, waker: &Waker) -> (Probing, Taken) {
    let mut future = toy.probe(probe);
    poll_pending(&mut future, waker);
    let taken = toy.take_operation();
    (future, taken)
}
