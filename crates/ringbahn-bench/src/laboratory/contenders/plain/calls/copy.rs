//! A copy of a file, which the kernel makes by itself.

use std::fs::File;

use rustix::fs::copy_file_range;

use crate::laboratory::case::Copy;
use crate::laboratory::contender::Failure;
use crate::laboratory::meter::Meter;

pub(super) fn copy(case: &Copy, meter: &mut Meter) -> Result<(), Failure> {
    let source = File::open(meter.ground().source(case.length)?)?;
    let copy = meter.ground().directory().join("copy");
    let mut stopwatch = meter.stopwatch();
    while meter.goes_on() {
        let start = stopwatch.start();
        let target = File::create(&copy)?;
        let (mut from, mut to) = (0, 0);
        while from < case.length {
            let left = usize::try_from(case.length - from)?;
            if copy_file_range(&source, Some(&mut from), &target, Some(&mut to), left)? == 0 {
                return Err("the file is shorter than it was".into());
            }
        }
        stopwatch.stop(start);
        meter.did(1);
        meter.took(&mut stopwatch);
    }
    Ok(std::fs::remove_file(copy)?)
}
