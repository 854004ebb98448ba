//! [`Batch`]: the consequences of some CQEs, to be run when no lock is held.
//!
//! # Safety
//!
//! BA1. A list has initialised elements up to its length, and room for more up to its capacity.
#![allow(unsafe_code)]

use std::task::Waker;

use smallvec::SmallVec;

use super::ended::{Disposed, Ended, Resubmission};
use super::target::CancelTarget;
use crate::panics::contain_panic;
use crate::sharing::{Shared, Sharing};

/// The consequences of a batch of CQEs.
///
/// While CQEs are read, under whatever lock a driver reads them, their consequences are collected
/// here; [`run`](Batch::run) brings them about after the lock has been released. They run code of
/// events and of wakers, which may use the driver, or panic.
pub struct Batch<S: Sharing = Shared> {
    /// How many consequences there are, of whatever kind: a driver asks for each CQE.
    length: usize,
    wakers: SmallVec<[Waker; 4]>,
    ended: SmallVec<[Ended<S>; 16]>,
    /// How many of `ended` have been taken out.
    popped: usize,
    cancels: Vec<CancelTarget<S>>,
    missed_cancels: Vec<CancelTarget<S>>,
}

/// One consequence of a batch, to be run by itself.
#[must_use = "an operation whose end is not run keeps its future waiting"]
pub struct Consequence<S: Sharing = Shared>(Kind<S>);

/// Where the consequences of a CQE are put: each has one to be run at the most, and may have
/// something that the driver is to do.
pub(crate) trait Consequences<S: Sharing> {
    /// Whether an operation may end while its CQE is noted, where that runs no foreign code.
    ///
    /// Its future sees the end from then on. Where other threads have futures, one could do so
    /// before the driver has counted it.
    const ENDS_AT_ONCE: bool;

    /// Adds a waker.
    fn wake(&mut self, waker: Waker);

    /// Adds the end of an operation.
    fn end(&mut self, ended: impl FnOnce() -> Ended<S>);

    /// Adds an operation that is to be cancelled.
    fn cancel(&mut self, target: CancelTarget<S>);

    /// Adds a cancel that has missed its operation.
    fn miss_cancel(&mut self, target: CancelTarget<S>);
}

/// The place for the consequence of one CQE, and a batch for what else is to be done.
pub(crate) struct Next<'a, S: Sharing, W> {
    pub(crate) next: &'a mut Option<Consequence<S>>,
    pub(crate) batch: &'a mut Batch<S>,
    /// Wakes, or gives the waker back.
    pub(crate) wake: W,
}

enum Kind<S: Sharing> {
    /// `None` once it has been woken.
    Wake(Option<Waker>),
    End(Ended<S>),
    Cancel(CancelTarget<S>),
    Missed(CancelTarget<S>),
}

/// What a driver has to do after a batch has run.
#[derive(Debug)]
#[must_use = "a resubmission that is dropped ends its operation"]
pub struct Aftermath<S: Sharing = Shared> {
    /// Operations to be submitted once more.
    pub resubmissions: Vec<Resubmission<S>>,
    /// Operations to be cancelled, soon: those of streams whose reader lags.
    pub cancels: Vec<CancelTarget<S>>,
    /// Cancels that did not find their operation although it has not ended: it may not have
    /// started yet. To be tried again after some other progress, or a moment.
    pub missed_cancels: Vec<CancelTarget<S>>,
    /// How many results nobody waited for, and were disposed of.
    pub disposed: u32,
    /// The opcodes of these, where the ring counts by opcode: to be told to
    /// [`OperationTable::count_disposed`](crate::OperationTable::count_disposed).
    pub disposed_opcodes: Vec<u8>,
    /// How many wakers or events panicked. Each panic ended with its consequence; the operation
    /// itself is over and nothing of it is left in the ring.
    pub panics: u32,
}

impl<S: Sharing> Batch<S> {
    /// An empty batch.
    pub fn new() -> Batch<S> {
        Batch {
            length: 0,
            wakers: SmallVec::new(),
            ended: SmallVec::new(),
            popped: 0,
            cancels: Vec::new(),
            missed_cancels: Vec::new(),
        }
    }

    /// Whether there is nothing to run.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Adds a waker, to be woken when the batch is run.
    ///
    /// A driver wakes those who wait for room in its queue in this way.
    pub fn wake(&mut self, waker: Waker) {
        self.length += 1;
        self.wakers.push(waker);
    }

