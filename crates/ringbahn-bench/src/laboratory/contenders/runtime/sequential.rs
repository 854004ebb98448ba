//! A file from its beginning to its end, each piece by a `pread` or a `pwrite` on a thread that may
//! block.

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::block::{Block, open};
use super::{Hand, Runtime, hands, lap};
use crate::laboratory::case::Sequential;
use crate::laboratory::contender::Failure;
use crate::laboratory::meter::Meter;

/// How many pieces each task moves in a lap.
const LAP: u64 = 8;

pub(crate) fn read_sequential<R: Runtime>(
    case: &Sequential,
    meter: &mut Meter,
) -> Result<(), Failure> {
    let file = open(&meter.ground().file(), false)?;
    let length = meter.ground().length();
    move_pieces::<R>(case, meter, file, length, Block::read)
}

pub(crate) fn write_sequential<R: Runtime>(
    case: &Sequential,
    meter: &mut Meter,
) -> Result<(), Failure> {
    let file = File::create(meter.ground().directory().join("written"))?;
    let length = case.written(meter.ground().length());
    move_pieces::<R>(case, meter, file, length, Block::write)
}

fn move_pieces<R: Runtime>(
    case: &Sequential,
    meter: &mut Meter,
    file: File,
    length: u64,
    move_one: fn(&mut Block, &File, u64) -> io::Result<()>,
) -> Result<(), Failure> {
    let runtime = R::new()?;
    let file = Arc::new(file);
    let piece = case.piece;
    let pieces = length / piece;
    let mut hands = hands(meter, case.depth, |_| Block::new(piece as usize));
    // Each task takes the next piece that nobody has. Its partners are the other tasks, and nothing
    // but the number passes between them.
    let next = Arc::new(AtomicU64::new(0));
    while meter.goes_on() {
        lap(&runtime, meter, &mut hands, |hand| {
            let (file, next) = (file.clone(), next.clone());
            async move {
                let Hand { mut stopwatch, has: mut block } = hand;
                for _ in 0..LAP {
                    let start = stopwatch.start();
                    let position = next.fetch_add(1, Ordering::Relaxed) % pieces * piece;
                    let file = file.clone();
                    let work = move || move_one(&mut block, &file, position).map(|()| block);
                    block = R::block(work).await??;
                    stopwatch.stop(start);
                }
                Ok(Hand { stopwatch, has: block })
            }
        })?;
        meter.did(LAP * u64::from(case.depth));
    }
    Ok(())
}
