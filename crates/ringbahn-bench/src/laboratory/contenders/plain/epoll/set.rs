//! [`Set`]: what a loop waits for.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use rustix::io::Errno;

/// How many are told at once.
const EVENTS: usize = 1024;

/// What a loop waits for.
pub(super) struct Set {
    epoll: OwnedFd,
    events: Vec<epoll::Event>,
}

impl Set {
    pub(super) fn new() -> io::Result<Set> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        Ok(Set { epoll, events: Vec::with_capacity(EVENTS) })
    }

    /// Whether something can be read is told from now on, by a number.
    pub(super) fn add(&self, source: impl AsFd, number: usize) -> io::Result<()> {
        let data = epoll::EventData::new_u64(number as u64);
        Ok(epoll::add(&self.epoll, source, data, epoll::EventFlags::IN)?)
    }

    /// From now on it is told whether something can be written, and not whether it can be read; or
    /// the other way round.
    pub(super) fn turn(&self, source: impl AsFd, number: usize, to_write: bool) -> io::Result<()> {
        let data = epoll::EventData::new_u64(number as u64);
        let flags = if to_write { epoll::EventFlags::OUT } else { epoll::EventFlags::IN };
        Ok(epoll::modify(&self.epoll, source, data, flags)?)
    }

    /// Waits until there is one, or for so long. How many there are.
    pub(super) fn wait(&mut self, time: Option<Duration>) -> io::Result<usize> {
        let time = time.map(Timespec::try_from).transpose().map_err(io::Error::other)?;
        self.events.clear();
        match epoll::wait(&self.epoll, spare_capacity(&mut self.events), time.as_ref()) {
            Ok(_) | Err(Errno::INTR) => Ok(self.events.len()),
            Err(error) => Err(error.into()),
        }
    }

    /// The number of one of those that there were.
    pub(super) fn number(&self, event: usize) -> usize {
        self.events[event].data.u64() as usize
    }
}
