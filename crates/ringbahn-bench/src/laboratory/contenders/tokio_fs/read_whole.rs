//! A whole file read by `tokio::fs::read`.

use crate::laboratory::case::ReadWhole;
use crate::laboratory::contender::Failure;
use crate::laboratory::contenders::runtime::{Hand, Runtime, hands, lap};
use crate::laboratory::contenders::tokio::OneThread;
use crate::laboratory::meter::Meter;

pub(super) fn read_whole(case: &ReadWhole, meter: &mut Meter) -> Result<(), Failure> {
    let runtime = OneThread::new()?;
    let path = meter.ground().source(case.length)?;
    let mut hands = hands(meter, 1, |_| path.clone());
    let (length, times) = (case.length, case.lap());
    while meter.goes_on() {
        lap(&runtime, meter, &mut hands, |hand| async move {
            let Hand { mut stopwatch, has: path } = hand;
            for _ in 0..times {
                let start = stopwatch.start();
                let bytes = tokio::fs::read(&path).await?;
                stopwatch.stop(start);
                if bytes.len() as u64 != length {
                    return Err("not all of the file was read".into());
                }
            }
            Ok(Hand { stopwatch, has: path })
        })?;
        meter.did(times);
    }
    Ok(())
}
