//! Blocks read at random, each by a `pread` on a thread that may block.

use std::sync::Arc;

use super::block::{Block, open};
use super::{Hand, Runtime, hands, lap};
use crate::laboratory::case::{BLOCK, ReadRandom};
use crate::laboratory::contender::Failure;
use crate::laboratory::ground::Places;
use crate::laboratory::meter::Meter;

pub(crate) fn read_random<R: Runtime>(case: &ReadRandom, meter: &mut Meter) -> Result<(), Failure> {
    let runtime = R::new()?;
    let file = Arc::new(open(&meter.ground().file(), case.direct)?);
    let length = meter.ground().length();
    let mut hands = hands(meter, case.depth, |number| {
        (Block::new(BLOCK as usize), Places::new(length, BLOCK, number.into()))
    });
    let blocks = case.lap();
    while meter.goes_on() {
        lap(&runtime, meter, &mut hands, |hand| {
            let file = file.clone();
            async move {
                let Hand { mut stopwatch, has: (mut block, mut places) } = hand;
                for _ in 0..blocks {
                    let start = stopwatch.start();
                    let (file, place) = (file.clone(), places.draw());
                    block = R::block(move || block.read(&file, place).map(|()| block)).await??;
                    stopwatch.stop(start);
                }
                Ok(Hand { stopwatch, has: (block, places) })
            }
        })?;
        meter.did(blocks * u64::from(case.depth));
    }
    Ok(())
}
