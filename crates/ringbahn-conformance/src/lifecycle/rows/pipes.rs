//! The events that move bytes through pipes, and no memory.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::AsRawFd;

use ringbahn_core::event::{Position, Splice, Tee};
use ringbahn_core::{Event, SharedFd};

use crate::lifecycle::scene::{Manner, Scene, Staged};
use crate::props::{DATA, file_with, pipe, pipe_with_data, shared, unreadable};

pub(super) fn splice(manner: Manner) -> Staged<Splice> {
    let target = shared(file_with(&[])?);
    taking_from(manner, |pipe| Splice::from_pipe(pipe, target, Position::At(0), 1024))
}

pub(super) fn tee(manner: Manner) -> Staged<Tee> {
    let (reader, _writer) = io::pipe()?;
    // Both ends of it, so that it stays whole as long as the event has it.
    let path = format!("/proc/self/fd/{}", reader.as_raw_fd());
    let target = shared(File::options().read(true).write(true).open(path)?);
    taking_from(manner, |pipe| Tee::new(pipe, target, 1024))
}

/// The scene of the event that `event` makes of the pipe to take from.
fn taking_from<E: Event<Output = io::Result<usize>>>(
    manner: Manner,
    event: impl FnOnce(SharedFd) -> E,
) -> Staged<E> {
    let judge = |moved: io::Result<usize>| moved.map(|count| count == DATA.len());
    match manner {
        Manner::AtOnce => {
            let (reader, writer) = pipe_with_data()?;
            Ok(Scene::new(event(reader), judge).keeping(writer))
        }
        Manner::Later | Manner::Never => {
            let (reader, mut writer) = pipe()?;
            let go = move || writer.write_all(DATA).map(|()| writer);
            Ok(Scene::new(event(reader), judge).waiting(go))
        }
        Manner::Failing => {
            let (file, other) = unreadable()?;
            Ok(Scene::new(event(file), judge).keeping(other))
        }
    }
}
