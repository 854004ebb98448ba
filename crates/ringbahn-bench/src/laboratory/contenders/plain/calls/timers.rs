//! Timers: a heap of them, and a thread that sleeps until the earliest.

use std::thread;

use crate::laboratory::case::Timers;
use crate::laboratory::contender::Failure;
use crate::laboratory::contenders::deadlines;
use crate::laboratory::meter::Meter;

pub(super) fn timers(case: &Timers, meter: &mut Meter) -> Result<(), Failure> {
    deadlines::timers(case, meter, |time| {
        thread::sleep(time);
        Ok(())
    })
}
