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
pub(crate) struct Next<'a, S: Sharing> {
    pub(crate) next: &'a mut Option<Consequence<S>>,
    pub(crate) batch: &'a mut Batch<S>,
}

enum Kind<S: Sharing> {
    Wake(Waker),
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
            wakers: SmallVec::new(),
            ended: SmallVec::new(),
            popped: 0,
            cancels: Vec::new(),
            missed_cancels: Vec::new(),
        }
    }

    /// Whether there is nothing to run.
    pub fn is_empty(&self) -> bool {
        let ended = self.popped == self.ended.len();
        let cancels = self.cancels.is_empty() && self.missed_cancels.is_empty();
        self.wakers.is_empty() && ended && cancels
    }

    /// Adds a waker, to be woken when the batch is run.
    ///
    /// A driver wakes those who wait for room in its queue in this way.
    pub fn wake(&mut self, waker: Waker) {
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
        let waker = self.wakers.pop().map(Kind::Wake);
        let cancel = || self.cancels.pop().map(Kind::Cancel);
        waker.or_else(cancel).or_else(|| self.missed_cancels.pop().map(Kind::Missed))
    }

    /// Brings the consequences about, in the order of the CQEs; the batch is empty afterwards.
    ///
    /// To be called without any lock or borrow that a waker or an event may want. A panic in one
    /// consequence does not keep the others from happening, nor does it leave this method: it
    /// belongs to a task of its own, which has nothing to do with whoever happens to reap.
    pub fn run(&mut self) -> Aftermath<S> {
        let mut aftermath = Aftermath::new();
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
    fn wake(&mut self, waker: Waker) {
        self.wakers.push(waker);
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
    }

    #[cold]
    fn cancel(&mut self, target: CancelTarget<S>) {
        self.cancels.push(target);
    }

    fn miss_cancel(&mut self, target: CancelTarget<S>) {
        self.missed_cancels.push(target);
    }
}

impl<S: Sharing> Consequences<S> for Next<'_, S> {
    #[inline]
    fn wake(&mut self, waker: Waker) {
        *self.next = Some(Consequence(Kind::Wake(waker)));
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

    /// Brings it about, and adds what it leaves to be done to `aftermath`. As for
    /// [`Batch::run`], no lock or borrow may be held, and a panic does not leave this method.
    #[inline]
    pub fn run(self, aftermath: &mut Aftermath<S>) {
        let panicked = contain_panic(|| match self.0 {
            Kind::Wake(waker) => waker.wake(),
            Kind::End(mut ended) => match ended.run() {
                Ok(None) => {}
                Ok(Some(disposed)) => aftermath.add_disposed(&disposed),
                Err(resubmission) => aftermath.resubmissions.push(resubmission),
            },
            Kind::Cancel(target) => aftermath.cancels.push(target),
            Kind::Missed(target) => aftermath.missed_cancels.push(target),
        });
        aftermath.panics += u32::from(panicked);
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