    /// Takes one consequence out: wakers first, and then the ends of operations in the order of
    /// their CQEs.
    ///
    /// For a driver of one thread, which keeps its batch where it finds it again: a waker may come
    /// back to the driver and wait for an operation that has ended along with its own, and then
    /// goes on with what is left.
    #[inline]
    pub fn pop(&mut self) -> Option<Consequence<S>> {
        if let Some(ended) = self.ended.get_mut(self.popped)
            && self.wakers.is_empty()
        {
            let ended = ended.take();
            self.length -= 1;
            self.popped += 1;
            if self.popped == self.ended.len() {
                self.ended.clear();
                self.popped = 0;
            }
            return Some(Consequence(Kind::End(ended)));
        }
        self.pop_other().map(Consequence)
    }

    #[cold]
    fn pop_other(&mut self) -> Option<Kind<S>> {
        let waker = self.wakers.pop().map(|waker| Kind::Wake(Some(waker)));
        let cancel = || self.cancels.pop().map(Kind::Cancel);
        let other = waker.or_else(cancel).or_else(|| self.missed_cancels.pop().map(Kind::Missed));
        self.length -= usize::from(other.is_some());
        other
    }

    /// Brings the consequences about, in the order of the CQEs; the batch is empty afterwards.
    ///
    /// To be called without any lock or borrow that a waker or an event may want. A panic in one
    /// consequence does not keep the others from happening, nor does it leave this method: it
    /// belongs to a task of its own, which has nothing to do with whoever happens to reap.
    pub fn run(&mut self) -> Aftermath<S> {
        let mut aftermath = Aftermath::new();
        self.length = 0;
        aftermath.cancels = std::mem::take(&mut self.cancels);
        aftermath.missed_cancels = std::mem::take(&mut self.missed_cancels);
        aftermath.panics += for_each(self.wakers.drain(..), Waker::wake);
        // Where they lie, since moving them would cost more than the rest of this.
        let panics = for_each(self.ended.iter_mut(), |ended| match ended.run() {
            Ok(None) => {}
            Ok(Some(disposed)) => aftermath.add_disposed(&disposed),
            Err(resubmission) => aftermath.resubmissions.push(resubmission),
        });
        aftermath.panics += panics;
        self.ended.clear();
        self.popped = 0;
        aftermath
    }
}

impl<S: Sharing> Consequences<S> for Batch<S> {
    const ENDS_AT_ONCE: bool = false;

    fn wake(&mut self, waker: Waker) {
        Batch::wake(self, waker);
    }

    #[inline]
    fn end(&mut self, ended: impl FnOnce() -> Ended<S>) {
        // In this order it is made where it is to lie; a push would move it there, and would wait
        // for the parts before it could read the whole.
        let length = self.ended.len();
        if length == self.ended.capacity() {
            self.ended.reserve(1);
        }
        // SAFETY: BA1; there is room for one more.
        let place = unsafe { self.ended.as_mut_ptr().add(length) };
        // SAFETY: BA1; nothing is there that would have to be dropped.
        unsafe { place.write(ended()) };
        // SAFETY: BA1; it has just been written.
        unsafe { self.ended.set_len(length + 1) };
        self.length += 1;
    }

    #[cold]
    fn cancel(&mut self, target: CancelTarget<S>) {
        self.length += 1;
        self.cancels.push(target);
    }

    fn miss_cancel(&mut self, target: CancelTarget<S>) {
        self.length += 1;
        self.missed_cancels.push(target);
    }
}

impl<S: Sharing, W: Fn(Waker) -> Option<Waker>> Consequences<S> for Next<'_, S, W> {
    const ENDS_AT_ONCE: bool = true;

    #[inline(always)]
    fn wake(&mut self, waker: Waker) {
        if let Some(waker) = (self.wake)(waker) {
            *self.next = Some(Consequence(Kind::Wake(Some(waker))));
        }
    }

    #[inline]
    fn end(&mut self, ended: impl FnOnce() -> Ended<S>) {
        *self.next = Some(Consequence(Kind::End(ended())));
    }

    fn cancel(&mut self, target: CancelTarget<S>) {
        self.batch.cancel(target);
    }

    fn miss_cancel(&mut self, target: CancelTarget<S>) {
        self.batch.miss_cancel(target);
    }
}

