//! Small files, read from open to close.

use ringbahn::fs;

use super::Host;
use crate::laboratory::case::ReadWhole;
use crate::laboratory::contender::Failure;
use crate::laboratory::meter::Meter;

pub(super) fn run(host: &impl Host, case: &ReadWhole, meter: &mut Meter) -> Result<(), Failure> {
    let path = meter.ground().source(case.length)?;
    let mut stopwatch = meter.stopwatch();
    while meter.goes_on() {
        host.block_on(async {
            for _ in 0..case.lap() {
                let start = stopwatch.start();
                let contents = fs::read_on_driver(&path, host.driver()).await?;
                stopwatch.stop(start);
                if contents.len() as u64 != case.length {
                    return Err("a file was not read whole".into());
                }
            }
            Result::<(), Failure>::Ok(())
        })?;
        meter.did(case.lap());
        meter.took(&mut stopwatch);
    }
    Ok(())
}
