//! The events that yield one item after the other. What becomes of the first one counts.

use std::io::Write as _;
use std::net::TcpStream;
use std::time::Duration;

use ringbahn_core::ProvidedBuffer;
use ringbahn_core::event::{
    AcceptMulti, Interest, Message, PollMulti, ReadMulti, Ready, RecvMsgMulti, RecvMulti,
    TimeoutMulti,
};

use crate::lifecycle::resources::Resources;
use crate::lifecycle::scene::{Manner, StagedStream, StreamScene};
use crate::props::{
    DATA, datagrams, listener, pipe, pipe_with_data, shared, socket_pair, unreadable,
};
use crate::verdict::Stop;

fn is_data(buffer: &ProvidedBuffer) -> bool {
    buffer[..] == *DATA
}

fn is_message(message: &Message) -> bool {
    message[..] == *DATA
}

pub(super) fn accept(manner: Manner) -> StagedStream<AcceptMulti> {
    if manner == Manner::Failing {
        // Nothing can be accepted there.
        return Ok(StreamScene::new(AcceptMulti::new(shared(datagrams()?)), |_| true));
    }
    let listener = listener()?;
    let address = listener.local_addr()?;
    let scene = StreamScene::new(AcceptMulti::new(shared(listener)), |_connection| true);
    match manner {
        Manner::AtOnce => Ok(scene.keeping(TcpStream::connect(address)?)),
        _ => Ok(scene.waiting(move || TcpStream::connect(address))),
    }
}

pub(super) fn poll(manner: Manner) -> StagedStream<PollMulti> {
    let event = |file| PollMulti::new(file, Interest::READABLE);
    let judge = |ready: &Ready| ready.is_readable();
    match manner {
        Manner::AtOnce => {
            let (reader, writer) = pipe_with_data()?;
            Ok(StreamScene::new(event(reader), judge).keeping(writer))
        }
        Manner::Later | Manner::Never => {
            let (reader, mut writer) = pipe()?;
            let go = move || writer.write_all(DATA).map(|()| writer);
            Ok(StreamScene::new(event(reader), judge).waiting(go))
        }
        Manner::Failing => Err(Stop::skipped("a file with an error is ready")),
    }
}

pub(super) fn read(manner: Manner, resources: &Resources) -> StagedStream<ReadMulti> {
    let event = |file| ReadMulti::new(file, resources.group());
    match manner {
        Manner::AtOnce => {
            let (reader, writer) = pipe_with_data()?;
            Ok(StreamScene::new(event(reader), is_data).keeping(writer))
        }
        Manner::Later | Manner::Never => {
            let (reader, mut writer) = pipe()?;
            let go = move || writer.write_all(DATA).map(|()| writer);
            Ok(StreamScene::new(event(reader), is_data).waiting(go))
        }
        Manner::Failing => {
            let (file, other) = unreadable()?;
            Ok(StreamScene::new(event(file), is_data).keeping(other))
        }
    }
}

/// Makes the scene of a stream that `$event` makes of its socket.
macro_rules! from_socket {
    ($manner:expr, $judge:expr, $event:expr) => {
        match $manner {
            Manner::AtOnce => {
                let (near, mut far) = socket_pair()?;
                far.write_all(DATA)?;
                Ok(StreamScene::new($event(near), $judge).keeping(far))
            }
            Manner::Later | Manner::Never => {
                let (near, mut far) = socket_pair()?;
                let go = move || far.write_all(DATA).map(|()| far);
                Ok(StreamScene::new($event(near), $judge).waiting(go))
            }
            Manner::Failing => {
                let (file, other) = pipe()?;
                Ok(StreamScene::new($event(file), $judge).keeping(other))
            }
        }
    };
}

pub(super) fn recv(manner: Manner, resources: &Resources) -> StagedStream<RecvMulti> {
    from_socket!(manner, is_data, |socket| RecvMulti::new(socket, resources.group()))
}

pub(super) fn recv_msg(manner: Manner, resources: &Resources) -> StagedStream<RecvMsgMulti> {
    from_socket!(manner, is_message, |socket| RecvMsgMulti::new(socket, resources.group()))
}

pub(super) fn timeout(manner: Manner) -> StagedStream<TimeoutMulti> {
    let scene = |period| StreamScene::new(TimeoutMulti::new(period), |()| true);
    match manner {
        Manner::AtOnce => Ok(scene(Duration::from_millis(1))),
        Manner::Later => Ok(scene(Duration::from_millis(2))),
        Manner::Never => Ok(scene(Duration::from_secs(3600)).waiting_for_ever()),
        Manner::Failing => Err(Stop::skipped("every duration can be waited for")),
    }
}
