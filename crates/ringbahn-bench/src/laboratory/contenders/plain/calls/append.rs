//! Records of a log, each safe on the disk before the next is written.

use std::fs::File;
use std::io::IoSlice;

use rustix::io::{ReadWriteFlags, pwrite, pwritev2};

use crate::laboratory::case::Append;
use crate::laboratory::contender::Failure;
use crate::laboratory::contenders::files::Round;
use crate::laboratory::meter::Meter;

pub(super) fn append(case: &Append, meter: &mut Meter) -> Result<(), Failure> {
    let path = meter.ground().directory().join("log");
    let file = File::create(&path)?;
    let record = vec![0; usize::try_from(case.record)?];
    let mut places = Round::new(case.record, case.wrap() * case.record);
    let mut stopwatch = meter.stopwatch();
    while meter.goes_on() {
        for _ in 0..case.lap() {
            let start = stopwatch.start();
            let written = if case.chained {
                // One call that does both: what a chain is to a ring.
                let record = [IoSlice::new(&record)];
                pwritev2(&file, &record, places.next(), ReadWriteFlags::DSYNC)?
            } else {
                let written = pwrite(&file, &record, places.next())?;
                rustix::fs::fdatasync(&file)?;
                written
            };
            if written != record.len() {
                return Err("a record was cut short".into());
            }
            stopwatch.stop(start);
        }
        meter.did(case.lap());
        meter.took(&mut stopwatch);
    }
    Ok(std::fs::remove_file(path)?)
}
