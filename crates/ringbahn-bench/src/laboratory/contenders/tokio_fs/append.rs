//! Records at the end of a log, each followed by `sync_data`, which waits for the write first.

use std::io::SeekFrom;

use tokio::fs::File;
use tokio::io::{AsyncSeekExt as _, AsyncWriteExt as _};

use crate::laboratory::case::Append;
use crate::laboratory::contender::Failure;
use crate::laboratory::contenders::runtime::{Hand, Runtime, lap};
use crate::laboratory::contenders::tokio::OneThread;
use crate::laboratory::meter::Meter;

pub(super) fn append(case: &Append, meter: &mut Meter) -> Result<(), Failure> {
    let runtime = OneThread::new()?;
    let log = File::from_std(std::fs::File::create(meter.ground().directory().join("log"))?);
    let has = (log, vec![1; case.record as usize], 0);
    let mut hands = vec![Hand { stopwatch: meter.stopwatch(), has }];
    let (records, wrap) = (case.lap(), case.wrap());
    while meter.goes_on() {
        lap(&runtime, meter, &mut hands, |hand| async move {
            let Hand { mut stopwatch, has: (mut log, record, mut number) } = hand;
            for _ in 0..records {
                let start = stopwatch.start();
                if number == wrap {
                    log.seek(SeekFrom::Start(0)).await?;
                    number = 0;
                }
                log.write_all(&record).await?;
                log.sync_data().await?;
                stopwatch.stop(start);
                number += 1;
            }
            Ok(Hand { stopwatch, has: (log, record, number) })
        })?;
        meter.did(records);
    }
    Ok(())
}
