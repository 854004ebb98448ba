//! A whole file read by std, on a thread that may block.

use std::fs;

use super::{Hand, Runtime, hands, lap};
use crate::laboratory::case::ReadWhole;
use crate::laboratory::contender::Failure;
use crate::laboratory::meter::Meter;

pub(crate) fn read_whole<R: Runtime>(case: &ReadWhole, meter: &mut Meter) -> Result<(), Failure> {
    let runtime = R::new()?;
    let path = meter.ground().source(case.length)?;
    let mut hands = hands(meter, 1, |_| path.clone());
    let (length, times) = (case.length, case.lap());
    while meter.goes_on() {
        lap(&runtime, meter, &mut hands, |hand| async move {
            let Hand { mut stopwatch, has: path } = hand;
            for _ in 0..times {
                let start = stopwatch.start();
                let own = path.clone();
                let bytes = R::block(move || fs::read(own)).await??;
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
