//! Reads at random, through a registered file into registered buffers.
//!
//! # Safety
//!
//! RQ1. Each piece has one read at a time: another begins when it has ended.
#![allow(unsafe_code)]

use std::fs::File;
use std::time::Instant;

use super::pieces::Pieces;
use super::ring::result;
use crate::laboratory::case::{BLOCK, ReadRandom};
use crate::laboratory::contender::Failure;
use crate::laboratory::contenders::files;
use crate::laboratory::ground::Places;
use crate::laboratory::meter::{Meter, Stopwatch};

struct Reader {
    pieces: Pieces,
    /// Where each piece is read from next.
    places: Vec<Places>,
    starts: Vec<Option<Instant>>,
    stopwatch: Stopwatch,
}

pub(super) fn read_random(case: &ReadRandom, meter: &mut Meter) -> Result<(), Failure> {
    let file: File = files::to_read(meter.ground(), case.direct)?;
    let depth = case.depth as usize;
    let length = meter.ground().length();
    let mut reader = Reader {
        pieces: Pieces::new(&[&file], case.depth, BLOCK)?,
        places: (0..depth).map(|seed| Places::new(length, BLOCK, seed as u64)).collect(),
        starts: vec![None; depth],
        stopwatch: meter.stopwatch(),
    };
    let mut completions = Vec::with_capacity(512);
    while meter.goes_on() {
        let all = case.lap() * u64::from(case.depth);
        let mut to_begin = all;
        let mut in_flight = 0;
        for piece in 0..depth {
            reader.begin(piece)?;
            to_begin -= 1;
            in_flight += 1;
        }
        while in_flight > 0 {
            reader.pieces.wait(&mut completions)?;
            for cqe in completions.drain(..) {
                let piece = cqe.user_data() as usize;
                if result(&cqe)? != BLOCK as u32 {
                    return Err("a read is too short".into());
                }
                reader.stopwatch.stop(reader.starts[piece]);
                in_flight -= 1;
                if to_begin > 0 {
                    reader.begin(piece)?;
                    to_begin -= 1;
                    in_flight += 1;
                }
            }
        }
        meter.did(all);
        meter.took(&mut reader.stopwatch);
    }
    Ok(())
}

impl Reader {
    fn begin(&mut self, piece: usize) -> Result<(), Failure> {
        self.starts[piece] = self.stopwatch.start();
        let place = self.places[piece].draw();
        let entry = self.pieces.read(0, piece, BLOCK as u32, place);
        // SAFETY: RQ1.
        Ok(unsafe { self.pieces.push(&[entry]) }?)
    }
}
