//! [`Report`]: what became of the operations of a driver that was shut down.

/// What became of the operations that were in flight when a driver was shut down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Ran to their end.
    pub completed: u64,
    /// Were stopped before they had done anything; of a chain, before its last part had.
    pub cancelled: u64,
    /// Are still the kernel's. Their memory and files are leaked unless the kernel gives them back
    /// later; their futures stay pending.
    pub leaked: u64,
}
