//! [`Header`]: the part of a record that is the same for every event.

use std::task::Waker;

use super::id::{OperationId, step_of};
use super::repeats::Repeats;
use super::table::OperationTable;
use crate::completion::cell::Cell;
use crate::cqe::Cqe;
use crate::sharing::{Sharing, Word};
use crate::sqe::SQES_PER_EVENT_MAX;
use crate::sync::Ordering;

/// The `user_data` of an operation that no ring knows of; never that of one in a table, since
/// the mark of a ring's own entries is set in it.
const NOWHERE: u64 = u64::MAX;

/// How an operation is counted of which nothing has been said.
const AS_NOTHING: u64 = 0;

/// How an operation is counted that its driver wants left out.
const NOT_AT_ALL: u64 = u64::MAX;

/// The part of a record that is the same for every event.
pub struct Header<S: Sharing> {
    pub(crate) cell: Cell<S>,
    /// The `user_data` of the first entry while the operation is in a table.
    ///
    /// Stored by the table, under its lock; read by those who would cancel. The order that
    /// matters is told at [`Header::enter`].
    user_data: S::Word,
    /// The number of the table that it is or was in.
    table: S::Word,
    /// The steps that have not had their last CQE: bit *n* is step *n*.
    pending: S::Word,
    /// What it is counted as where that is done: 1 and the opcode of its first entry, or one of
    /// the two constants. Changed under the table's lock; relaxed, since it guards nothing.
    counted_as: S::Word,
    /// How many entries the event asked for.
    steps: u32,
    /// After which ends the event is to be asked whether it goes round again.
    repeats: Repeats,
}

impl<S: Sharing> Header<S> {
    pub(super) fn new(unread_max: u32, steps: u32, repeats: Repeats) -> Header<S> {
        Header {
            cell: Cell::new(unread_max),
            user_data: S::Word::new(NOWHERE),
            table: S::Word::new(0),
            pending: S::Word::new(0),
            counted_as: S::Word::new(AS_NOTHING),
            steps,
            repeats,
        }
    }

    /// The operation is one that no ring knows of, since the record serves another one now.
    #[inline]
    pub(super) fn leave(&mut self, steps: u32, repeats: Repeats) {
        self.steps = steps;
        self.repeats = repeats;
        // Relaxed: nobody else has the record.
        self.user_data.store(NOWHERE, Ordering::Relaxed);
        self.pending.store(0, Ordering::Relaxed);
        self.counted_as.store(AS_NOTHING, Ordering::Relaxed);
    }

    /// How many entries the event asked for.
    #[inline]
    pub(super) fn steps(&self) -> u32 {
        self.steps
    }

    /// The operation enters a table, with `steps` entries. Whoever commits it once more must look
    /// after that whether it has been cancelled meanwhile, and then ask for the cancel.
    ///
    /// Cancelling goes the other way round: first the cell is told, then `user_data` is read. The
    /// cell's lock orders the two, so one of them sees the other.
    #[inline]
    pub(crate) fn enter(&self, table: &OperationTable<S>, user_data: u64, steps: u32) {
        // Relaxed: the table's lock orders the changes, the cell's lock the reads that matter.
        self.table.store(table.ring().number(), Ordering::Relaxed);
        self.pending.store(u64::MAX >> (64 - steps), Ordering::Relaxed);
        self.user_data.store(user_data, Ordering::Release); // Acquire in `next_step`.
    }

    /// The operation is counted, as one of `opcode`. `false` where its driver wants it left out.
    pub(crate) fn count_as(&self, opcode: u8) -> bool {
        let counted = self.counted_as.load(Ordering::Relaxed) != NOT_AT_ALL;
        if counted {
            self.counted_as.store(1 + u64::from(opcode), Ordering::Relaxed);
        }
        counted
    }

    /// The operation is not to be counted, in none of its rounds.
    pub(crate) fn disregard(&self) {
        self.counted_as.store(NOT_AT_ALL, Ordering::Relaxed);
    }

    /// The opcode that the operation was last counted as one of.
    pub(crate) fn counted_as(&self) -> Option<u8> {
        self.counted_as.load(Ordering::Relaxed).checked_sub(1)?.try_into().ok()
    }

    /// Whether the operation is, or was last, in `table`.
    pub(crate) fn is_in<T: Sharing>(&self, table: &OperationTable<T>) -> bool {
        self.table.load(Ordering::Relaxed) == table.ring().number()
    }

    /// Notes the last CQE of the step that `user_data` names. Called under the table's lock.
    pub(crate) fn end_step(&self, user_data: u64) -> StepEnd {
        let step = 1 << step_of(user_data);
        let pending = self.pending.load(Ordering::Relaxed);
        if pending & step == 0 {
            return StepEnd::Stale;
        }
        self.pending.store(pending & !step, Ordering::Relaxed);
        if pending != step {
            return StepEnd::OthersPending;
        }
        self.user_data.store(NOWHERE, Ordering::Release); // Acquire in `next_step`.
        StepEnd::AllEnded
    }

    /// The last CQE came. Ends the operation where that runs no foreign code: its future waits, and
    /// it could not want to go round again. Yields the future's waker, if it has left one; `None`
    /// where the operation is to be [ended](super::Operation::end).
    #[inline]
    pub(super) fn finish(&self, last: &Cqe) -> Option<Option<Waker>> {
        if self.repeats.could_follow(last) { None } else { self.cell.finish(last) }
    }

    /// Whether the step that `user_data` names still runs. Called under the table's lock.
    pub(crate) fn is_step_pending(&self, user_data: u64) -> bool {
        self.pending.load(Ordering::Relaxed) & 1 << step_of(user_data) != 0
    }

    /// The `user_data` of the first entry that still runs: what a cancel is to aim at.
    ///
    /// A moment later it may have ended; a cancel then finds nothing, or the entry after it.
    pub(crate) fn next_step(&self) -> Option<u64> {
        let first = self.user_data.load(Ordering::Acquire); // Release in `enter`, `end_step`.
        if first == NOWHERE {
            return None;
        }
        let pending = self.pending.load(Ordering::Relaxed);
        let step = pending.trailing_zeros().min(SQES_PER_EVENT_MAX - 1);
        Some(OperationId::of(first).user_data(step))
    }
}

/// What the last CQE of a step means for its operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StepEnd {
    /// The step had ended before.
    Stale,
    /// Other steps still run.
    OthersPending,
    /// The operation has ended.
    AllEnded,
}
