//! The events that read and receive.

use std::io::{self, Write as _};

use ringbahn_core::BufResult;
use ringbahn_core::event::{
    Position, Read, ReadExact, ReadRanges, ReadVectored, Received, Recv, RecvMsg,
};

use crate::lifecycle::scene::{Manner, Scene, Staged};
use crate::props::{DATA, pipe, pipe_with_data, socket_pair, unreadable};

/// A buffer with room for the data and no more.
fn buffer() -> Vec<u8> {
    Vec::with_capacity(DATA.len())
}

/// Two buffers with room for the data and no more.
fn buffers() -> Vec<Vec<u8>> {
    vec![Vec::with_capacity(10), Vec::with_capacity(DATA.len() - 10)]
}

/// Whether the result of a read is that of reading the data.
pub(super) fn is_data((result, buffer): BufResult<usize, Vec<u8>>) -> io::Result<bool> {
    result.map(|count| count == DATA.len() && buffer == DATA)
}

fn is_all_data((result, buffer): BufResult<(), Vec<u8>>) -> io::Result<bool> {
    result.map(|()| buffer == DATA)
}

fn are_data((result, buffers): BufResult<usize, Vec<Vec<u8>>>) -> io::Result<bool> {
    result.map(|count| count == DATA.len() && buffers.concat() == DATA)
}

/// The second half of the data comes to lie before the first one.
fn is_turned((result, buffer): BufResult<usize, Vec<u8>>) -> io::Result<bool> {
    let (first, second) = DATA.split_at(10);
    result.map(|count| count == DATA.len() && buffer == [second, first].concat())
}

fn is_message((result, buffers): BufResult<Received, Vec<Vec<u8>>>) -> io::Result<bool> {
    result.map(|received| received.count == DATA.len() && buffers.concat() == DATA)
}

/// Makes the scene of a read from a pipe, of the event that `$event` makes of its file.
macro_rules! from_pipe {
    ($manner:expr, $judge:expr, $event:expr) => {
        match $manner {
            Manner::AtOnce => {
                let (reader, writer) = pipe_with_data()?;
                Ok(Scene::new($event(reader), $judge).keeping(writer))
            }
            Manner::Later | Manner::Never => {
                let (reader, mut writer) = pipe()?;
                let go = move || writer.write_all(DATA).map(|()| writer);
                Ok(Scene::new($event(reader), $judge).waiting(go))
            }
            Manner::Failing => {
                let (file, other) = unreadable()?;
                Ok(Scene::new($event(file), $judge).keeping(other))
            }
        }
    };
}

/// The same of a receive from a socket.
macro_rules! from_socket {
    ($manner:expr, $judge:expr, $event:expr) => {
        match $manner {
            Manner::AtOnce => {
                let (near, mut far) = socket_pair()?;
                far.write_all(DATA)?;
                Ok(Scene::new($event(near), $judge).keeping(far))
            }
            Manner::Later | Manner::Never => {
                let (near, mut far) = socket_pair()?;
                let go = move || far.write_all(DATA).map(|()| far);
                Ok(Scene::new($event(near), $judge).waiting(go))
            }
            Manner::Failing => {
                let (file, other) = pipe()?;
                Ok(Scene::new($event(file), $judge).keeping(other))
            }
        }
    };
}

pub(super) fn read(manner: Manner) -> Staged<Read<Vec<u8>>> {
    from_pipe!(manner, is_data, |file| Read::new(file, buffer(), Position::Current))
}

pub(super) fn read_exact(manner: Manner) -> Staged<ReadExact<Vec<u8>>> {
    from_pipe!(manner, is_all_data, |file| ReadExact::new(file, buffer(), Position::Current))
}

pub(super) fn read_ranges(manner: Manner) -> Staged<ReadRanges<Vec<u8>>> {
    let end = DATA.len();
    from_pipe!(manner, is_turned, |file| ReadRanges::new(
        file,
        vec![0; end],
        vec![end - 10..end, 0..end - 10],
        Position::Current
    ))
}

pub(super) fn read_vectored(manner: Manner) -> Staged<ReadVectored<Vec<Vec<u8>>>> {
    from_pipe!(manner, are_data, |file| ReadVectored::new(file, buffers(), Position::Current))
}

pub(super) fn recv(manner: Manner) -> Staged<Recv<Vec<u8>>> {
    from_socket!(manner, is_data, |socket| Recv::new(socket, buffer()))
}

pub(super) fn recv_msg(manner: Manner) -> Staged<RecvMsg<Vec<Vec<u8>>>> {
    from_socket!(manner, is_message, |socket| RecvMsg::new(socket, buffers()))
}
