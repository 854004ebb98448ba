//! The events on files.

use std::io;

use ringbahn_core::event::{
    Allocation, Close, Fadvise, Fallocate, FileAdvice, Fsync, Madvise, MemoryAdvice, OpenAt,
    OpenOptions, Pipe, Statx, SyncFileRange, Truncate, Writeback,
};
use ringbahn_core::{EitherBuffer, Event, SharedFd};

use crate::lifecycle::scene::{Manner, Scene, Staged};
use crate::props::{self, DATA, file_with, shared};
use crate::verdict::Stop;

pub(super) const MISSING: &str = "/proc/self/there is no such file";

/// A file, or where the operation is to fail a pipe.
fn file_or_pipe<E: Event<Output = io::Result<()>>>(
    manner: Manner,
    event: impl FnOnce(SharedFd) -> E,
) -> Staged<E> {
    if manner == Manner::Failing {
        let (reader, writer) = props::pipe()?;
        return Ok(Scene::new(event(reader), |it| it.map(|()| true)).keeping(writer));
    }
    Ok(Scene::new(event(shared(file_with(DATA)?)), |it| it.map(|()| true)))
}

pub(super) fn fallocate(manner: Manner) -> Staged<Fallocate> {
    file_or_pipe(manner, |file| Fallocate::new(file, 0, 8192, Allocation::Reserve))
}

pub(super) fn fadvise(manner: Manner) -> Staged<Fadvise> {
    file_or_pipe(manner, |file| Fadvise::new(file, FileAdvice::WillNeed))
}

pub(super) fn sync_file_range(manner: Manner) -> Staged<SyncFileRange> {
    file_or_pipe(manner, |file| SyncFileRange::new(file, Writeback::Finish))
}

pub(super) fn madvise(manner: Manner) -> Staged<Madvise<EitherBuffer<&'static [u8], Vec<u8>>>> {
    /// It lies where nothing can be written to.
    static CONSTANT: [u8; 1 << 17] = [0; 1 << 17];
    let buffer = match manner {
        Manner::Failing => EitherBuffer::First(&CONSTANT[..]),
        _ => EitherBuffer::Second(vec![0; 1 << 17]),
    };
    Ok(Scene::new(Madvise::new(buffer, MemoryAdvice::PopulateWrite), |(it, _)| it.map(|()| true)))
}

pub(super) fn close(manner: Manner) -> Staged<Close> {
    if manner == Manner::Failing {
        return Err(Stop::skipped("a valid descriptor is closed without an error"));
    }
    Ok(Scene::new(Close::new(tempfile::tempfile()?), |it| it.map(|()| true)))
}

pub(super) fn fsync(manner: Manner) -> Staged<Fsync> {
    if manner == Manner::Failing {
        // What lies on no disk cannot be brought there.
        let (reader, writer) = props::pipe()?;
        return Ok(Scene::new(Fsync::new(reader), |it| it.map(|()| true)).keeping(writer));
    }
    Ok(Scene::new(Fsync::new(shared(file_with(DATA)?)), |it| it.map(|()| true)))
}

pub(super) fn open_at(manner: Manner) -> Staged<OpenAt> {
    let mut options = OpenOptions::new();
    options.read(true);
    let path = if manner == Manner::Failing { MISSING } else { "/dev/null" };
    Ok(Scene::new(OpenAt::new(path, &options)?, |opened| opened.map(|_file| true)))
}

pub(super) fn pipe(manner: Manner) -> Staged<Pipe> {
    if manner == Manner::Failing {
        return Err(Stop::skipped("a pipe is made without an error while there is room for one"));
    }
    Ok(Scene::new(Pipe::new(), |made| made.map(|_ends| true)))
}

pub(super) fn statx(manner: Manner) -> Staged<Statx> {
    let path = if manner == Manner::Failing { MISSING } else { "/" };
    Ok(Scene::new(Statx::at(path)?, |it| it.map(|metadata| metadata.is_dir())))
}

pub(super) fn truncate(manner: Manner) -> Staged<Truncate> {
    if manner == Manner::Failing {
        let (reader, writer) = props::pipe()?;
        return Ok(Scene::new(Truncate::new(reader, 7), |it| it.map(|()| true)).keeping(writer));
    }
    Ok(Scene::new(Truncate::new(shared(file_with(DATA)?), 7), |it| it.map(|()| true)))
}
