//! [`SubmissionQueue`]: the half of a ring in which operations are laid out for the kernel.
//!
//! Three counters tell whose a place is:
//!
//! ```text
//!      head             tail in memory        local tail            head + entries
//!   ────┼── the kernel's ──┼── filled, unpublished ──┼── free: reserve ──┼────
//! ```
//!
//! The kernel moves `head`, [`publish`](SubmissionQueue::publish) moves the tail in memory up to
//! the local one, and only filling a [`Reservation`] moves the local one.
//!
//! # Safety
//!
//! Q1. The places from the local tail up to `head + entries` belong to this half: the kernel reads
//!     only what lies between its head and the tail in memory, and it never moves its head back. So
//!     a free place stays free until this half fills it, and a stale head errs on the safe side.
//!
//! Q2. There is one `SubmissionQueue` per ring (R3 of `rings`), and it reserves with `&mut self`.
//!     So no two references to one place exist at a time.
//!
//! Q3. Every bit pattern is a valid `Sqe`, so places that were never filled may be referred to.
//!
//! Q4. The places from the tail in memory up to the local tail are filled and the kernel does not
//!     know it: they belong to this half until they are published.
#![allow(unsafe_code)]

use std::fmt;
use std::io;
use std::ops::Range;
use std::sync::Arc;

use ringbahn_core::{OperationTable, Reservation, Rule, Shared, Sharing, Sqe};

use super::beside::Beside;
use super::rings::{Rings, forked_error};
use crate::sync::Ordering;

/// The half of a ring in which operations are laid out for the kernel.
///
/// Made by [`Setup::build`](crate::Setup::build). Dropping it with entries that were filled and
/// not published is fine: the kernel has never known of them.
///
/// # Examples
///
/// ```
/// # use ringbahn_drivers::{Setup, Unavailable};
/// # fn main() -> std::io::Result<()> {
/// # let queues = match Setup::new(8).build() { Ok(queues) => queues, Err(_) => return Ok(()) };
/// let mut submission = queues.submission;
/// assert_eq!(submission.capacity(), 8);
/// assert!(submission.reserve(8)?.is_some());
/// assert!(submission.reserve(9)?.is_none());
/// # Ok(())
/// # }
/// ```
///
/// # References
///
/// [`io_uring(7)`](https://man7.org/linux/man-pages/man7/io_uring.7.html)
pub struct SubmissionQueue<S: Sharing = Shared> {
    rings: Arc<Rings>,
    table: S::Share<OperationTable<S>>,
    /// The counter of the next place to fill; ahead of the tail in memory by what is unpublished.
    tail: u32,
    /// What the ring does not take.
    rule: Option<Rule>,
}

/// `IOSQE_IO_LINK` and `IOSQE_IO_HARDLINK`: another entry follows that belongs to this one.
const LINKS: u8 = 1 << 2 | 1 << 3;

/// Free places, in order, and the counter to move by as many as get filled.
struct Places<'a, S: Sharing> {
    first: &'a mut [Sqe],
    wrapped: &'a mut [Sqe],
    taken: &'a mut u32,
    table: &'a OperationTable<S>,
}

impl<S: Sharing> SubmissionQueue<S> {
    pub(super) fn new(rings: Arc<Rings>, table: S::Share<OperationTable<S>>) -> SubmissionQueue<S> {
        // Relaxed: this half is the only writer of the tail, and is only just being made.
        let tail = rings.submission.tail.load(Ordering::Relaxed);
        SubmissionQueue { rings, table, tail, rule: None }
    }

    pub(super) fn rings(&self) -> &Arc<Rings> {
        &self.rings
    }

    /// From now on entries are held to `rule`.
    pub(crate) fn hold_to(&mut self, rule: Option<Rule>) {
        self.rule = rule;
    }

    /// How many entries fit in.
    pub fn capacity(&self) -> u32 {
        self.rings.submission.size.index().entries()
    }

    /// The operations in flight on this ring.
    pub fn table(&self) -> &OperationTable<S> {
        &self.table
    }

