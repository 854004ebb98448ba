//! Blocks read at random, by as many open files as are read from at a time.

use std::io::SeekFrom;

use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};

use crate::laboratory::case::{BLOCK, ReadRandom};
use crate::laboratory::contender::Failure;
use crate::laboratory::contenders::runtime::block::open;
use crate::laboratory::contenders::runtime::{Hand, Runtime, lap};
use crate::laboratory::contenders::tokio::OneThread;
use crate::laboratory::ground::Places;
use crate::laboratory::meter::Meter;

pub(super) fn read_random(case: &ReadRandom, meter: &mut Meter) -> Result<(), Failure> {
    let runtime = OneThread::new()?;
    let length = meter.ground().length();
    let mut hands = Vec::new();
    for number in 0..case.depth {
        let file = File::from_std(open(&meter.ground().file(), case.direct)?);
        let places = Places::new(length, BLOCK, number.into());
        let has = (file, vec![0; BLOCK as usize], places);
        hands.push(Hand { stopwatch: meter.stopwatch(), has });
    }
    let blocks = case.lap();
    while meter.goes_on() {
        lap(&runtime, meter, &mut hands, |hand| async move {
            let Hand { mut stopwatch, has: (mut file, mut block, mut places) } = hand;
            for _ in 0..blocks {
                let start = stopwatch.start();
                file.seek(SeekFrom::Start(places.draw())).await?;
                file.read_exact(&mut block).await?;
                stopwatch.stop(start);
            }
            Ok(Hand { stopwatch, has: (file, block, places) })
        })?;
        meter.did(blocks * u64::from(case.depth));
    }
    Ok(())
}
