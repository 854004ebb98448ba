//! A whole file copied by `tokio::fs::copy`.

use crate::laboratory::case::Copy;
use crate::laboratory::contender::Failure;
use crate::laboratory::contenders::runtime::{Hand, Runtime, hands, lap};
use crate::laboratory::contenders::tokio::OneThread;
use crate::laboratory::meter::Meter;

pub(super) fn copy(case: &Copy, meter: &mut Meter) -> Result<(), Failure> {
    let runtime = OneThread::new()?;
    let paths = (meter.ground().source(case.length)?, meter.ground().directory().join("copied"));
    let mut hands = hands(meter, 1, |_| paths.clone());
    let length = case.length;
    while meter.goes_on() {
        lap(&runtime, meter, &mut hands, |hand| async move {
            let Hand { mut stopwatch, has: (from, to) } = hand;
            let start = stopwatch.start();
            let copied = tokio::fs::copy(&from, &to).await?;
            stopwatch.stop(start);
            if copied != length {
                return Err("the copy is not as long as the file".into());
            }
            Ok(Hand { stopwatch, has: (from, to) })
        })?;
        meter.did(1);
    }
    Ok(())
}