    /// Reserves `count` places for the entries of one operation.
    ///
    /// `None` where fewer are free, and always where `count` is more than the
    /// [`capacity`](SubmissionQueue::capacity). Places get free when the kernel takes entries, in
    /// [`RingHandle::enter`](crate::RingHandle::enter). Nothing is held by a reservation that is
    /// dropped unused.
    ///
    /// # Errors
    ///
    /// `Unsupported` in a forked child: the ring is the parent's.
    #[inline]
    pub fn reserve(&mut self, count: u32) -> io::Result<Option<Reservation<'_, S>>> {
        let rule = self.rule;
        let places = self.places(count)?;
        Ok(places.map(|Places { first, wrapped, taken, table }| {
            Reservation::new(table, (first, wrapped), taken).under(rule)
        }))
    }

    /// How many places are free. Taking entries, the kernel only makes it more.
    #[inline]
    pub fn free(&self) -> u32 {
        if self.rings.forked() {
            return 0;
        }
        let memory = &self.rings.submission;
        // Relaxed: `reserve` looks again before it hands a place out.
        let head = memory.head.load(Ordering::Relaxed);
        memory.size.index().entries() - memory.size.index().used(head, self.tail)
    }

    /// Lets the kernel see every filled place.
    ///
    /// From here on the entries are in flight, whatever becomes of the next
    /// [`RingHandle::enter`](crate::RingHandle::enter), which takes them. In a forked child nothing
    /// happens. Returns how many it has not seen before.
    pub fn publish(&mut self) -> u32 {
        if self.rings.forked() {
            return 0;
        }
        if let Some(beside) = &self.rings.beside {
            self.divert(beside);
        }
        let published = self.rings.submission.tail.load(Ordering::Relaxed); // Its only writer.
        // Release: pairs with the kernel's `smp_load_acquire(&rings->sq.tail)`, and publishes the
        // entries filled before it.
        self.rings.submission.tail.store(self.tail, Ordering::Release);
        self.tail.wrapping_sub(published)
    }

    /// Takes the chains that the kernel does not know out of what is about to be published.
    #[cold]
    fn divert(&self, beside: &Beside) {
        // Relaxed: only this half writes it.
        let mut first = self.rings.submission.tail.load(Ordering::Relaxed);
        if first == self.tail {
            return;
        }
        let mut diversion = beside.divert(&self.rings);
        while first != self.tail {
            let (mut end, mut linked, mut wanted, mut barred) = (first, true, false, false);
            while linked && end != self.tail {
                // SAFETY: Q4; nothing else refers to the place in this function.
                let entry = unsafe { self.unpublished(end) };
                wanted |= diversion.is_wanted(entry);
                // The engine has this process's credentials only.
                barred |= entry.get_personality() != 0;
                linked = entry.flags() & LINKS != 0;
                end = end.wrapping_add(1);
            }
            while first != end {
                if wanted && !barred {
                    // SAFETY: Q4; the reference of the loop above is not used any more.
                    let entry = unsafe { self.unpublished(first) };
                    self.table.count_inside(entry);
                    diversion.take(entry);
                }
                first = first.wrapping_add(1);
            }
        }
    }

    /// The place counted as `counter`.
    ///
    /// # Safety
    ///
    /// * It lies between the tail in memory and the local one.
    /// * No other reference to it exists for as long as the caller uses this one.
    #[expect(clippy::mut_from_ref, reason = "the places are the half's, not borrowed from it")]
    unsafe fn unpublished(&self, counter: u32) -> &mut Sqe {
        let place = self.rings.submission.size.index().place(counter) as usize;
        // SAFETY: R1, the array has `capacity` elements, of which this is one.
        let mut entry = unsafe { self.rings.submission.entries.get().add(place) };
        // SAFETY: Q4, by the caller's promise.
        unsafe { entry.as_mut() }
    }

    #[inline]
    fn places(&mut self, count: u32) -> io::Result<Option<Places<'_, S>>> {
        // By far the usual count gets code of its own.
        if count == 1 { self.find_places(1) } else { self.find_places(count) }
    }

    #[inline(always)]
    fn find_places(&mut self, count: u32) -> io::Result<Option<Places<'_, S>>> {
        if self.rings.forked() {
            return Err(forked_error());
        }
        let memory = &self.rings.submission;
        // Acquire: pairs with the kernel's `smp_store_release(&rings->sq.head)`. It has read the
        // entries before the head, so writing their places again cannot reach it.
        let head = memory.head.load(Ordering::Acquire);
        let Some(span) = memory.size.index().free(head, self.tail, count) else {
            return Ok(None);
        };
        #[cfg(loom)]
        span.first.clone().chain(span.wrapped.clone()).for_each(|n| self.rings.track_fill(n));
        // SAFETY: Q1, `free` has just found these places free; Q2, `self` is borrowed meanwhile,
        // and the two ranges of a span are disjoint.
        let first = unsafe { self.slice(span.first) };
        // SAFETY: Q1 and Q2, as for the first range.
        let wrapped = unsafe { self.slice(span.wrapped) };
        Ok(Some(Places { first, wrapped, taken: &mut self.tail, table: &self.table }))
    }

    /// The places of `range`.
    ///
    /// # Safety
    ///
    /// * They are within the capacity, and free.
    /// * No other reference to them exists for as long as the caller uses `'a`, and `self` lives.
    unsafe fn slice<'a>(&self, range: Range<u32>) -> &'a mut [Sqe] {
        let entries = self.rings.submission.entries.get();
        // SAFETY: R1, the array has `capacity` elements, and the caller's range is among them.
        let first = unsafe { entries.add(range.start as usize) };
        // SAFETY: R1 again; Q3 for their content, and the caller for their being unaliased.
        unsafe { std::slice::from_raw_parts_mut(first.as_ptr(), range.len()) }
    }

    /// Fills one place without an operation. Whoever calls consumes the CQE before the completion
    /// queue can be asked for it. Gives the entry back where there is no room.
    pub(crate) fn push_raw(&mut self, entry: Sqe) -> io::Result<Result<(), Sqe>> {
        let Some(places) = self.places(1)? else {
            return Ok(Err(entry));
        };
        let Some(place) = places.first.first_mut().or(places.wrapped.first_mut()) else {
            return Ok(Err(entry));
        };
        *place = entry;
        *places.taken = places.taken.wrapping_add(1);
        Ok(Ok(()))
    }
}

