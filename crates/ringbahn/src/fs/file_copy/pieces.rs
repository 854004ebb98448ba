//! The way of the driver: pieces of a file, several of which are in flight at the same time.

use std::fs::File;
use std::future::Future;
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::{io, mem};

use ringbahn_core::event::{Read, Write};
use ringbahn_core::{Drive, IoBuf, Slice, Submission};
use rustix::fs::{FileType, fstat};

use super::error::CopyError;
use super::segments::Segments;
use crate::ring::Ring;

/// How long a piece is, in bytes: as much as a pipe can usually be made to hold.
const PIECE: u64 = 256 << 10;
/// How many pieces of a file are in flight at the same time.
const DEPTH: u64 = 8;

/// What is left to copy of one file, and those that copy it.
#[derive(Debug)]
pub(super) struct Pieces<D: Drive> {
    lanes: Vec<Lane<D>>,
    plan: Plan,
    /// Whether there has been a round without waiting: others are to have their turn.
    is_turn_over: bool,
}

/// What is left to copy of one file.
#[derive(Debug)]
struct Plan {
    segments: Segments,
    /// What is left of a segment.
    rest: Range<u64>,
    /// Where the file ends, as far as that is known.
    end: u64,
    /// Whether that is found out by reading only.
    is_stream: bool,
    /// How many bytes have been copied since the last round.
    copied: u64,
    /// Where the last byte that was written ends.
    written: u64,
    /// What one of them has failed with: the others end what they have begun.
    error: Option<CopyError>,
}

/// One that copies a piece after the other, by way of its buffer.
#[derive(Debug)]
struct Lane<D: Drive> {
    motion: Motion<D>,
    /// What is left of its piece.
    piece: Range<u64>,
}

#[derive(Debug)]
enum Motion<D: Drive> {
    /// With the buffer for the next read.
    Idle(Vec<u8>),
    Read(Submission<Read<Slice<Vec<u8>>>, D>),
    Write(Submission<Write<Slice<Vec<u8>>>, D>),
}

/// What has become of it since the last round.
pub(super) struct Round {
    /// How many bytes have been copied.
    pub(super) copied: u64,
    /// Where the last byte that was written ends, or 0.
    pub(super) written: u64,
    pub(super) result: Result<Then, CopyError>,
}

/// How a lane has left a round.
#[derive(PartialEq)]
enum Lap {
    /// It waits, or has written and could go on.
    UnderWay,
    /// Nothing is left for it.
    Done,
}

/// What comes after a round.
pub(super) enum Then {
    /// Another one.
    Again,
    /// Nothing: a regular file is copied, which ends here.
    End(u64),
    /// Nothing: a stream has come to its end.
    EndOfStream,
}

impl<D: Drive + Clone + Unpin> Pieces<D> {
    /// The segments of a regular file, to another one.
    pub(super) fn of_file(segments: Segments) -> Pieces<D> {
        let depth = segments.left().div_ceil(PIECE).min(DEPTH);
        let end = segments.end();
        Pieces::new(depth, Plan::new(segments, 0..0, end, false))
    }

    /// Everything to the end, in order.
    pub(super) fn of_stream() -> Pieces<D> {
        Pieces::new(1, Plan::new(Segments::none(), 0..u64::MAX, u64::MAX, true))
    }

    fn new(depth: u64, plan: Plan) -> Pieces<D> {
        let lanes = (0..depth).map(|_| Lane { motion: Motion::Idle(Vec::new()), piece: 0..0 });
        Pieces { lanes: lanes.collect(), plan, is_turn_over: false }
    }

    /// Copies until something has been written, or everything.
    ///
    /// An error comes when nothing is in flight any more: a write that is dropped may happen later,
    /// when the file is no longer what it was.
    pub(super) fn poll_round(
        &mut self,
        cx: &mut Context<'_>,
        source: &Ring<File, D>,
        target: &Ring<File, D>,
    ) -> Poll<Round> {
        if mem::take(&mut self.is_turn_over) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let mut is_under_way = false;
        for lane in &mut self.lanes {
            is_under_way |= lane.advance(cx, &mut self.plan, source, target) == Lap::UnderWay;
        }
        let plan = &mut self.plan;
        let result = if is_under_way {
            if plan.copied == 0 {
                return Poll::Pending;
            }
            Ok(Then::Again)
        } else {
            match plan.error.take() {
                Some(error) => Err(error),
                None if plan.is_stream => Ok(Then::EndOfStream),
                None => Ok(Then::End(plan.end)),
            }
        };
        self.is_turn_over = true;
        Poll::Ready(Round { copied: mem::take(&mut plan.copied), written: plan.written, result })
    }
}

