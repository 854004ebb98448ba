//! Records of a log, each safe on the disk before the next is written.
//!
//! # Safety
//!
//! RA1. There is one write at a time, which has ended before the next begins.
#![allow(unsafe_code)]

use std::fs::File;

use io_uring::cqueue;
use io_uring::opcode;
use io_uring::squeue::{Entry, Flags};
use io_uring::types::{Fixed, FsyncFlags};

use super::pieces::Pieces;
use super::ring::result;
use crate::laboratory::case::Append;
use crate::laboratory::contender::Failure;
use crate::laboratory::contenders::files::Round;
use crate::laboratory::meter::Meter;

/// The mark of an `fdatasync` in its `user_data`.
const SYNC: u64 = 1;

pub(super) fn append(case: &Append, meter: &mut Meter) -> Result<(), Failure> {
    let path = meter.ground().directory().join("log");
    let file = File::create(&path)?;
    let mut log = Log {
        pieces: Pieces::new(&[&file], 1, case.record)?,
        record: case.record as u32,
        completions: Vec::new(),
    };
    let mut places = Round::new(case.record, case.wrap() * case.record);
    let mut stopwatch = meter.stopwatch();
    while meter.goes_on() {
        for _ in 0..case.lap() {
            let start = stopwatch.start();
            if case.chained {
                log.chained(places.next())?;
            } else {
                log.one_after_the_other(places.next())?;
            }
            stopwatch.stop(start);
        }
        meter.did(case.lap());
        meter.took(&mut stopwatch);
    }
    Ok(std::fs::remove_file(path)?)
}

struct Log {
    pieces: Pieces,
    record: u32,
    completions: Vec<cqueue::Entry>,
}

impl Log {
    /// One completion: that of the sync, or that of a write which has failed or was too short.
    fn chained(&mut self, place: u64) -> Result<(), Failure> {
        let write = self.pieces.write(0, 0, self.record, place);
        let write = write.flags(Flags::IO_LINK | Flags::SKIP_SUCCESS);
        let (data, result) = self.wait_for(&[write, sync()])?;
        if (data, result) == (SYNC, 0) { Ok(()) } else { Err("a record was cut short".into()) }
    }

    fn one_after_the_other(&mut self, place: u64) -> Result<(), Failure> {
        let (_, written) = self.wait_for(&[self.pieces.write(0, 0, self.record, place)])?;
        if written != self.record {
            return Err("a record was cut short".into());
        }
        self.wait_for(&[sync()])?;
        Ok(())
    }

    fn wait_for(&mut self, entries: &[Entry]) -> Result<(u64, u32), Failure> {
        // SAFETY: RA1.
        unsafe { self.pieces.push(entries) }?;
        while self.completions.is_empty() {
            self.pieces.wait(&mut self.completions)?;
        }
        let cqe = self.completions.pop().ok_or("there is no completion")?;
        Ok((cqe.user_data(), result(&cqe)?))
    }
}

fn sync() -> Entry {
    opcode::Fsync::new(Fixed(0)).flags(FsyncFlags::DATASYNC).build().user_data(SYNC)
}
