//! [`Report`]: what became of the operations of a driver that was shut down.

use std::iter::Sum;

/// What became of the operations that were in flight when a driver was shut down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Ran to their end.
    pub completed: u64,
    /// Were stopped before they had done anything; of a chain, before its last part had.
    pub cancelled: u64,
    /// Are still the kernel's. Their memory and files are leaked unless the kernel gives them
    /// back later; their futures stay pending.
    pub leaked: u64,
}

/// What became of the operations of several rings.
impl Sum for Report {
    fn sum<I: Iterator<Item = Report>>(rings: I) -> Report {
        rings.fold(Report::default(), |sum, ring| Report {
            completed: sum.completed + ring.completed,
            cancelled: sum.cancelled + ring.cancelled,
            leaked: sum.leaked + ring.leaked,
        })
    }
}

/// Says aloud that so many operations are left to the kernel.
pub(crate) fn announce_leak(in_flight: usize) {
    use std::io::Write;
    crate::trace::leaks(in_flight);
    // Unlike `eprintln!` it does not panic where nobody listens.
    let _ = writeln!(
        std::io::stderr(),
        "ringbahn: the kernel has kept {in_flight} operations past the deadline of the \
         driver's shutdown; their memory and files are leaked until it gives them back"
    );
}
