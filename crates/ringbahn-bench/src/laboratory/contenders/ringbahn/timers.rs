//! Timers, a task for each.

use std::future::Future;

use ringbahn::Drive;
use ringbahn::time::Timers;

use super::{DriverOf, Spawn, together};
use crate::laboratory::case;
use crate::laboratory::contender::Failure;
use crate::laboratory::meter::Meter;

pub(super) fn run<H, F>(
    host: &H,
    case: &case::Timers,
    meter: &mut Meter,
    task: impl Fn(Timers<DriverOf<H>>, u32) -> F,
) -> Result<(), Failure>
where
    H: Spawn<F>,
    F: Future<Output = Result<(), Failure>>,
{
    let timers = Timers::on(host.driver());
    while meter.goes_on() {
        together(host, (0..case.armed).map(|number| task(timers.clone(), number)))?;
        meter.did(case.armed.into());
    }
    Ok(())
}

/// Waits for as long as the timer of this number does.
pub(super) async fn timer<D: Drive + Clone>(timers: Timers<D>, number: u32) -> Result<(), Failure> {
    Ok(timers.sleep(case::Timers::duration(number)).await?)
}
