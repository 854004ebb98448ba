//! [`Edges`]: descriptors of which operations are told each time that they become ready.
//!
//! Those that wait until a descriptor is ready look at it as it is ([`watches`](super::watches));
//! these look at what happens to it. So they have a set of epoll of their own, edge-triggered,
//! which is itself in the reactor's.

use std::collections::{BTreeMap, HashMap};
use std::os::fd::RawFd;
use std::sync::Arc;

use super::epoll::{Change, Epoll, Event};
use super::operations::Id;

const ALWAYS: u32 = (libc::POLLERR | libc::POLLHUP) as u32;

/// Descriptors of which operations are told each time that they become ready.
#[derive(Debug)]
pub(super) struct Edges {
    /// The reactor's set.
    around: Arc<Epoll>,
    /// Their own, once there has been one.
    epoll: Option<Epoll>,
    by_fd: HashMap<RawFd, BTreeMap<Id, u32>>,
    /// Where events are put.
    events: Vec<Event>,
}

impl Edges {
    /// None at first, in a set that is to be in `around`.
    pub(super) fn new(around: Arc<Epoll>) -> Edges {
        Edges { around, epoll: None, by_fd: HashMap::new(), events: Vec::new() }
    }

    /// Tells an operation of `events` of `fd` from now on; first, if it is ready already.
    ///
    /// # Errors
    ///
    /// The `errno` of `epoll_ctl(2)`: `EPERM` where the file is always ready; those of a new set.
    pub(super) fn add(&mut self, id: Id, fd: RawFd, events: u32) -> Result<(), i32> {
        if self.epoll.is_none() {
            let set = Epoll::new().map_err(|error| error.raw_os_error().unwrap_or(libc::EMFILE))?;
            self.around.change(Change::Add, set.number(), libc::EPOLLIN as u32)?;
            self.epoll = Some(set);
        }
        self.by_fd.entry(fd).or_default().insert(id, events);
        self.arm(fd).inspect_err(|_| self.remove(id, fd))
    }

    /// Tells an operation of nothing any more.
    pub(super) fn remove(&mut self, id: Id, fd: RawFd) {
        let Some(told) = self.by_fd.get_mut(&fd) else { return };
        told.remove(&id);
        if told.is_empty() {
            self.by_fd.remove(&fd);
            // It fails where the file is closed, which removes it as well, or was never in there.
            let _ = self.change(Change::Remove, fd, 0);
        }
    }

    /// Takes what has happened: who is to be told, and of what. `None` where `set` is not that of
    /// these descriptors.
    pub(super) fn take(&mut self, set: RawFd) -> Option<Vec<(Id, u32)>> {
        let epoll = self.epoll.as_ref().filter(|epoll| epoll.number() == set)?;
        epoll.take(&mut self.events);
        let mut all = Vec::new();
        for event in &self.events {
            let told = self.by_fd.get(&event.fd).into_iter().flatten();
            let told = told.map(|(&id, &events)| (id, event.events & (events | ALWAYS)));
            all.extend(told.filter(|&(_, events)| events != 0));
        }
        Some(all)
    }

    /// Asks for what all of them want. Those that were there before are told once more.
    fn arm(&mut self, fd: RawFd) -> Result<(), i32> {
        let Some(told) = self.by_fd.get(&fd) else { return Ok(()) };
        let wanted = told.values().fold(libc::EPOLLET as u32, |all, events| all | events);
        match self.change(Change::Add, fd, wanted) {
            Err(libc::EEXIST) => self.change(Change::Modify, fd, wanted),
            changed => changed,
        }
    }

    fn change(&self, change: Change, fd: RawFd, events: u32) -> Result<(), i32> {
        self.epoll.as_ref().map_or(Ok(()), |epoll| epoll.change(change, fd, events))
    }
}
