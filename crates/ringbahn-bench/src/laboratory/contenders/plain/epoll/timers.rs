//! Timers: a heap of them, and the wait for events is as long as the earliest.
//!
//! `epoll_wait` counts milliseconds, so that those due within one share a return: cheaper than
//! waits to the microsecond, and less exact.

use super::set::Set;
use crate::laboratory::case::Timers;
use crate::laboratory::contender::Failure;
use crate::laboratory::contenders::deadlines;
use crate::laboratory::meter::Meter;

pub(super) fn timers(case: &Timers, meter: &mut Meter) -> Result<(), Failure> {
    let mut set = Set::new()?;
    deadlines::timers(case, meter, |time| Ok(set.wait(Some(time)).map(drop)?))
}
