//! Reservation (stub; being written).
use crate::{OperationTable, sqe::Sqe};
/// Free places of one submission queue, reserved for one operation.
#[derive(Debug)]
pub struct Reservation<'a> {
    /// .
    pub(crate) table: &'a OperationTable,
    /// .
    pub(crate) places: (&'a mut [Sqe], &'a mut [Sqe]),
    /// .
    pub(crate) taken: &'a mut u32,
}
impl<'a> Reservation<'a> {
    /// The places of `places.0` and then of `places.1`; `*taken` grows (wrapping) by as many as
    /// the operation has filled.
    pub fn new(
        table: &'a OperationTable,
        places: (&'a mut [Sqe], &'a mut [Sqe]),
        taken: &'a mut u32,
    ) -> Reservation<'a> {
        Reservation { table, places, taken }
    }
}