impl<S: Sharing> Consequence<S> {
    /// Whether it is the end of an operation that was stopped before it had done anything.
    #[inline]
    pub fn is_stop(&self) -> bool {
        matches!(&self.0, Kind::End(ended) if ended.has_not_run())
    }

    /// Brings it about, and yields what it leaves to be done, which is seldom anything. As for
    /// [`Batch::run`], no lock or borrow may be held, and a panic does not leave this method.
    ///
    /// It is used up where it lies, since to move it would cost as much as what it mostly is: a
    /// wake. A second call finds nothing to do.
    #[inline]
    pub fn run(&mut self) -> Option<Aftermath<S>> {
        let mut aftermath = None;
        let panicked = contain_panic(|| match &mut self.0 {
            Kind::Wake(waker) => {
                if let Some(waker) = waker.take() {
                    waker.wake();
                }
            }
            Kind::End(ended) => match ended.run() {
                Ok(None) => {}
                Ok(Some(disposed)) => {
                    aftermath.get_or_insert_with(Aftermath::new).add_disposed(&disposed);
                }
                Err(again) => aftermath = Some(Aftermath::of_resubmission(again)),
            },
            Kind::Cancel(_) | Kind::Missed(_) => aftermath = Some(self.hand_over()),
        });
        if panicked { Some(Aftermath { panics: 1, ..Aftermath::new() }) } else { aftermath }
    }

    /// Gives a cancel to the driver.
    #[cold]
    fn hand_over(&mut self) -> Aftermath<S> {
        let mut aftermath = Aftermath::new();
        match std::mem::replace(&mut self.0, Kind::Wake(None)) {
            Kind::Cancel(target) => aftermath.cancels.push(target),
            Kind::Missed(target) => aftermath.missed_cancels.push(target),
            Kind::Wake(_) | Kind::End(_) => {}
        }
        aftermath
    }
}

impl<S: Sharing> Aftermath<S> {
    /// Nothing to do.
    pub fn new() -> Aftermath<S> {
        Aftermath {
            resubmissions: Vec::new(),
            cancels: Vec::new(),
            missed_cancels: Vec::new(),
            disposed: 0,
            disposed_opcodes: Vec::new(),
            panics: 0,
        }
    }

    /// Adds a result that was disposed of.
    #[inline(never)]
    fn add_disposed(&mut self, disposed: &Disposed) {
        self.disposed += 1;
        self.disposed_opcodes.extend(disposed.counted_as);
    }

    #[cold]
    fn of_resubmission(again: Resubmission<S>) -> Aftermath<S> {
        Aftermath { resubmissions: vec![again], ..Aftermath::new() }
    }

    /// Whether there is nothing to do.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.resubmissions.is_empty()
            && self.cancels.is_empty()
            && self.missed_cancels.is_empty()
            && self.disposed + self.panics == 0
    }
}

impl<S: Sharing> Default for Aftermath<S> {
    fn default() -> Aftermath<S> {
        Aftermath::new()
    }
}

impl<S: Sharing> std::fmt::Debug for Consequence<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kind = match &self.0 {
            Kind::Wake(_) => "wake",
            Kind::End(_) => "end",
            Kind::Cancel(_) => "cancel",
            Kind::Missed(_) => "missed cancel",
        };
        f.debug_tuple("Consequence").field(&kind).finish()
    }
}

/// Runs `foreign` with each item, also after one that panicked. Says how many did.
fn for_each<T>(mut items: impl Iterator<Item = T>, mut foreign: impl FnMut(T)) -> u32 {
    let mut panics = 0;
    // Those behind one that panicked are still in the iterator.
    while contain_panic(|| items.by_ref().for_each(&mut foreign)) {
        panics += 1;
    }
    panics
}

impl<S: Sharing> Default for Batch<S> {
    fn default() -> Batch<S> {
        Batch::new()
    }
}

impl<S: Sharing> std::fmt::Debug for Batch<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Batch")
            .field("wakers", &self.wakers.len())
            .field("ended", &(self.ended.len() - self.popped))
            .field("cancels", &self.cancels.len())
            .field("missed_cancels", &self.missed_cancels.len())
            .finish_non_exhaustive()
    }
}
