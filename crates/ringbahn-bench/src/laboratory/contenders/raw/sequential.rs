//! A file is read or written from its beginning to its end, through registered buffers.
//!
//! # Safety
//!
//! RS1. Each piece has one operation at a time: another begins when it has ended.
#![allow(unsafe_code)]

use std::time::Instant;

use super::pieces::Pieces;
use super::ring::result;
use crate::laboratory::case::Sequential;
use crate::laboratory::contender::Failure;
use crate::laboratory::contenders::files::{self, Round};
use crate::laboratory::meter::{Meter, Stopwatch};

pub(super) fn read(case: &Sequential, meter: &mut Meter) -> Result<(), Failure> {
    let file = files::to_read(meter.ground(), false)?;
    let round = Round::new(case.piece, meter.ground().length());
    let pieces = Pieces::new(&[&file], case.depth, case.piece)?;
    Mover { pieces, round, is_writing: false, starts: Vec::new(), stopwatch: meter.stopwatch() }
        .go(case, meter)
}

pub(super) fn write(case: &Sequential, meter: &mut Meter) -> Result<(), Failure> {
    let length = case.written(meter.ground().length());
    let file = meter.ground().target(length)?;
    let round = Round::new(case.piece, length);
    let pieces = Pieces::new(&[&file], case.depth, case.piece)?;
    Mover { pieces, round, is_writing: true, starts: Vec::new(), stopwatch: meter.stopwatch() }
        .go(case, meter)
}

struct Mover {
    pieces: Pieces,
    round: Round,
    is_writing: bool,
    starts: Vec<Option<Instant>>,
    stopwatch: Stopwatch,
}

impl Mover {
    fn go(mut self, case: &Sequential, meter: &mut Meter) -> Result<(), Failure> {
        let length = case.piece as u32;
        self.starts = vec![None; case.depth as usize];
        let mut completions = Vec::with_capacity(512);
        while meter.goes_on() {
            let mut to_begin = case.lap();
            let mut in_flight = 0;
            for piece in 0..case.depth as usize {
                self.begin(piece, length)?;
                to_begin -= 1;
                in_flight += 1;
            }
            while in_flight > 0 {
                self.pieces.wait(&mut completions)?;
                for cqe in completions.drain(..) {
                    let piece = cqe.user_data() as usize;
                    if result(&cqe)? != length {
                        return Err("an operation has moved too little".into());
                    }
                    self.stopwatch.stop(self.starts[piece]);
                    in_flight -= 1;
                    if to_begin > 0 {
                        self.begin(piece, length)?;
                        to_begin -= 1;
                        in_flight += 1;
                    }
                }
            }
            meter.did(case.lap());
            meter.took(&mut self.stopwatch);
        }
        Ok(())
    }

    fn begin(&mut self, piece: usize, length: u32) -> Result<(), Failure> {
        self.starts[piece] = self.stopwatch.start();
        let place = self.round.next();
        let entry = if self.is_writing {
            self.pieces.write(0, piece, length, place)
        } else {
            self.pieces.read(0, piece, length, place)
        };
        // SAFETY: RS1.
        Ok(unsafe { self.pieces.push(&[entry]) }?)
    }
}
