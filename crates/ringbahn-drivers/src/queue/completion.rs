//! [`CompletionQueue`]: the half of a ring in which the kernel says what became of operations.
//!
//! # Safety
//!
//! K1. The CQEs between the head this half has stored last and the tail that the kernel has stored
//!     are initialised, and stay as they are until the head moves past them.
//!
//! K2. There is one `CompletionQueue` per ring (R3 of `rings`), and it reaps with `&mut self`; its
//!     local head moves past a CQE before that is looked at. So each CQE is noted once, and in the
//!     order in which the kernel has posted them.
//!
//! K3. The table is that of the submission half of the same ring, through which alone entries get
//!     into it. So the kernel that posts here is the executor of the table's entries, but for those
//!     that it does not know; these are executed by the engine beside it, whose CQEs are read here
//!     in the same way, with a head of their own.
#![allow(unsafe_code)]

use std::fmt;
use std::sync::Arc;
use std::task::Waker;

use ringbahn_core::{Batch, Consequence, Cqe, Matched, OperationTable, Shared, Sharing, WideCqe};

use super::rings::{CompletionMemory, Rings};
use super::width::CompletionWidth;
use crate::sync::Ordering;

/// The half of a ring in which the kernel says what became of operations.
///
/// Made by [`Setup::build`](crate::Setup::build). Dropping it gives nothing back that belongs to an
/// operation still in flight: the operation table leaks those records, because the kernel may yet
/// write to what they own.
///
/// # References
///
/// [`io_uring(7)`](https://man7.org/linux/man-pages/man7/io_uring.7.html)
pub struct CompletionQueue<S: Sharing = Shared> {
    rings: Arc<Rings>,
    table: S::Share<OperationTable<S>>,
    /// The counter of the next CQE to look at.
    head: u32,
    /// The same for the queue of the engine that executes what the kernel does not know.
    head_beside: u32,
}

/// What one [`CompletionQueue::reap`] has found: `count` CQEs, and of these, how many were what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reaped {
    /// CQEs taken out of the queue.
    pub count: usize,
    /// Those that ended an operation.
    pub finished: usize,
    /// Those among `finished` that ended an operation before it had done anything.
    pub stopped: usize,
    /// Those that answered one of the ring's own cancels.
    pub cancels_answered: usize,
    /// Those that belonged to nothing in flight, and were ignored.
    pub unknown: usize,
}

impl<S: Sharing> CompletionQueue<S> {
    pub(super) fn new(rings: Arc<Rings>, table: S::Share<OperationTable<S>>) -> CompletionQueue<S> {
        // Relaxed: this half is the only writer of the head, and is only just being made.
        let head = rings.completion.head.load(Ordering::Relaxed);
        CompletionQueue { rings, table, head, head_beside: 0 }
    }

    pub(super) fn rings(&self) -> &Arc<Rings> {
        &self.rings
    }

    /// The operations in flight on this ring.
    pub fn table(&self) -> &OperationTable<S> {
        &self.table
    }

    pub(crate) fn shared_table(&self) -> S::Share<OperationTable<S>> {
        self.table.clone()
    }

    /// Whether no CQE is waiting in the queue; `true` in a forked child.
    ///
    /// The kernel may hold more that did not fit in:
    /// [`RingHandle::overflowed`](crate::RingHandle::overflowed).
    pub fn is_empty(&self) -> bool {
        self.rings.forked()
            || (self.rings.completion.ready(self.head) == 0 && self.is_empty_beside())
    }

    fn is_empty_beside(&self) -> bool {
        let beside = self.rings.at_work_beside();
        beside.is_none_or(|it| it.engine.memory().completion.ready(self.head_beside) == 0)
    }

    /// Takes up to `limit` CQEs out of the queue, notes them in the operation table, and adds their
    /// consequences to `batch`.
    ///
    /// Their places are given back to the kernel at the end, all at once. In a forked child nothing
    /// is found.
    pub fn reap(&mut self, batch: &mut Batch<S>, limit: usize) -> Reaped {
        let mut reaped = Reaped::default();
        if self.rings.forked() {
            return reaped;
        }
        let source = Source { memory: &self.rings.completion, head: &mut self.head };
        reap_from(source, &self.table, batch, limit, &mut reaped);
        if reaped.count > 0 {
            self.rings.note_reaped();
        }
        if let Some(beside) = self.rings.at_work_beside() {
            let memory = &beside.engine.memory().completion;
            let source = Source { memory, head: &mut self.head_beside };
            reap_from(source, &self.table, batch, limit - reaped.count, &mut reaped);
            beside.engine.note_reaped();
        }
        reaped
    }