impl<D: Drive + Clone + Unpin> Lane<D> {
    /// Goes on until it has to wait or has written something, or nothing is left.
    fn advance(
        &mut self,
        cx: &mut Context<'_>,
        plan: &mut Plan,
        source: &Ring<File, D>,
        target: &Ring<File, D>,
    ) -> Lap {
        loop {
            match &mut self.motion {
                Motion::Idle(buffer) => {
                    if self.piece.is_empty() {
                        match plan.next(source.get_ref()) {
                            Some(piece) => self.piece = piece,
                            None => return Lap::Done,
                        }
                    }
                    let room = (self.piece.end - self.piece.start) as usize;
                    let mut buffer = mem::take(buffer);
                    buffer.clear();
                    buffer.reserve_exact(room);
                    let read = source.read_at(buffer.slice(..room), self.piece.start);
                    self.motion = Motion::Read(read);
                }
                Motion::Read(read) => {
                    let Poll::Ready((result, slice)) = Pin::new(read).poll(cx) else {
                        return Lap::UnderWay;
                    };
                    let buffer = slice.into_inner();
                    let at = self.piece.start;
                    match result {
                        Ok(0) => {
                            plan.end = plan.end.min(at);
                            self.rest(buffer);
                        }
                        Ok(_) => {
                            plan.limit(at, source.get_ref());
                            self.piece.end = self.piece.end.min(plan.end);
                            self.motion = Motion::Write(target.write_at(buffer.slice(..), at));
                        }
                        Err(error) => {
                            plan.fail(CopyError::Read(error));
                            self.rest(buffer);
                        }
                    }
                }
                Motion::Write(write) => {
                    let Poll::Ready((result, slice)) = Pin::new(write).poll(cx) else {
                        return Lap::UnderWay;
                    };
                    let count = match result {
                        Ok(0) => Err(io::ErrorKind::WriteZero.into()),
                        result => result,
                    };
                    match count {
                        Ok(count) => {
                            self.piece.start += count as u64;
                            plan.wrote(count as u64, self.piece.start);
                            self.motion = self.rest_of_write(slice, count, target);
                            return Lap::UnderWay;
                        }
                        Err(error) => {
                            plan.fail(CopyError::Write(error));
                            self.rest(slice.into_inner());
                        }
                    }
                }
            }
        }
    }

    /// What comes after a write of so many of the bytes of a slice.
    fn rest_of_write(
        &self,
        slice: Slice<Vec<u8>>,
        count: usize,
        target: &Ring<File, D>,
    ) -> Motion<D> {
        let done = slice.begin() + count;
        let buffer = slice.into_inner();
        if done == buffer.len() {
            return Motion::Idle(buffer);
        }
        Motion::Write(target.write_at(buffer.slice(done..), self.piece.start))
    }

    /// Leaves its piece as it is.
    fn rest(&mut self, buffer: Vec<u8>) {
        self.piece = 0..0;
        self.motion = Motion::Idle(buffer);
    }
}

impl Plan {
    fn new(segments: Segments, rest: Range<u64>, end: u64, is_stream: bool) -> Plan {
        Plan { segments, rest, end, is_stream, copied: 0, written: 0, error: None }
    }

    /// The next piece; `None` where nothing is left, or one of them has failed.
    fn next(&mut self, source: &File) -> Option<Range<u64>> {
        if self.error.is_some() {
            return None;
        }
        if self.rest.is_empty() {
            match self.segments.next(source) {
                Ok(segment) => self.rest = segment?,
                Err(error) => {
                    self.fail(CopyError::Read(error));
                    return None;
                }
            }
        }
        let start = self.rest.start;
        if start >= self.end {
            return None;
        }
        self.rest.start = self.rest.end.min(start + PIECE).min(self.end);
        Some(start..self.rest.start)
    }

    /// Finds out where a stream ends whose first bytes have been read, where that is possible.
    ///
    /// A file that was empty a moment ago and has a length now is being written to. It is copied as
    /// it is at this moment, since it may be written faster than it is read.
    fn limit(&mut self, at: u64, source: &File) {
        if !self.is_stream || at > 0 {
            return;
        }
        if let Ok(stat) = fstat(source)
            && FileType::from_raw_mode(stat.st_mode).is_file()
            && stat.st_size > 0
        {
            self.end = stat.st_size as u64;
        }
    }

    fn wrote(&mut self, count: u64, end: u64) {
        self.copied += count;
        self.written = self.written.max(end);
    }

    /// The first error is the one that is told.
    fn fail(&mut self, error: CopyError) {
        self.error.get_or_insert(error);
    }
}
