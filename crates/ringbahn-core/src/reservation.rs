//! [`Reservation`]: free places of one submission queue, for one operation.

use std::io;
use std::task::Context;

use crate::drive::Completion;
use crate::operation::Operation;
use crate::operation::ended::Resubmission;
use crate::operation::id::cancel_of;
use crate::operation::table::OperationTable;
use crate::operation::target::CancelTarget;
use crate::permission::{Forbidden, Rule};
use crate::ring_id::ForeignRing;
use crate::selection::EntryFile;
use crate::sharing::{OperationShare, Shared, Sharing};
use crate::sqe::{Sqe, Sqes};

/// Free places of one submission queue, reserved for one operation.
///
/// It ties three things together that must not be mixed up: the places, the table of the ring
/// they belong to, and the count by which the queue's tail will move. Whatever is committed fills
/// places next to each other, so the entries of a chain are never torn apart.
///
/// A driver gets one from its submission queue and hands it on; dropped unused, it leaves the
/// queue as it was.
#[derive(Debug)]
pub struct Reservation<'a, S: Sharing = Shared> {
    table: &'a OperationTable<S>,
    places: (&'a mut [Sqe], &'a mut [Sqe]),
    taken: &'a mut u32,
    rule: Option<Rule>,
}

/// Says that what was to be committed needs more places than were reserved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooFewPlaces;

/// Why an operation was not committed.
#[derive(Debug)]
pub(crate) enum Uncommitted {
    TooFewPlaces,
    Forbidden(Forbidden),
    Foreign(ForeignRing),
}

impl From<TooFewPlaces> for Uncommitted {
    fn from(_: TooFewPlaces) -> Uncommitted {
        Uncommitted::TooFewPlaces
    }
}

impl From<Uncommitted> for io::Error {
    fn from(reason: Uncommitted) -> io::Error {
        match reason {
            Uncommitted::TooFewPlaces => io::Error::other(
                "the driver reserved fewer places of the submission queue than the event needs",
            ),
            Uncommitted::Forbidden(forbidden) => forbidden.into(),
            Uncommitted::Foreign(foreign) => foreign.into(),
        }
    }
}

