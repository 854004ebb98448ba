//! Records of a log: each is written, and then on the disk, before the next is.

use std::fs;

use super::library::{Access, Library, PeerFile, whole};
use crate::laboratory::case::Append;
use crate::laboratory::contender::Failure;
use crate::laboratory::meter::Meter;

pub(super) fn append<L: Library>(case: &Append, meter: &mut Meter) -> Result<(), Failure> {
    let path = meter.ground().directory().join("log");
    let mut stopwatch = meter.stopwatch();
    L::run(async |library: L| {
        let file = library.open(&path, Access::Log).await?;
        let mut buffer = file.buffer(case.record as usize);
        let mut records = 0;
        while meter.goes_on() {
            for _ in 0..case.lap() {
                let position = records % case.wrap() * case.record;
                let start = stopwatch.start();
                let (written, record) = file.write(buffer, position).await?;
                whole(written, case.record as usize)?;
                file.sync_data().await?;
                stopwatch.stop(start);
                buffer = record;
                records += 1;
            }
            meter.took(&mut stopwatch);
            meter.did(case.lap());
        }
        Ok(())
    })?;
    Ok(fs::remove_file(path)?)
}
