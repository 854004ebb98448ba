//! The events that move nothing: a nop, a timer, a poll, and what ends or changes another one.

use std::io::{self, Write as _};
use std::time::Duration;

use ringbahn_core::Event;
use ringbahn_core::event::{
    AnsweredNop, AsyncCancel, Interest, Nop, PollAdd, PollRemove, PollUpdate, TargetState, Timeout,
    TimeoutRemove, TimeoutUpdate,
};

use crate::elsewhere;
use crate::lifecycle::scene::{Manner, Scene, Staged};
use crate::props::{DATA, pipe, pipe_with_data};
use crate::verdict::Stop;

pub(super) fn nop(manner: Manner) -> Staged<Nop> {
    if manner == Manner::Failing {
        return Err(Stop::skipped("what does nothing cannot fail"));
    }
    Ok(Scene::new(Nop, |it| it.map(|()| true)))
}

pub(super) fn answered_nop(manner: Manner) -> Staged<AnsweredNop> {
    let judge = |answer: io::Result<u32>| answer.map(|number| number == 7);
    let event = match manner {
        Manner::Failing => AnsweredNop::error(&io::Error::from_raw_os_error(libc::EPIPE)),
        _ => AnsweredNop::new(7),
    };
    Ok(Scene::new(event, judge))
}

pub(super) fn timeout(manner: Manner) -> Staged<Timeout> {
    let judge = |result: io::Result<()>| result.map(|()| true);
    match manner {
        Manner::AtOnce => Ok(Scene::new(Timeout::new(Duration::ZERO), judge)),
        Manner::Later => Ok(Scene::new(Timeout::new(Duration::from_millis(2)), judge)),
        Manner::Never => {
            Ok(Scene::new(Timeout::new(Duration::from_secs(3600)), judge).waiting_for_ever())
        }
        Manner::Failing => Err(Stop::skipped("every duration can be waited for")),
    }
}

pub(super) fn poll_add(manner: Manner) -> Staged<PollAdd> {
    let event = |file| PollAdd::new(file, Interest::READABLE);
    let judge = |ready: io::Result<ringbahn_core::event::Ready>| ready.map(|it| it.is_readable());
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
        Manner::Failing => Err(Stop::skipped("a file with an error is ready")),
    }
}

/// A cancel of an operation on another ring, which is there to be cancelled and out of reach.
pub(super) fn async_cancel(manner: Manner) -> Staged<AsyncCancel> {
    let event = AsyncCancel::new(elsewhere::target()?);
    let failure: fn(io::Result<()>) -> io::Result<bool> = |result| result.map(|()| true);
    let judge: fn(io::Result<()>) -> io::Result<bool> = |result| match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(error),
        Ok(()) => Ok(false),
    };
    Ok(Scene::new(event, if manner == Manner::Failing { failure } else { judge }))
}

pub(super) fn poll_remove(manner: Manner) -> Staged<PollRemove> {
    aimed_elsewhere(manner, PollRemove::new(elsewhere::target()?))
}

pub(super) fn poll_update(manner: Manner) -> Staged<PollUpdate> {
    aimed_elsewhere(manner, PollUpdate::new(elsewhere::target()?, Interest::READABLE))
}

pub(super) fn timeout_remove(manner: Manner) -> Staged<TimeoutRemove> {
    aimed_elsewhere(manner, TimeoutRemove::new(elsewhere::target()?))
}

pub(super) fn timeout_update(manner: Manner) -> Staged<TimeoutUpdate> {
    aimed_elsewhere(manner, TimeoutUpdate::new(elsewhere::target()?, Duration::ZERO))
}

/// The scene of what looks for an operation of another ring, and does not find it.
fn aimed_elsewhere<E: Event<Output = io::Result<TargetState>>>(
    manner: Manner,
    event: E,
) -> Staged<E> {
    if manner == Manner::Failing {
        return Err(Stop::skipped("that there is nothing to end or change is told as such"));
    }
    Ok(Scene::new(event, |state| state.map(|state| state == TargetState::Absent)))
}