impl<'a, S: Sharing> Reservation<'a, S> {
    /// The places of `places.0` and then those of `places.1`, of a queue whose entries are
    /// tracked by `table`. `*taken` grows, wrapping, by as many as get filled.
    #[inline]
    pub fn new(
        table: &'a OperationTable<S>,
        places: (&'a mut [Sqe], &'a mut [Sqe]),
        taken: &'a mut u32,
    ) -> Reservation<'a, S> {
        Reservation { table, places, taken, rule: None }
    }

    /// The same places, for entries that `rule` does not refuse.
    #[inline]
    #[must_use]
    pub fn under(self, rule: Option<Rule>) -> Reservation<'a, S> {
        Reservation { rule, ..self }
    }

    /// How many places there are.
    pub fn capacity(&self) -> u32 {
        (self.places.0.len() + self.places.1.len()) as u32
    }

    /// Commits an operation that wants to be submitted once more.
    ///
    /// Yields a target where somebody has asked for the operation's end meanwhile: the driver is
    /// then to cancel it, after it has been submitted.
    ///
    /// # Errors
    ///
    /// The resubmission, where there are fewer places than it needs, or where it has come to an
    /// operation that the ring [does not take](Rule), or to name what is
    /// [of another ring](ForeignRing).
    pub fn resubmit(
        self,
        mut resubmission: Resubmission<S>,
    ) -> Result<Option<CancelTarget<S>>, Resubmission<S>> {
        if self.capacity() < resubmission.sqes_needed() {
            return Err(resubmission);
        }
        let operation = resubmission.operation().clone();
        let table = self.table;
        let mut sqes = std::mem::take(resubmission.sqes_mut());
        match self.commit(operation.clone(), &mut sqes) {
            Ok(cancelled) => {
                table.count_repeated(operation.header());
                Ok(cancelled.then(|| CancelTarget::new(operation)))
            }
            Err(_) => {
                *resubmission.sqes_mut() = sqes;
                Err(resubmission)
            }
        }
    }

    /// Fills one place with a cancel of `target`. `false` where there is nothing left to cancel
    /// in this ring, no place, or where the ring [does not take](Rule) cancels.
    pub fn cancel(mut self, target: &CancelTarget<S>) -> bool {
        let Some(user_data) = target.user_data_in(self.table) else { return false };
        let entry = Sqe::cancel(user_data);
        if self.rule.is_some_and(|rule| rule.check(std::slice::from_ref(&entry)).is_err()) {
            return false;
        }
        self.fill(entry, cancel_of(user_data)).is_ok()
    }

    /// Commits an operation: from here on its event is the kernel's. Says whether it has been
    /// cancelled already.
    // Always inlined, as is `admit`, for the reason told at `OperationTable::insert`.
    #[inline(always)]
    pub(crate) fn commit(
        mut self,
        operation: OperationShare<S>,
        sqes: &mut Sqes,
    ) -> Result<bool, Uncommitted> {
        if sqes.is_plain() && self.rule.is_none() {
            // By far the usual case: there is nothing more to be looked at.
            if self.capacity() == 0 {
                return Err(Uncommitted::TooFewPlaces);
            }
            sqes.home().check(self.table.ring()).map_err(Uncommitted::Foreign)?;
            let file = EntryFile::of(sqes);
            let (id, cancelled) = self.table.insert(operation, 1, file).ok_or(TooFewPlaces)?;
            self.table.meter_committed(id, sqes.entries());
            if let Some(entry) = sqes.take_only_entry() {
                self.fill(entry, id.user_data(0))?;
            }
            return Ok(cancelled);
        }
        self.commit_special(operation, sqes)
    }

    /// As [`commit`](Reservation::commit), for what a ring may refuse, and for several entries.
    #[inline(never)]
    fn commit_special(
        mut self,
        operation: OperationShare<S>,
        sqes: &mut Sqes,
    ) -> Result<bool, Uncommitted> {
        let steps = sqes.entries().len() as u32;
        if self.capacity() < steps {
            return Err(Uncommitted::TooFewPlaces);
        }
        if let Some(rule) = self.rule {
            rule.check(sqes.entries()).map_err(Uncommitted::Forbidden)?;
        }
        Rule::check_drain(self.rule, sqes).map_err(Uncommitted::Forbidden)?;
        Rule::check_size(sqes).map_err(Uncommitted::Forbidden)?;
        sqes.home().check(self.table.ring()).map_err(Uncommitted::Foreign)?;
        let (id, cancelled) =
            self.table.insert(operation, steps, EntryFile::of(sqes)).ok_or(TooFewPlaces)?;
        sqes.aim(self.table);
        self.table.meter_committed(id, sqes.entries());
        for (step, entry) in sqes.take_entries().enumerate() {
            self.fill(entry, id.user_data(step as u32))?;
        }
        Ok(cancelled)
    }

    /// Commits the operation of a submission, and makes the driver's receipt.
    #[inline(always)]
    pub(crate) fn admit<'cx>(
        self,
        operation: OperationShare<S>,
        sqes: &mut Sqes,
        _cx: &mut Context<'cx>,
    ) -> (Result<bool, Uncommitted>, Completion<'cx>) {
        let committed = self.commit(operation, sqes);
        let receipt = Completion::new(committed.is_ok());
        (committed, receipt)
    }

    #[inline]
    fn fill(&mut self, entry: Sqe, user_data: u64) -> Result<(), TooFewPlaces> {
        let half = if self.places.0.is_empty() { &mut self.places.1 } else { &mut self.places.0 };
        let (place, rest) = std::mem::take(half).split_first_mut().ok_or(TooFewPlaces)?;
        *place = entry;
        place.set_user_data(user_data);
        *half = rest;
        *self.taken = self.taken.wrapping_add(1);
        Ok(())
    }
}
