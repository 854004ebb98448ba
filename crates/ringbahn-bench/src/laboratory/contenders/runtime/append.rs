//! Records at the end of a log, by a `pwrite` and an `fdatasync` on threads that may block.
//!
//! Linked means here that one thread is handed both calls at once. Else the task hears of the first
//! before it asks for the second.

use std::fs::File;
use std::sync::Arc;

use super::block::Block;
use super::{Hand, Runtime, hands, lap};
use crate::laboratory::case::Append;
use crate::laboratory::contender::Failure;
use crate::laboratory::meter::Meter;

pub(crate) fn append<R: Runtime>(case: &Append, meter: &mut Meter) -> Result<(), Failure> {
    let runtime = R::new()?;
    let file = Arc::new(File::create(meter.ground().directory().join("log"))?);
    let mut hands = hands(meter, 1, |_| (Block::new(case.record as usize), 0));
    let Append { chained, record } = *case;
    let (records, wrap) = (case.lap(), case.wrap());
    while meter.goes_on() {
        lap(&runtime, meter, &mut hands, |hand| {
            let file = file.clone();
            async move {
                let Hand { mut stopwatch, has: (mut block, mut number) } = hand;
                for _ in 0..records {
                    let start = stopwatch.start();
                    block = append_one::<R>(&file, block, number % wrap * record, chained).await?;
                    stopwatch.stop(start);
                    number += 1;
                }
                Ok(Hand { stopwatch, has: (block, number) })
            }
        })?;
        meter.did(records);
    }
    Ok(())
}

async fn append_one<R: Runtime>(
    file: &Arc<File>,
    mut block: Block,
    position: u64,
    chained: bool,
) -> Result<Block, Failure> {
    let own = file.clone();
    let write = move || block.write(&own, position).map(|()| block);
    let own = file.clone();
    let sync = move || own.sync_data();
    if chained {
        return Ok(R::block(move || write().and_then(|block| sync().map(|()| block))).await??);
    }
    let block = R::block(write).await??;
    R::block(sync).await??;
    Ok(block)
}