impl<S: Sharing> fmt::Debug for SubmissionQueue<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SubmissionQueue")
            .field("capacity", &self.capacity())
            .field("tail", &self.tail)
            .finish_non_exhaustive()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::queue::fake_kernel::over_memory;

    fn entry(number: u32) -> Sqe {
        Sqe::nop().length(number)
    }

    #[test]
    fn a_full_queue_refuses_until_the_kernel_takes_an_entry() {
        for entries in [1, 2, 4] {
            let (mut submission, _completion, rings) = over_memory(entries, entries);
            for number in 0..entries {
                assert!(submission.push_raw(entry(number)).unwrap().is_ok());
            }
            assert!(submission.reserve(1).unwrap().is_none());
            assert_eq!(rings.take_entry(), None, "nothing is published yet");
            submission.publish();
            assert!(submission.reserve(1).unwrap().is_none());
            assert_eq!(rings.take_entry(), Some(0));
            assert!(submission.reserve(1).unwrap().is_some());
            assert!(submission.reserve(2).unwrap().is_none());
        }
    }

    #[test]
    fn more_than_the_capacity_is_never_reserved() {
        let (mut submission, _completion, _rings) = over_memory(4, 4);
        assert!(submission.reserve(4).unwrap().is_some());
        for count in [5, 8, u32::MAX] {
            assert!(submission.reserve(count).unwrap().is_none());
        }
    }

    #[test]
    fn entries_reach_the_kernel_in_order_while_the_counters_wrap() {
        let (mut submission, _completion, rings) = over_memory(4, 4);
        let mut next = 0;
        for _ in 0..5 {
            for number in 0..3 {
                assert!(submission.push_raw(entry(next + number)).unwrap().is_ok());
            }
            submission.publish();
            for number in 0..3 {
                assert_eq!(rings.take_entry(), Some(next + number));
            }
            assert_eq!(rings.take_entry(), None);
            next += 3;
        }
    }

    #[test]
    fn a_reservation_that_wraps_covers_the_last_places_and_the_first() {
        let (mut submission, _completion, rings) = over_memory(4, 4);
        for _ in 0..3 {
            assert!(submission.push_raw(entry(0)).unwrap().is_ok());
            submission.publish();
            assert!(rings.take_entry().is_some());
        }
        let places = submission.places(4).unwrap().unwrap();
        assert_eq!(places.first.len() + places.wrapped.len(), 4);
        assert!(!places.wrapped.is_empty());
    }
}
