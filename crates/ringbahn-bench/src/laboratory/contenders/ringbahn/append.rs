//! A log: each record is on the disk before the next is written.

use std::fs::File;
use std::sync::Arc;

use ringbahn::event::{EventExt as _, Fsync, Position, Write};
use ringbahn::{BufResultExt as _, Drive as _, Ring, SharedFd};

use super::Host;
use crate::laboratory::case::Append;
use crate::laboratory::contender::Failure;
use crate::laboratory::meter::Meter;

pub(super) fn run(host: &impl Host, case: &Append, meter: &mut Meter) -> Result<(), Failure> {
    let path = meter.ground().directory().join("log");
    let file = Arc::new(File::create(path)?);
    let shared = SharedFd::new(file.clone());
    let handle = Ring::new_on_driver(file.try_clone()?, host.driver());
    let mut record = vec![7_u8; usize::try_from(case.record)?];
    let mut stopwatch = meter.stopwatch();
    let mut number = 0;
    while meter.goes_on() {
        record = host.block_on(async {
            let mut record = record;
            for _ in 0..case.lap() {
                let offset = number % case.wrap() * case.record;
                number += 1;
                let start = stopwatch.start();
                let (count, written) = if case.chained {
                    let write = Write::new(shared.clone(), record, Position::At(offset));
                    let sync = Fsync::new(shared.clone()).data_only(true);
                    let (written, synced) = host.driver().submit(write.link(sync)).await;
                    let written = written.both()?;
                    synced?;
                    written
                } else {
                    let written = handle.write_at(record, offset).await.both()?;
                    handle.sync_data().await?;
                    written
                };
                stopwatch.stop(start);
                if count as u64 != case.record {
                    return Err("a record was not written whole".into());
                }
                record = written;
            }
            Result::<_, Failure>::Ok(record)
        })?;
        meter.did(case.lap());
        meter.took(&mut stopwatch);
    }
    Ok(())
}
