//! A file that is copied by what the library has for it.

use ringbahn::fs::Dir;

use super::Host;
use crate::laboratory::case::Copy;
use crate::laboratory::contender::Failure;
use crate::laboratory::meter::Meter;

pub(super) fn run(host: &impl Host, case: &Copy, meter: &mut Meter) -> Result<(), Failure> {
    let from = meter.ground().source(case.length)?;
    let to = meter.ground().directory().join("copy");
    let directory = Dir::current_on_driver(host.driver());
    let mut stopwatch = meter.stopwatch();
    while meter.goes_on() {
        let start = stopwatch.start();
        let copied = host.block_on(directory.copy(&from, &to))?;
        stopwatch.stop(start);
        if copied != case.length {
            return Err("the copy is not whole".into());
        }
        meter.did(1);
        meter.took(&mut stopwatch);
    }
    Ok(())
}