    /// Takes up to `limit` CQEs out of the queue and notes them in the operation table, until one
    /// has a consequence that is to be run when nothing is borrowed. That is put into `next`; what
    /// a CQE asks of the driver besides is added to `batch`, which also ends the call.
    ///
    /// `wake` wakes, or gives back a waker that it does not know, which is such a consequence.
    ///
    /// Those behind are left where they are: whoever comes here from within the consequence finds
    /// them.
    #[inline]
    pub(crate) fn reap_until(
        &mut self,
        next: &mut Option<Consequence<S>>,
        batch: &mut Batch<S>,
        limit: u32,
        wake: impl Fn(Waker) -> Option<Waker> + Copy,
    ) -> Reaped {
        let mut reaped = Reaped::default();
        if self.rings.forked() {
            return reaped;
        }
        let memory = &self.rings.completion;
        let ready = memory.ready(self.head).min(limit);
        if ready == 0 || memory.width != CompletionWidth::Narrow {
            return self.reap_one(ready, next, batch);
        }
        let source = Source { memory, head: &mut self.head };
        let (index, entries) = (memory.size.index(), memory.entries.get());
        let mut noting = self.table.noting();
        for _ in 0..ready {
            // SAFETY: R1, the array has as many places as the index says, and these are narrow.
            let place = unsafe { entries.add(index.place(*source.head) as usize) };
            // SAFETY: K1; `ready` CQEs were ready, and this is one of the first `ready`.
            let cqe = unsafe { place.read() };
            *source.head = source.head.wrapping_add(1);
            reaped.count += 1;
            // SAFETY: K2, K3; `cqe` has just been posted, and the head is past it.
            let matched = unsafe { noting.note_next(&cqe, next, batch, wake) };
            reaped.count_in(matched, &cqe);
            if next.is_some() || !batch.is_empty() {
                break;
            }
        }
        drop(noting);
        drop(source);
        self.rings.note_reaped();
        reaped
    }

    /// The same, for what is rare: CQEs of 32 bytes, and those of the queue beside the kernel's
    /// where none is `ready` in that.
    #[cold]
    fn reap_one(
        &mut self,
        ready: u32,
        next: &mut Option<Consequence<S>>,
        batch: &mut Batch<S>,
    ) -> Reaped {
        if ready == 0 && self.rings.at_work_beside().is_none() {
            return Reaped::default();
        }
        let reaped = self.reap(batch, 1);
        *next = batch.pop();
        reaped
    }

    /// Takes one CQE out of the queue that belongs to no operation.
    pub(crate) fn pop_raw(&mut self) -> Option<Cqe> {
        if self.is_empty() {
            return None;
        }
        let source = Source { memory: &self.rings.completion, head: &mut self.head };
        // SAFETY: K1; the queue is not empty.
        let cqe = unsafe { source.memory.read(*source.head) };
        *source.head = source.head.wrapping_add(source.memory.width.places(&cqe));
        drop(source);
        self.rings.note_reaped();
        Some(cqe)
    }
}

impl<S: Sharing> fmt::Debug for CompletionQueue<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CompletionQueue").field("head", &self.head).finish_non_exhaustive()
    }
}

/// CQEs and whose they are next. Gives the places of those looked at back when dropped, also by a
/// panic.
struct Source<'a> {
    memory: &'a CompletionMemory,
    head: &'a mut u32,
}

impl Drop for Source<'_> {
    fn drop(&mut self) {
        // Release: pairs with the kernel's read of `cq.head`, on which its writes to the places
        // depend. The CQEs were copied out before.
        self.memory.head.store(*self.head, Ordering::Release);
    }
}

/// Takes up to `limit` CQEs out of `source`, and notes them.
#[inline]
fn reap_from<S: Sharing>(
    source: Source<'_>,
    table: &OperationTable<S>,
    batch: &mut Batch<S>,
    limit: usize,
    reaped: &mut Reaped,
) {
    let count = limit.min(source.memory.ready(*source.head) as usize);
    if count == 0 {
        // Nothing is given back, so that the word, which the kernel reads, is left alone.
        std::mem::forget(source);
        return;
    }
    if source.memory.width != CompletionWidth::Narrow {
        return reap_wide(source, table, batch, limit, reaped);
    }
    let mut noting = table.noting();
    for _ in 0..count {
        // SAFETY: K1; `count` CQEs were ready, and this is one of the first `count`.
        let cqe = unsafe { source.memory.read(*source.head) };
        *source.head = source.head.wrapping_add(1);
        reaped.count += 1;
        // SAFETY: K2, K3; `cqe` has just been posted, and the head is past it.
        let matched = unsafe { noting.note(&cqe, batch) };
        reaped.count_in(matched, &cqe);
    }
}

/// The same where CQEs may be of 32 bytes.
#[cold]
fn reap_wide<S: Sharing>(
    source: Source<'_>,
    table: &OperationTable<S>,
    batch: &mut Batch<S>,
    limit: usize,
    reaped: &mut Reaped,
) {
    let width = source.memory.width;
    let end = reaped.count.saturating_add(limit);
    let mut left = source.memory.ready(*source.head);
    let mut noting = table.noting();
    while left > 0 && reaped.count < end {
        // SAFETY: K1; there is one, since `left` is not 0.
        let cqe = unsafe { source.memory.read(*source.head) };
        let counter = *source.head;
        // The kernel posts a CQE of two places at once.
        let places = width.places(&cqe);
        *source.head = source.head.wrapping_add(places);
        left = left.saturating_sub(places);
        if width.is_filler(&cqe) {
            continue;
        }
        reaped.count += 1;
        let matched = if width.is_wide(&cqe) {
            // SAFETY: K1; its places were ready, and are given back when the source is dropped.
            let wide = unsafe { source.memory.read_wide(counter) };
            // SAFETY: K2, K3; it has just been posted, and the head is past it.
            unsafe { noting.note_wide(&wide, batch) }
        } else {
            // SAFETY: K2, K3; `cqe` has just been posted, and the head is past it.
            unsafe { noting.note(&cqe, batch) }
        };
        reaped.count_in(matched, &cqe);
    }
}

