//! The events that wait for others than files, or have to do with such waits.

use std::io::{self, Write as _};
use std::num::{NonZeroU16, NonZeroU32};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use ringbahn_core::event::{
    ChildState, EpollCtl, EpollReady, EpollWait, FutexEnd, FutexWait, FutexWaitv, FutexWake,
    FutexWord, Interest, WaitId,
};
use ringbahn_core::{Event, SharedFd};
use rustix::event::epoll;
use rustix::thread::futex;

use crate::lifecycle::scene::{Manner, Scene, Staged};
use crate::props::{DATA, file_with, pipe, shared};
use crate::verdict::Stop;

fn set_of_epoll() -> io::Result<SharedFd> {
    Ok(shared(epoll::create(epoll::CreateFlags::CLOEXEC)?))
}

pub(super) fn epoll_ctl(manner: Manner) -> Staged<EpollCtl> {
    let set = set_of_epoll()?;
    let judge = |added: io::Result<()>| added.map(|()| true);
    if manner == Manner::Failing {
        // A file on a disk cannot be waited for.
        let file = shared(file_with(DATA)?);
        return Ok(Scene::new(EpollCtl::add(set, file, Interest::READABLE, 7)?, judge));
    }
    let (reader, writer) = pipe()?;
    let event = EpollCtl::add(set, reader, Interest::READABLE, 7)?;
    Ok(Scene::new(event, judge).keeping(writer))
}

pub(super) fn epoll_wait(manner: Manner) -> Staged<EpollWait> {
    let event = |set| EpollWait::new(set, NonZeroU16::MIN);
    let judge = |told: io::Result<Vec<EpollReady>>| {
        told.map(|told| matches!(told[..], [one] if one.data == 7 && one.ready.is_readable()))
    };
    let (reader, mut writer) = io::pipe()?;
    if manner == Manner::Failing {
        return Ok(Scene::new(event(shared(reader)), judge).keeping(writer));
    }
    let set = epoll::create(epoll::CreateFlags::CLOEXEC).map_err(io::Error::from)?;
    let data = epoll::EventData::new_u64(7);
    epoll::add(&set, &reader, data, epoll::EventFlags::IN).map_err(io::Error::from)?;
    let scene = Scene::new(event(shared(set)), judge);
    if manner == Manner::AtOnce {
        writer.write_all(DATA)?;
        return Ok(scene.keeping((reader, writer)));
    }
    let go = move || writer.write_all(DATA).map(|()| writer);
    Ok(scene.keeping(reader).waiting(go))
}

/// The scene of a wait that `event` makes of a word that is 0. Whoever lets it go changes the word
/// first, so it may also be too late to wait.
fn of_word<E: Event<Output = io::Result<FutexEnd>>>(
    manner: Manner,
    event: impl FnOnce(FutexWord) -> Result<E, Stop>,
) -> Staged<E> {
    let judge = |end: io::Result<FutexEnd>| end.map(|_| true);
    if manner == Manner::Failing {
        return Err(Stop::skipped("a word that is there can be waited for"));
    }
    let word = Arc::new(AtomicU32::new(u32::from(manner == Manner::AtOnce)));
    let scene = Scene::new(event(FutexWord::new(word.clone()))?, judge);
    if manner == Manner::AtOnce {
        return Ok(scene);
    }
    Ok(scene.waiting(move || {
        word.store(1, Ordering::SeqCst);
        futex::wake(&word, futex::Flags::PRIVATE, u32::MAX)?;
        Ok(word)
    }))
}

pub(super) fn futex_wait(manner: Manner) -> Staged<FutexWait> {
    of_word(manner, |word| Ok(FutexWait::new(word, 0)))
}

pub(super) fn futex_waitv(manner: Manner) -> Staged<FutexWaitv> {
    let other = FutexWord::new(Arc::new(AtomicU32::new(5)));
    of_word(manner, |word| Ok(FutexWaitv::new([(other, 5), (word, 0)])?))
}

pub(super) fn futex_wake(manner: Manner) -> Staged<FutexWake> {
    if manner == Manner::Failing {
        return Err(Stop::skipped("that there is nobody to be woken is no error"));
    }
    let word = FutexWord::new(Arc::new(AtomicU32::new(0)));
    Ok(Scene::new(FutexWake::all(word), |woken| woken.map(|count| count == 0)))
}

/// A child process that ends when it has nothing more to read.
struct Reader(Child);

impl Reader {
    fn new() -> io::Result<Reader> {
        let mut program = Command::new("cat");
        let program = program.stdin(Stdio::piped()).stdout(Stdio::null());
        Ok(Reader(program.spawn()?))
    }

    fn id(&self) -> NonZeroU32 {
        NonZeroU32::new(self.0.id()).expect("no child has the number 0")
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        // It was there, since the event has only looked.
        let _ = self.0.wait();
    }
}

pub(super) fn wait_id(manner: Manner) -> Staged<WaitId> {
    let judge = |state: io::Result<ChildState>| {
        state.map(|it| it.exit_status().is_some_and(|status| status.success()))
    };
    let event = |process| WaitId::process(process).keep(true);
    if manner == Manner::Failing {
        // The first process is nobody's child here.
        return Ok(Scene::new(event(NonZeroU32::MIN), judge));
    }
    let mut child = Reader::new()?;
    let process = child.id();
    if manner == Manner::AtOnce {
        drop(child.0.stdin.take());
        return Ok(Scene::new(event(process), judge).keeping(child));
    }
    Ok(Scene::new(event(process), judge).waiting(move || {
        drop(child.0.stdin.take());
        Ok(child)
    }))
}
