//! The events that write and send.

use std::io;

use ringbahn_core::BufResult;
use ringbahn_core::event::{
    Position, Reporting, Send, SendAll, SendMsg, SendMsgZc, SendTo, SendZc, Usage, Write, WriteAll,
    WriteRanges, WriteVectored,
};

use crate::lifecycle::scene::{Manner, Scene, Staged};
use crate::props::{
    DATA, connection, datagrams, drain_pipe, drain_socket, full_connection, full_pipe, full_socket,
    shared, socket_pair, unwritable,
};

type Buffers = Vec<&'static [u8]>;

fn halves() -> Buffers {
    let (first, second) = DATA.split_at(10);
    vec![first, second]
}

/// All of so little data goes out with one operation, or none of it.
fn all_sent((result, buffer): BufResult<usize, &'static [u8]>) -> io::Result<bool> {
    result.map(|count| count == DATA.len() && buffer == DATA)
}

fn all_done((result, buffer): BufResult<(), &'static [u8]>) -> io::Result<bool> {
    result.map(|()| buffer == DATA)
}

fn both_sent((result, buffers): BufResult<usize, Buffers>) -> io::Result<bool> {
    result.map(|count| count == DATA.len() && buffers.concat() == DATA)
}

/// Makes the scene of a write to a pipe, of the event that `$event` makes of its file.
macro_rules! to_pipe {
    ($manner:expr, $judge:expr, $event:expr) => {
        match $manner {
            Manner::AtOnce => {
                let (reader, writer) = io::pipe()?;
                Ok(Scene::new($event(shared(writer)), $judge).keeping(reader))
            }
            Manner::Later | Manner::Never => {
                let (reader, writer) = full_pipe()?;
                Ok(Scene::new($event(writer), $judge).waiting(move || drain_pipe(reader)))
            }
            Manner::Failing => {
                let (file, other) = unwritable()?;
                Ok(Scene::new($event(file), $judge).keeping(other))
            }
        }
    };
}

/// The same of a send to a socket.
macro_rules! to_socket {
    ($manner:expr, $judge:expr, $event:expr) => {
        match $manner {
            Manner::AtOnce => {
                let (near, far) = socket_pair()?;
                Ok(Scene::new($event(near), $judge).keeping(far))
            }
            Manner::Later | Manner::Never => {
                let (near, far) = full_socket()?;
                Ok(Scene::new($event(near), $judge).waiting(move || drain_socket(far)))
            }
            // The peer is gone.
            Manner::Failing => Ok(Scene::new($event(socket_pair()?.0), $judge)),
        }
    };
}

pub(super) fn write(manner: Manner) -> Staged<Write<&'static [u8]>> {
    to_pipe!(manner, all_sent, |file| Write::new(file, DATA, Position::Current))
}

pub(super) fn write_all(manner: Manner) -> Staged<WriteAll<&'static [u8]>> {
    to_pipe!(manner, all_done, |file| WriteAll::new(file, DATA, Position::Current))
}

pub(super) fn write_vectored(manner: Manner) -> Staged<WriteVectored<Buffers>> {
    to_pipe!(manner, both_sent, |file| WriteVectored::new(file, halves(), Position::Current))
}

pub(super) fn write_ranges(manner: Manner) -> Staged<WriteRanges<&'static [u8]>> {
    to_pipe!(manner, all_sent, |file| WriteRanges::new(
        file,
        DATA,
        vec![0..10, 10..DATA.len()],
        Position::Current
    ))
}

pub(super) fn send(manner: Manner) -> Staged<Send<&'static [u8]>> {
    to_socket!(manner, all_sent, |socket| Send::new(socket, DATA))
}

pub(super) fn send_all(manner: Manner) -> Staged<SendAll<&'static [u8]>> {
    to_socket!(manner, all_done, |socket| SendAll::new(socket, DATA))
}

pub(super) fn send_msg(manner: Manner) -> Staged<SendMsg<Buffers>> {
    to_socket!(manner, both_sent, |socket| SendMsg::new(socket, halves()))
}

pub(super) fn send_to(manner: Manner) -> Staged<SendTo<Vec<u8>>> {
    let (near, far) = (datagrams()?, datagrams()?);
    let address = far.local_addr()?;
    let sent = |(result, buffer): BufResult<usize, Vec<u8>>| {
        result.map(|count| count == DATA.len() && buffer == DATA)
    };
    let buffer = match manner {
        Manner::AtOnce | Manner::Later | Manner::Never => DATA.to_vec(),
        // Longer than a datagram may be.
        Manner::Failing => vec![0; 70_000],
    };
    Ok(Scene::new(SendTo::new(shared(near), buffer, address), sent).keeping(far))
}

/// Makes the scene of a send without a copy, of the event that `$event` makes of its socket.
macro_rules! without_copy {
    ($manner:expr, $judge:expr, $event:expr) => {
        match $manner {
            Manner::AtOnce => {
                let (near, far) = connection()?;
                Ok(Scene::new($event(shared(near)), $judge).keeping(far))
            }
            Manner::Later | Manner::Never => {
                let (near, mut far) = full_connection()?;
                let drain = move || far.drain().map(|()| far);
                Ok(Scene::new($event(shared(near)), $judge).waiting(drain))
            }
            Manner::Failing => {
                let (near, far) = connection()?;
                near.shutdown(std::net::Shutdown::Write)?;
                Ok(Scene::new($event(shared(near)), $judge).keeping(far))
            }
        }
    };
}

pub(super) fn send_zc(manner: Manner) -> Staged<SendZc<&'static [u8]>> {
    without_copy!(manner, all_sent, |socket| SendZc::new(socket, DATA))
}

pub(super) fn send_msg_zc(manner: Manner) -> Staged<SendMsgZc<Buffers>> {
    without_copy!(manner, both_sent, |socket| SendMsg::new(socket, halves()).zero_copy())
}

pub(super) fn reporting(manner: Manner) -> Staged<Reporting<SendZc<&'static [u8]>>> {
    let told = |(sent, usage): (BufResult<usize, &'static [u8]>, Option<Usage>)| {
        let is_told = usage.is_some();
        all_sent(sent).map(|all| all && is_told)
    };
    without_copy!(manner, told, |socket| SendZc::new(socket, DATA).reporting())
}
