//! [`SubmissionQueue`]: entries on their way to the simulated kernel.

use std::rc::Rc;

use ringbahn_core::{Local, OperationTable, Reservation, Sqe};

/// Entries on their way to the kernel: a ring of places, whose counters wrap as the kernel's do.
///
/// What is in it has been put there by reservations only, which is what the kernel's side relies
/// on: there is no other way in.
pub(crate) struct SubmissionQueue {
    table: Rc<OperationTable<Local>>,
    /// As many as a power of two.
    places: Box<[Sqe]>,
    head: u32,
    tail: u32,
}

impl SubmissionQueue {
    /// A queue with room for `capacity` entries, a power of two, whose counters begin at `first`.
    pub(crate) fn new(
        table: Rc<OperationTable<Local>>,
        capacity: u32,
        first: u32,
    ) -> SubmissionQueue {
        assert!(capacity.is_power_of_two());
        let places = (0..capacity).map(|_| Sqe::nop()).collect();
        SubmissionQueue { table, places, head: first, tail: first }
    }

    pub(crate) fn capacity(&self) -> u32 {
        self.places.len() as u32
    }

    pub(crate) fn table(&self) -> &OperationTable<Local> {
        &self.table
    }

    pub(crate) fn len(&self) -> u32 {
        self.tail.wrapping_sub(self.head)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.head == self.tail
    }

    /// Reserves `count` free places next to each other. `None` where fewer are free.
    #[inline]
    pub(crate) fn reserve(&mut self, count: u32) -> Option<Reservation<'_, Local>> {
        let (used, capacity) = (self.len(), self.places.len());
        if count > capacity as u32 - used {
            return None;
        }
        let begin = self.tail as usize & (capacity - 1);
        let (wrapped, first) = self.places.split_at_mut(begin);
        let first_count = (count as usize).min(first.len());
        let first = &mut first[..first_count];
        let wrapped = &mut wrapped[..count as usize - first_count];
        Some(Reservation::new(&self.table, (first, wrapped), &mut self.tail))
    }

    /// The kernel takes the next entry.
    #[inline]
    pub(crate) fn pop(&mut self) -> Option<Sqe> {
        if self.is_empty() {
            return None;
        }
        let index = self.head as usize & (self.places.len() - 1);
        self.head = self.head.wrapping_add(1);
        Some(std::mem::replace(&mut self.places[index], Sqe::nop()))
    }
}

impl std::fmt::Debug for SubmissionQueue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SubmissionQueue")
            .field("head", &self.head)
            .field("tail", &self.tail)
            .finish_non_exhaustive()
    }
}
