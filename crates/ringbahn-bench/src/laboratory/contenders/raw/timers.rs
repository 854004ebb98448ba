//! Timers: a heap of them, and the ring's wait is as long as the earliest.
//!
//! An operation of the kernel for each timer is dearer: an entry, a timer of the kernel and a
//! completion, where a heap has an insertion and a removal, and one wait for all that are due.

use super::ring::Ring;
use crate::laboratory::case::Timers;
use crate::laboratory::contender::Failure;
use crate::laboratory::contenders::deadlines;
use crate::laboratory::meter::Meter;

pub(super) fn timers(case: &Timers, meter: &mut Meter) -> Result<(), Failure> {
    let mut ring = Ring::new(8, 16)?;
    deadlines::timers(case, meter, |time| Ok(ring.wait_for(time)?))
}
