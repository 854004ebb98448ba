//! [`Watches`]: descriptors that operations wait for.
//!
//! A set of epoll has one registration for a descriptor, and many operations may wait for it. So
//! each descriptor has a list of those, and its registration asks for what all of them together
//! want, once (`EPOLLONESHOT`). What an operation finds out may be out of date: it tries, and waits
//! once more where that was in vain.

use std::collections::{BTreeMap, HashMap};
use std::os::fd::RawFd;
use std::sync::Arc;

use super::epoll::{Change, Epoll};
use super::operations::Id;
use super::work::{Then, Wait};

const ALWAYS: u32 = (libc::POLLERR | libc::POLLHUP) as u32;

/// Descriptors that operations wait for.
#[derive(Debug)]
pub(super) struct Watches {
    epoll: Arc<Epoll>,
    by_fd: HashMap<RawFd, Watch>,
}

/// A descriptor that operations wait for.
#[derive(Debug, Default)]
struct Watch {
    /// In the order of their submission.
    waiters: BTreeMap<Id, Wait>,
    registered: bool,
    /// What is asked for; nothing, where it was answered.
    armed: Option<u32>,
    /// Whether an operation has the descriptor for itself.
    taken: bool,
}

impl Watch {
    /// What the waiters want; `None` where there is none that could have it.
    fn wanted(&self) -> Option<u32> {
        let able = |wait: &&Wait| !(self.taken && wait.then == Then::BlockAlone);
        self.waiters.values().filter(able).map(|wait| wait.events).reduce(|all, one| all | one)
    }
}

impl Watches {
    pub(super) fn new(epoll: Arc<Epoll>) -> Watches {
        Watches { epoll, by_fd: HashMap::new() }
    }

    /// Lets an operation wait.
    ///
    /// # Errors
    ///
    /// The `errno` of `epoll_ctl(2)`: `EPERM` where the file is always ready.
    pub(super) fn add(&mut self, id: Id, wait: Wait) -> Result<(), i32> {
        let watch = self.by_fd.entry(wait.fd).or_default();
        watch.waiters.insert(id, wait);
        // What the others want is asked for already: thousands may wait, and each comes this way.
        if watch.armed.is_some_and(|armed| armed & wait.events == wait.events) {
            return Ok(());
        }
        self.arm(wait.fd).inspect_err(|_| self.remove(id, wait.fd))
    }

    /// Lets an operation wait no longer.
    pub(super) fn remove(&mut self, id: Id, fd: RawFd) {
        if let Some(watch) = self.by_fd.get_mut(&fd) {
            watch.waiters.remove(&id);
        }
        self.tidy(fd);
    }

    /// Takes those who have waited for this. One of those that want the descriptor for themselves
    /// gets it.
    pub(super) fn take(&mut self, fd: RawFd, events: u32) -> Vec<Id> {
        let Some(watch) = self.by_fd.get_mut(&fd) else { return Vec::new() };
        watch.armed = None;
        let mut woken = Vec::new();
        for (&id, wait) in &watch.waiters {
            if events & (wait.events | ALWAYS) == 0 {
                continue;
            }
            if wait.then == Then::BlockAlone {
                if watch.taken {
                    continue;
                }
                watch.taken = true;
            }
            woken.push(id);
        }
        // They are in order, as the waiters are.
        watch.waiters.retain(|id, _| woken.binary_search(id).is_err());
        // It has been registered, so this cannot fail.
        let _ = self.arm(fd);
        woken
    }

    /// An operation that had the descriptor for itself has it no more.
    pub(super) fn release(&mut self, fd: RawFd) {
        if let Some(watch) = self.by_fd.get_mut(&fd) {
            watch.taken = false;
        }
        let _ = self.arm(fd);
        self.tidy(fd);
    }

    /// Forgets the descriptor, unless it is waited for or somebody has it for himself.
    pub(super) fn tidy(&mut self, fd: RawFd) {
        let idle = |watch: &Watch| watch.waiters.is_empty() && !watch.taken;
        if self.by_fd.get(&fd).is_some_and(idle)
            && let Some(watch) = self.by_fd.remove(&fd)
            && watch.registered
        {
            // It fails where the file is closed, which removes it as well.
            let _ = self.epoll.change(Change::Remove, fd, 0);
        }
    }

    /// Asks for what the waiters want.
    fn arm(&mut self, fd: RawFd) -> Result<(), i32> {
        let Some(watch) = self.by_fd.get_mut(&fd) else { return Ok(()) };
        let Some(wanted) = watch.wanted() else { return Ok(()) };
        if watch.armed.is_some_and(|armed| armed & wanted == wanted) {
            return Ok(());
        }
        let events = wanted | libc::EPOLLONESHOT as u32;
        let change = if watch.registered { Change::Modify } else { Change::Add };
        let changed = match self.epoll.change(change, fd, events) {
            Err(libc::ENOENT) => self.epoll.change(Change::Add, fd, events),
            Err(libc::EEXIST) => self.epoll.change(Change::Modify, fd, events),
            changed => changed,
        };
        if changed.is_ok() {
            watch.registered = true;
            watch.armed = Some(wanted);
        }
        changed
    }
}
