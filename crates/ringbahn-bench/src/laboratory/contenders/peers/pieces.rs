//! A file in pieces, one behind the other, dealt with by several tasks: read, written, and copied.

use std::cell::Cell;
use std::fs;
use std::rc::Rc;

use super::library::{Access, Library, PeerFile, whole};
use crate::laboratory::case::{Copy, Sequential};
use crate::laboratory::contender::Failure;
use crate::laboratory::meter::{Meter, Stopwatch};

/// How many pieces a lap has at most: with pieces of 256 KiB, some ten milliseconds.
const LAP: u64 = 512;
/// The pieces of a copy: how long they are, in bytes, and how many are under way.
const COPY: (u64, u32) = (256 << 10, 16);

/// The piece that is next.
struct Pieces {
    next: Cell<u64>,
    end: Cell<u64>,
    /// How many the file has.
    all: u64,
    /// In bytes.
    length: u64,
}

/// A task that moves pieces, between two laps.
struct Mover<F: PeerFile> {
    file: Rc<F>,
    buffer: F::Buffer,
    pieces: Rc<Pieces>,
    stopwatch: Stopwatch,
}

pub(super) fn read<L: Library>(case: &Sequential, meter: &mut Meter) -> Result<(), Failure> {
    let ground = meter.ground().clone();
    L::run(async |library: L| {
        let file = library.open(&ground.file(), Access::Read).await?;
        let pieces = Pieces::new(ground.length(), case.piece)?;
        sequential(&library, file, pieces, case, meter, Mover::read).await
    })
}

pub(super) fn write<L: Library>(case: &Sequential, meter: &mut Meter) -> Result<(), Failure> {
    let ground = meter.ground().clone();
    let path = ground.directory().join("written");
    L::run(async |library: L| {
        let file = library.open(&path, Access::Write).await?;
        let pieces = Pieces::new(case.written(ground.length()), case.piece)?;
        sequential(&library, file, pieces, case, meter, Mover::write).await
    })?;
    Ok(fs::remove_file(path)?)
}

async fn sequential<L: Library>(
    library: &L,
    file: L::File,
    pieces: Pieces,
    case: &Sequential,
    meter: &mut Meter,
    move_pieces: impl AsyncFn(Mover<L::File>) -> Result<Mover<L::File>, Failure> + Clone + 'static,
) -> Result<(), Failure> {
    let (file, pieces) = (Rc::new(file), Rc::new(pieces));
    let mover = |_| Mover {
        file: Rc::clone(&file),
        buffer: file.buffer(case.piece as usize),
        pieces: Rc::clone(&pieces),
        stopwatch: meter.stopwatch(),
    };
    let mut movers: Vec<_> = (0..case.depth).map(mover).collect();
    while meter.goes_on() {
        let lap = pieces.all.min(LAP);
        pieces.extend(lap);
        let spawn = |mover| {
            let move_pieces = move_pieces.clone();
            library.spawn(async move { move_pieces(mover).await })
        };
        let tasks: Vec<_> = movers.drain(..).map(spawn).collect();
        for task in tasks {
            let mut mover = task.await?;
            meter.took(&mut mover.stopwatch);
            movers.push(mover);
        }
        meter.did(lap);
    }
    Ok(())
}

impl Pieces {
    fn new(file: u64, length: u64) -> Result<Pieces, Failure> {
        if !file.is_multiple_of(length) {
            return Err("the file has a piece that is not whole".into());
        }
        Ok(Pieces { next: Cell::new(0), end: Cell::new(0), all: file / length, length })
    }

    /// There are so many more to be taken.
    fn extend(&self, number: u64) {
        self.end.set(self.end.get() + number);
    }

    /// Where the next piece begins, in bytes. Behind the last one the first is next again.
    fn take(&self) -> Option<u64> {
        let next = self.next.get();
        if next == self.end.get() {
            return None;
        }
        self.next.set(next + 1);
        Some(next % self.all * self.length)
    }
}

impl<F: PeerFile> Mover<F> {
    async fn read(mut self) -> Result<Self, Failure> {
        while let Some(position) = self.pieces.take() {
            let start = self.stopwatch.start();
            let (length, buffer) = self.file.read(self.buffer, position).await?;
            self.stopwatch.stop(start);
            whole(length, self.pieces.length as usize)?;
            self.buffer = buffer;
        }
        Ok(self)
    }

    async fn write(mut self) -> Result<Self, Failure> {
        while let Some(position) = self.pieces.take() {
            let start = self.stopwatch.start();
            let (length, buffer) = self.file.write(self.buffer, position).await?;
            self.stopwatch.stop(start);
            whole(length, self.pieces.length as usize)?;
            self.buffer = buffer;
        }
        Ok(self)
    }
}

/// Copies a file, for a library that has no function for it: several pieces are under way.
pub(super) fn copy<L: Library>(case: &Copy, meter: &mut Meter) -> Result<(), Failure> {
    let source = meter.ground().source(case.length)?;
    let target = meter.ground().directory().join("copy");
    let mut stopwatch = meter.stopwatch();
    L::run(async |library: L| {
        while meter.goes_on() {
            let start = stopwatch.start();
            let from = Rc::new(library.open(&source, Access::Read).await?);
            let to = Rc::new(library.open(&target, Access::Write).await?);
            let pieces = Rc::new(Pieces::new(case.length, COPY.0)?);
            pieces.extend(pieces.all);
            let copy = |_| {
                library.spawn(copy_pieces(Rc::clone(&from), Rc::clone(&to), Rc::clone(&pieces)))
            };
            let tasks: Vec<_> = (0..COPY.1).map(copy).collect();
            for task in tasks {
                task.await?;
            }
            drop((from, to));
            stopwatch.stop(start);
            meter.took(&mut stopwatch);
            meter.did(1);
        }
        Ok(())
    })?;
    if fs::metadata(&target)?.len() != case.length {
        return Err("the copy is not as long as it should be".into());
    }
    Ok(fs::remove_file(target)?)
}

async fn copy_pieces<F: PeerFile>(
    from: Rc<F>,
    to: Rc<F>,
    pieces: Rc<Pieces>,
) -> Result<(), Failure> {
    let length = pieces.length as usize;
    let mut buffer = from.buffer(length);
    while let Some(position) = pieces.take() {
        let (read, filled) = from.read(buffer, position).await?;
        whole(read, length)?;
        let (written, emptied) = to.write(filled, position).await?;
        whole(written, length)?;
        buffer = emptied;
    }
    Ok(())
}
