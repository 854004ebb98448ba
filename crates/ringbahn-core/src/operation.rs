//! An operation in flight.

pub(crate) mod id;
pub(crate) mod table;
