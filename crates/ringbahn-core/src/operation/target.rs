//! [`CancelTarget`]: an operation, as one who would cancel it sees it.

use std::fmt;
use std::sync::Arc;

use super::Operation;
use super::table::OperationTable;
use crate::cancelling::Watch;
use crate::sharing::{OperationShare, Shared, Sharing};

/// An operation in flight that somebody wants cancelled.
///
/// It names the operation and not a place in a table, so it can never hit another operation that
/// has come to the same place since. Keeping one keeps the operation's memory, and nothing else,
/// alive.
pub struct CancelTarget<S: Sharing = Shared> {
    operation: OperationShare<S>,
}

impl<S: Sharing> CancelTarget<S> {
    pub(crate) fn new(operation: OperationShare<S>) -> CancelTarget<S> {
        CancelTarget { operation }
    }

    /// Whether the operation is in flight, as far as one can tell: it may end at any moment.
    pub fn is_in_flight(&self) -> bool {
        self.operation.header().next_step().is_some()
    }

    /// Whether the operation is, or was last, in the ring of `table`: for a driver of several
    /// rings, which has to cancel it where it was submitted.
    pub fn is_of<T: Sharing>(&self, table: &OperationTable<T>) -> bool {
        self.operation.header().is_in(table)
    }

    /// The `user_data` that a cancel in the ring of `table` is to aim at now: that of the first
    /// entry that still runs. `None` where the operation is not, or not any more, in that ring.
    ///
    /// It is a number, for a cancel that does not come by an entry.
    pub fn user_data_in<T: Sharing>(&self, table: &OperationTable<T>) -> Option<u64> {
        let header = self.operation.header();
        if header.is_in(table) { header.next_step() } else { None }
    }

    /// Marks the operation as one whose end has been asked for, so that it is not repeated when
    /// it ends cancelled. Says whether a cancel is to be submitted: not where one has been.
    pub(crate) fn mark(&self) -> bool {
        self.operation.header().cell.cancel()
    }

    /// Marks the operation as [`mark`](CancelTarget::mark) does. Where a cancel is to be submitted,
    /// `watch` will be told how the operation has ended.
    pub(crate) fn mark_watched(&self, watch: &Arc<Watch>) -> bool {
        self.operation.header().cell.cancel_watched(watch)
    }

    /// Leaves the operation out of what is counted.
    pub(crate) fn disregard(&self) {
        self.operation.header().disregard();
    }

    /// Tells the operation that it may end cancelled by somebody's event, so that it is not
    /// repeated then. A later drop of its future still asks the driver for a cancel.
    pub(crate) fn forewarn(&self) {
        self.operation.header().cell.forewarn();
    }
}

impl<S: Sharing> Clone for CancelTarget<S> {
    fn clone(&self) -> CancelTarget<S> {
        CancelTarget { operation: self.operation.clone() }
    }
}

impl<S: Sharing> fmt::Debug for CancelTarget<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancelTarget").field("in_flight", &self.is_in_flight()).finish()
    }
}
