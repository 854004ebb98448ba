//! Blocks of a file, read at places that are drawn: a task for each that is in flight.

use std::fs::File;
use std::future::Future;
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;

use ringbahn::event::{Position, Read};
use ringbahn::{BufResultExt as _, Drive, IoBufMut, Ring, SharedFd};
use rustix::fs::OFlags;

use super::{BufferOf, DriverOf, Spawn, together};
use crate::laboratory::case::{BLOCK, ReadRandom};
use crate::laboratory::contender::Failure;
use crate::laboratory::ground::Places;
use crate::laboratory::meter::{Meter, Stopwatch};

/// What a task has, which reads one block after the other from a file as `F` does it.
pub(super) struct Lane<F, B> {
    file: F,
    places: Places,
    buffer: B,
    stopwatch: Stopwatch,
    operations: u64,
}

/// A file, as events name it, and the driver to run them on.
#[derive(Clone)]
pub(super) struct Bare<D> {
    file: SharedFd,
    driver: D,
}

/// Reads by the method of a handle.
pub(super) fn handles<H, F>(
    host: &H,
    case: &ReadRandom,
    meter: &mut Meter,
    task: impl Fn(Lane<Arc<Ring<File, DriverOf<H>>>, BufferOf<H>>) -> F,
) -> Result<(), Failure>
where
    H: Spawn<F>,
    F: Future<Output = Result<Lane<Arc<Ring<File, DriverOf<H>>>, BufferOf<H>>, Failure>>,
{
    let file = open(&meter.ground().file(), case.direct)?;
    let file = Arc::new(Ring::new_on_driver(file, host.driver()));
    run(host, case, meter, &file, task)
}

/// Reads by events, from a file in a slot of the ring if it has one.
pub(super) fn events<H, F>(
    host: &H,
    case: &ReadRandom,
    meter: &mut Meter,
    file: SharedFd,
    task: impl Fn(Lane<Bare<DriverOf<H>>, BufferOf<H>>) -> F,
) -> Result<(), Failure>
where
    H: Spawn<F>,
    F: Future<Output = Result<Lane<Bare<DriverOf<H>>, BufferOf<H>>, Failure>>,
{
    run(host, case, meter, &Bare { file, driver: host.driver() }, task)
}

/// The file, past the page cache if need be.
pub(super) fn open(path: &Path, direct: bool) -> io::Result<File> {
    let flags = if direct { OFlags::DIRECT } else { OFlags::empty() };
    File::options().read(true).custom_flags(flags.bits().cast_signed()).open(path)
}

fn run<H, S, F>(
    host: &H,
    case: &ReadRandom,
    meter: &mut Meter,
    file: &S,
    task: impl Fn(Lane<S, BufferOf<H>>) -> F,
) -> Result<(), Failure>
where
    H: Spawn<F>,
    S: Clone,
    F: Future<Output = Result<Lane<S, BufferOf<H>>, Failure>>,
{
    let length = meter.ground().length();
    let buffers = host.buffers(case.depth, BLOCK as usize)?;
    let lane = |(buffer, seed)| Lane {
        file: file.clone(),
        places: Places::new(length, BLOCK, seed),
        buffer,
        stopwatch: meter.stopwatch(),
        operations: case.lap(),
    };
    let mut lanes: Vec<_> = buffers.into_iter().zip(1..).map(lane).collect();
    while meter.goes_on() {
        lanes = together(host, lanes.into_iter().map(&task))?;
        meter.did(case.lap() * u64::from(case.depth));
        for lane in &mut lanes {
            meter.took(&mut lane.stopwatch);
        }
    }
    Ok(())
}

/// A lap of one task, by the method of a handle.
pub(super) async fn handle<D: Drive + Clone + Unpin, B: IoBufMut + Sync>(
    mut lane: Lane<Arc<Ring<File, D>>, B>,
) -> Result<Lane<Arc<Ring<File, D>>, B>, Failure> {
    for _ in 0..lane.operations {
        let start = lane.stopwatch.start();
        let (count, buffer) = lane.file.read_at(lane.buffer, lane.places.draw()).await.both()?;
        lane.stopwatch.stop(start);
        whole(count)?;
        lane.buffer = buffer;
    }
    Ok(lane)
}

/// A lap of one task, by one submission again and again.
pub(super) async fn event<D: Drive + Clone, B: IoBufMut + Sync>(
    lane: Lane<Bare<D>, B>,
) -> Result<Lane<Bare<D>, B>, Failure> {
    let Lane { file, mut places, buffer, mut stopwatch, operations } = lane;
    let read = |buffer, place| Read::new(file.file.clone(), buffer, Position::At(place));
    let mut start = stopwatch.start();
    let mut reading = pin!(file.driver.clone().submit(read(buffer, places.draw())));
    let mut left = operations;
    let buffer = loop {
        let (count, buffer) = reading.as_mut().await.both()?;
        stopwatch.stop(start);
        whole(count)?;
        left -= 1;
        if left == 0 {
            break buffer;
        }
        start = stopwatch.start();
        reading.as_mut().restart(read(buffer, places.draw()));
    };
    Ok(Lane { file, places, buffer, stopwatch, operations })
}

fn whole(count: usize) -> Result<(), Failure> {
    if count == BLOCK as usize { Ok(()) } else { Err("a block was not read whole".into()) }
}
