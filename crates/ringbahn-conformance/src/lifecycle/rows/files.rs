//! The events on files and their names.

use ringbahn_core::event::{Close, Fsync, OpenAt, OpenOptions, Pipe, Statx, Truncate};

use crate::lifecycle::scene::{Manner, Scene, Staged};
use crate::props::{self, DATA, file_with, shared};
use crate::verdict::Stop;

const MISSING: &str = "/proc/self/there is no such file";

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
