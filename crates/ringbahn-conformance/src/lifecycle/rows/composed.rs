//! The events that are made of others.

use std::convert;
use std::io::{self, Write as _};
use std::time::Duration;

use ringbahn_core::BufResult;
use ringbahn_core::event::{
    Drained, Either, EventExt, Interest, Link, LinkTimeout, Mapped, Nop, Position, Read, Recv,
    Rescued, Step, Stepped, Then, TimeLimit, WhenReady,
};

use super::receives::is_data;
use crate::lifecycle::scene::{Manner, Scene, Staged};
use crate::props::{DATA, impatient_pipe, pipe, pipe_with_data, unreadable};
use crate::verdict::Stop;

type ReadOfData = Read<Vec<u8>>;
type Keeper = fn(BufResult<usize, Vec<u8>>);
type Same = fn(BufResult<usize, Vec<u8>>) -> BufResult<usize, Vec<u8>>;

fn read(file: ringbahn_core::SharedFd) -> ReadOfData {
    Read::new(file, Vec::with_capacity(DATA.len()), Position::Current)
}

/// Makes the scene of an event that `$event` makes of the file that is to be read.
macro_rules! around_a_read {
    ($manner:expr, $judge:expr, $empty:expr, $event:expr) => {
        match $manner {
            Manner::AtOnce => {
                let (reader, writer) = pipe_with_data()?;
                Ok(Scene::new($event(reader), $judge).keeping(writer))
            }
            Manner::Later | Manner::Never => {
                let (reader, mut writer) = $empty?;
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

/// A ring that others use refuses it; one that takes it has nothing else to do here.
pub(super) fn drained(manner: Manner) -> Staged<Drained<Nop>> {
    if manner == Manner::Failing {
        return Err(Stop::skipped("what does nothing cannot fail"));
    }
    Ok(Scene::new(Nop.drained(), |done| done.map(|()| true)))
}

pub(super) fn either(manner: Manner) -> Staged<Either<ReadOfData, Recv<Vec<u8>>>> {
    around_a_read!(manner, is_data, pipe(), |file| Either::first(read(file)))
}

pub(super) fn mapped(manner: Manner) -> Staged<Mapped<ReadOfData, Same>> {
    around_a_read!(manner, is_data, pipe(), |file| Mapped::new(
        read(file),
        convert::identity as Same
    ))
}

pub(super) fn rescued(manner: Manner) -> Staged<Rescued<ReadOfData, Keeper>> {
    around_a_read!(manner, is_data, pipe(), |file| Rescued::new(read(file), drop as Keeper))
}

pub(super) fn when_ready(manner: Manner) -> Staged<WhenReady<ReadOfData>> {
    around_a_read!(manner, is_data, impatient_pipe(), |file: ringbahn_core::SharedFd| {
        WhenReady::new(read(file.clone()), file, Interest::READABLE)
    })
}

pub(super) fn link(manner: Manner) -> Staged<Link<ReadOfData, Nop>> {
    around_a_read!(manner, both_done, pipe(), |file| read(file).link(Nop))
}

/// A limit that nothing comes to.
pub(super) fn link_timeout(manner: Manner) -> Staged<LinkTimeout<ReadOfData>> {
    let judge = |(read, limit): (_, io::Result<TimeLimit>)| {
        let is_data = is_data(read)?;
        limit.map(|limit| is_data && limit == TimeLimit::Kept)
    };
    around_a_read!(manner, judge, pipe(), |file| {
        LinkTimeout::new(read(file), Duration::from_secs(3600))
    })
}

pub(super) fn then(manner: Manner) -> Staged<Then<ReadOfData, Nop>> {
    around_a_read!(manner, both_done, pipe(), |file| read(file).then(Nop))
}

pub(super) fn stepped(manner: Manner) -> Staged<Stepped<ReadOfData>> {
    let judge = |step: Step<_>| is_data(step.into_output());
    around_a_read!(manner, judge, pipe(), |file| read(file).stepped())
}

fn both_done((first, second): (BufResult<usize, Vec<u8>>, io::Result<()>)) -> io::Result<bool> {
    let is_data = is_data(first)?;
    second.map(|()| is_data)
}