impl Reaped {
    #[inline]
    fn count_in(&mut self, matched: Matched, cqe: &Cqe) {
        match matched {
            Matched::Progress => {}
            Matched::Finished => {
                self.finished += 1;
                self.stopped += usize::from(cqe.has_not_run());
            }
            Matched::Cancel => self.cancels_answered += 1,
            Matched::Unknown => self.unknown += usize::from(is_unknown(cqe)),
        }
    }
}

/// Whether a CQE that belongs to nothing in flight is not that of a NOP which stood in the place of
/// what the kernel does not know.
fn is_unknown(cqe: &Cqe) -> bool {
    *cqe != Cqe::default()
}

impl CompletionMemory {
    /// How many CQEs there are from the one counted as `head` on.
    fn ready(&self, head: u32) -> u32 {
        // Acquire: pairs with the kernel's `smp_store_release(&rings->cq.tail)`, which publishes
        // the CQEs before it.
        self.size.index().used(head, self.tail.load(Ordering::Acquire))
    }

    /// The CQE counted as `counter`.
    ///
    /// # Safety
    ///
    /// It lies between the head and the tail.
    unsafe fn read(&self, counter: u32) -> Cqe {
        let place = (self.size.index().place(counter) as usize) << self.width.shift();
        // SAFETY: R1, the array has as many places as the index says, of the width it says.
        let cqe = unsafe { self.entries.get().add(place) };
        // SAFETY: K1, by the caller's promise; the kernel does not write there now.
        unsafe { cqe.read() }
    }

    /// As [`read`](CompletionMemory::read), a CQE of 32 bytes.
    ///
    /// # Safety
    ///
    /// As for `read`, and it is such a one.
    unsafe fn read_wide(&self, counter: u32) -> WideCqe {
        let place = (self.size.index().place(counter) as usize) << self.width.shift();
        // SAFETY: R1, the array has as many places as the index says, of the width it says.
        let wide =
            unsafe { self.entries.get().cast::<WideCqe>().byte_add(place * size_of::<Cqe>()) };
        // SAFETY: K1, by the caller's promise; the kernel fills up the end of the queue where there
        // is only one place left, and does not write there now. It is aligned as a `Cqe` is.
        unsafe { wide.read() }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::queue::fake_kernel::over_memory;

    fn cqe(number: u64) -> Cqe {
        Cqe { user_data: number, ..Cqe::default() }
    }

    #[test]
    fn cqes_come_out_in_order_while_the_counters_wrap() {
        for entries in [1, 2, 4] {
            let (_submission, mut completion, rings) = over_memory(1, entries);
            for round in 0..6 {
                for number in 0..u64::from(entries) {
                    assert!(rings.post(cqe(round * 4 + number)));
                }
                assert!(!rings.post(cqe(99)), "the queue is full");
                for number in 0..u64::from(entries) {
                    assert_eq!(completion.pop_raw(), Some(cqe(round * 4 + number)));
                }
                assert_eq!(completion.pop_raw(), None);
                assert!(completion.is_empty());
            }
        }
    }

    #[test]
    fn a_panic_while_reaping_gives_back_what_was_looked_at() {
        let (_submission, mut completion, rings) = over_memory(1, 2);
        assert!(rings.post(cqe(1)) && rings.post(cqe(2)));
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let source = Source { memory: &rings.completion, head: &mut completion.head };
            *source.head = source.head.wrapping_add(1);
            panic!("while the first one is noted");
        }));
        assert!(result.is_err());
        assert!(rings.post(cqe(3)), "the first one's place is free");
        assert!(!rings.post(cqe(4)), "and no other");
        assert_eq!(completion.pop_raw(), Some(cqe(2)));
    }

    #[test]
    fn reaping_stops_at_the_limit_and_gives_the_places_back() {
        let (_submission, mut completion, rings) = over_memory(1, 4);
        let mut batch = Batch::default();
        assert_eq!(completion.reap(&mut batch, 4), Reaped::default());
        for _ in 0..4 {
            assert!(rings.post(cqe(7)));
        }
        assert_eq!(completion.reap(&mut batch, 0), Reaped::default());
        assert_eq!(
            completion.reap(&mut batch, 3),
            Reaped { count: 3, unknown: 3, ..Reaped::default() }
        );
        assert!(!completion.is_empty());
        assert!(rings.post(cqe(7)) && rings.post(cqe(7)) && rings.post(cqe(7)));
        assert!(!rings.post(cqe(7)));
        assert_eq!(completion.reap(&mut batch, usize::MAX).count, 4);
        assert!(completion.is_empty());
    }
}
