//! The operation table (stub; being written).
#![allow(unsafe_code)]
use crate::cqe::Cqe;

/// The operations in flight on one ring.
#[derive(Debug, Default)]
pub struct OperationTable {}

/// What a CQE turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Matched {
    /// It belongs to an operation, which has not ended with it.
    Progress,
    /// It ended its operation.
    Finished,
    /// It answers one of the ring's own cancels.
    Cancel,
    /// It belongs to nothing in flight: unknown, stale or a duplicate. It was ignored.
    Unknown,
}

/// The consequences of a batch of CQEs.
#[derive(Debug, Default)]
pub struct Batch {}

impl OperationTable {
    /// An empty table.
    pub fn new() -> OperationTable {
        OperationTable::default()
    }
    /// How many operations are in flight.
    pub fn in_flight(&self) -> usize {
        0
    }
    /// Notes a CQE.
    /// # Safety
    /// `cqe` was posted by the executor of this table's entries, once, in order.
    pub unsafe fn note(&self, _cqe: Cqe, _batch: &mut Batch) -> Matched {
        Matched::Unknown
    }
}
