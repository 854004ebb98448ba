//! A file that is read or written from its beginning to its end, piece by piece: a task for each
//! that is in flight.

use std::fs::File;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ringbahn::{BufResultExt as _, Drive, IoBuf, IoBufMut, Ring};

use super::{BufferOf, DriverOf, Spawn, together};
use crate::laboratory::case::Sequential;
use crate::laboratory::contender::Failure;
use crate::laboratory::meter::{Meter, Stopwatch};

/// How many pieces a lap has.
const LAP: u64 = 64;

/// What a task has, which takes one piece after the other.
pub(super) struct Lane<D: Drive + Clone + Unpin, B> {
    file: Arc<Ring<File, D>>,
    pieces: Arc<Pieces>,
    buffer: B,
    stopwatch: Stopwatch,
}

/// The pieces of a file, which tasks take one after the other.
struct Pieces {
    /// How many have been taken since the beginning.
    taken: AtomicU64,
    /// How many are to be taken before the lap ends.
    end: AtomicU64,
    piece: u64,
    length: u64,
}

impl Pieces {
    /// Where the next one begins; `None` behind the last of a lap.
    fn take(&self) -> Option<u64> {
        // The number is all that tasks tell each other.
        let number = self.taken.fetch_add(1, Ordering::Relaxed);
        let is_of_lap = number < self.end.load(Ordering::Relaxed);
        is_of_lap.then_some(number % (self.length / self.piece) * self.piece)
    }
}

/// The file that is read, and how long it is.
pub(super) fn source(meter: &Meter) -> Result<(File, u64), Failure> {
    Ok((File::open(meter.ground().file())?, meter.ground().length()))
}

/// The file that is written, and how long it becomes.
pub(super) fn target(case: &Sequential, meter: &Meter) -> Result<(File, u64), Failure> {
    let length = case.written(meter.ground().length());
    Ok((meter.ground().target(length)?, length))
}

/// A `task` for each piece in flight takes those of the file one after the other.
pub(super) fn run<H, F>(
    host: &H,
    case: &Sequential,
    meter: &mut Meter,
    (file, length): (File, u64),
    task: impl Fn(Lane<DriverOf<H>, BufferOf<H>>) -> F,
) -> Result<(), Failure>
where
    H: Spawn<F>,
    F: Future<Output = Result<Lane<DriverOf<H>, BufferOf<H>>, Failure>>,
{
    let file = Arc::new(Ring::new_on_driver(file, host.driver()));
    let (taken, end) = (AtomicU64::new(0), AtomicU64::new(0));
    let pieces = Arc::new(Pieces { taken, end, piece: case.piece, length });
    let lane = |buffer| Lane {
        file: file.clone(),
        pieces: pieces.clone(),
        buffer,
        stopwatch: meter.stopwatch(),
    };
    let buffers = host.buffers(case.depth, usize::try_from(case.piece)?)?;
    let mut lanes: Vec<_> = buffers.into_iter().map(lane).collect();
    while meter.goes_on() {
        let begin = pieces.end.fetch_add(LAP, Ordering::Relaxed);
        pieces.taken.store(begin, Ordering::Relaxed);
        lanes = together(host, lanes.into_iter().map(&task))?;
        meter.did(LAP);
        for lane in &mut lanes {
            meter.took(&mut lane.stopwatch);
        }
    }
    Ok(())
}

/// A lap of one task that reads.
pub(super) async fn reader<D: Drive + Clone + Unpin, B: IoBufMut + Sync>(
    mut lane: Lane<D, B>,
) -> Result<Lane<D, B>, Failure> {
    while let Some(offset) = lane.pieces.take() {
        let start = lane.stopwatch.start();
        let (count, buffer) = lane.file.read_at(lane.buffer, offset).await.both()?;
        lane.stopwatch.stop(start);
        lane.buffer = buffer;
        whole(count, &lane.pieces)?;
    }
    Ok(lane)
}

/// A lap of one task that writes.
pub(super) async fn writer<D: Drive + Clone + Unpin, B: IoBuf + Sync>(
    mut lane: Lane<D, B>,
) -> Result<Lane<D, B>, Failure> {
    while let Some(offset) = lane.pieces.take() {
        let start = lane.stopwatch.start();
        let (count, buffer) = lane.file.write_at(lane.buffer, offset).await.both()?;
        lane.stopwatch.stop(start);
        lane.buffer = buffer;
        whole(count, &lane.pieces)?;
    }
    Ok(lane)
}

fn whole(count: usize, pieces: &Pieces) -> Result<(), Failure> {
    if count as u64 == pieces.piece { Ok(()) } else { Err("a piece was not moved whole".into()) }
}
