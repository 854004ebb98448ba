//! A file is read or written from its beginning to its end, piece by piece.

use std::io::{Read as _, Seek as _, Write as _};

use crate::laboratory::case::Sequential;
use crate::laboratory::contender::Failure;
use crate::laboratory::contenders::files::{self, Round};
use crate::laboratory::contenders::memory;
use crate::laboratory::meter::Meter;

pub(super) fn read(case: &Sequential, meter: &mut Meter) -> Result<(), Failure> {
    let mut file = files::to_read(meter.ground(), false)?;
    let length = meter.ground().length();
    let piece = memory::pages(usize::try_from(case.piece)?);
    go(case, length, meter, |is_first| {
        if is_first {
            file.rewind()?;
        }
        Ok(file.read(piece)?)
    })
}

pub(super) fn write(case: &Sequential, meter: &mut Meter) -> Result<(), Failure> {
    let length = case.written(meter.ground().length());
    let mut file = meter.ground().target(length)?;
    let piece = memory::pages(usize::try_from(case.piece)?);
    go(case, length, meter, |is_first| {
        if is_first {
            file.rewind()?;
        }
        Ok(file.write(piece)?)
    })
}

/// Moves piece after piece by `step`, which is told whether it is the first of the file.
fn go(
    case: &Sequential,
    length: u64,
    meter: &mut Meter,
    mut step: impl FnMut(bool) -> Result<usize, Failure>,
) -> Result<(), Failure> {
    let mut round = Round::new(case.piece, length);
    let mut stopwatch = meter.stopwatch();
    while meter.goes_on() {
        for _ in 0..case.lap() {
            let start = stopwatch.start();
            if step(round.next() == 0)? as u64 != case.piece {
                return Err("a call has moved too little".into());
            }
            stopwatch.stop(start);
        }
        meter.did(case.lap());
        meter.took(&mut stopwatch);
    }
    Ok(())
}
