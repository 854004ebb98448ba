//! [`CancelTarget`]: an operation, as one who would cancel it sees it.

use std::fmt;
use std::sync::Arc;

use super::Operation;

/// An operation in flight that somebody wants cancelled.
///
/// It names the operation and not a place in a table, so it can never hit another operation that
/// has come to the same place since. Keeping one keeps the operation's memory, and nothing else,
/// alive.
#[derive(Clone)]
pub struct CancelTarget {
    operation: Arc<dyn Operation>,
}

impl CancelTarget {
    pub(crate) fn new(operation: Arc<dyn Operation>) -> CancelTarget {
        CancelTarget { operation }
    }

    /// Whether the operation is in flight, as far as one can tell: it may end at any moment.
    pub fn is_in_flight(&self) -> bool {
        self.user_data().is_some()
    }

    /// The `user_data` a cancel is to aim at now: that of the first entry that still runs.
    pub(crate) fn user_data(&self) -> Option<u64> {
        self.operation.header().next_step()
    }

    /// Marks the operation as one whose end has been asked for, so that it is not repeated when
    /// it ends cancelled. Says whether a cancel is to be submitted: not where one has been.
    pub(crate) fn mark(&self) -> bool {
        self.operation.header().cell.cancel()
    }
}

impl fmt::Debug for CancelTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancelTarget").field("user_data", &self.user_data()).finish()
    }
}
