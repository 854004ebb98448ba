//! A copy of a file: sixteen pieces at a time, each a read and a write that are linked.
//!
//! # Safety
//!
//! RC1. Each piece has one read at a time, and the write that follows upon it: others begin when
//!      the write has ended.
#![allow(unsafe_code)]

use std::fs::File;

use io_uring::squeue::Flags;

use super::pieces::Pieces;
use super::ring::result;
use crate::laboratory::case::Copy;
use crate::laboratory::contender::Failure;
use crate::laboratory::meter::Meter;

/// How many pieces are on their way at a time.
const DEPTH: u32 = 16;
/// How long each is, in bytes.
const PIECE: u64 = 256 << 10;

pub(super) fn copy(case: &Copy, meter: &mut Meter) -> Result<(), Failure> {
    let source = File::open(meter.ground().source(case.length)?)?;
    let copy = meter.ground().directory().join("copy");
    // The ring is made once, and the file that it writes to put into its place for each copy.
    let target = File::create(&copy)?;
    let mut pieces = Pieces::new(&[&source, &target], DEPTH, PIECE)?;
    drop(target);
    let mut stopwatch = meter.stopwatch();
    while meter.goes_on() {
        let start = stopwatch.start();
        let target = File::create(&copy)?;
        pieces.replace(1, &target)?;
        copy_once(&mut pieces, case.length)?;
        stopwatch.stop(start);
        meter.did(1);
        meter.took(&mut stopwatch);
    }
    Ok(std::fs::remove_file(copy)?)
}

fn copy_once(pieces: &mut Pieces, length: u64) -> Result<(), Failure> {
    let mut completions = Vec::with_capacity(512);
    let mut begun = 0;
    let mut in_flight = 0;
    let mut lengths = [0; DEPTH as usize];
    for (piece, part) in lengths.iter_mut().enumerate() {
        if begun < length {
            *part = begin(pieces, piece, begun, length)?;
            begun += u64::from(*part);
            in_flight += 1;
        }
    }
    while in_flight > 0 {
        pieces.wait(&mut completions)?;
        for cqe in completions.drain(..) {
            let piece = cqe.user_data() as usize;
            if result(&cqe)? != lengths[piece] {
                return Err("a piece was not copied as a whole".into());
            }
            in_flight -= 1;
            if begun < length {
                lengths[piece] = begin(pieces, piece, begun, length)?;
                begun += u64::from(lengths[piece]);
                in_flight += 1;
            }
        }
    }
    Ok(())
}

/// Begins with the piece at `place`, and yields how long it is. There is one completion: that of
/// the write, or that of a read which has failed or was too short.
fn begin(pieces: &mut Pieces, piece: usize, place: u64, length: u64) -> Result<u32, Failure> {
    let part = (length - place).min(PIECE) as u32;
    let read = pieces.read(0, piece, part, place).flags(Flags::IO_LINK | Flags::SKIP_SUCCESS);
    let write = pieces.write(1, piece, part, place);
    // SAFETY: RC1.
    unsafe { pieces.push(&[read, write]) }?;
    Ok(part)
}
