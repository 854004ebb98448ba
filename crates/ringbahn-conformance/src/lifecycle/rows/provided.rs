//! The events that read and receive once, into a buffer that is chosen from a group.

use std::io::{self, Write as _};

use ringbahn_core::ProvidedBuffer;
use ringbahn_core::event::{Position, ReadProvided, RecvProvided};

use crate::lifecycle::resources::Resources;
use crate::lifecycle::scene::{Manner, Scene, Staged};
use crate::props::{DATA, pipe, pipe_with_data, socket_pair, unreadable};

fn is_data(received: io::Result<Option<ProvidedBuffer>>) -> io::Result<bool> {
    received.map(|buffer| buffer.is_some_and(|buffer| buffer[..] == *DATA))
}

pub(super) fn read(manner: Manner, resources: &Resources) -> Staged<ReadProvided> {
    let event = |file| ReadProvided::new(file, resources.group(), Position::Current);
    match manner {
        Manner::AtOnce => {
            let (reader, writer) = pipe_with_data()?;
            Ok(Scene::new(event(reader), is_data).keeping(writer))
        }
        Manner::Later | Manner::Never => {
            let (reader, mut writer) = pipe()?;
            let go = move || writer.write_all(DATA).map(|()| writer);
            Ok(Scene::new(event(reader), is_data).waiting(go))
        }
        Manner::Failing => {
            let (file, other) = unreadable()?;
            Ok(Scene::new(event(file), is_data).keeping(other))
        }
    }
}

pub(super) fn recv(manner: Manner, resources: &Resources) -> Staged<RecvProvided> {
    let event = |socket| RecvProvided::new(socket, resources.group());
    match manner {
        Manner::AtOnce => {
            let (near, mut far) = socket_pair()?;
            far.write_all(DATA)?;
            Ok(Scene::new(event(near), is_data).keeping(far))
        }
        Manner::Later | Manner::Never => {
            let (near, mut far) = socket_pair()?;
            let go = move || far.write_all(DATA).map(|()| far);
            Ok(Scene::new(event(near), is_data).waiting(go))
        }
        Manner::Failing => {
            let (file, other) = pipe()?;
            Ok(Scene::new(event(file), is_data).keeping(other))
        }
    }
}
