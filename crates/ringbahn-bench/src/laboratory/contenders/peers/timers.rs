//! Timers that wait side by side, each in a task.

use super::library::Timed;
use crate::laboratory::case::Timers;
use crate::laboratory::contender::Failure;
use crate::laboratory::meter::Meter;

pub(super) fn timers<L: Timed>(case: &Timers, meter: &mut Meter) -> Result<(), Failure> {
    L::run_timed(async |library: L| {
        while meter.goes_on() {
            let arm = |number| library.spawn(L::sleep(Timers::duration(number)));
            let tasks: Vec<_> = (0..case.armed).map(arm).collect();
            for task in tasks {
                task.await;
            }
            meter.did(u64::from(case.armed));
        }
        Ok(())
    })
}
