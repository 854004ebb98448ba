//! [`Epoll`]: a set of descriptors that are waited for together.
//!
//! Own code upon three system calls, not the crate `polling`: that one wants descriptors that are
//! owned, and it knows readable and writable only, where an entry may ask for any of `poll(2)`'s
//! events.
//!
//! # Safety
//!
//! W1. The calls read and write the events that they are given, during the call only. An event is
//!     two numbers, for which any bits are valid. A descriptor that is not open gives an error.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

use libc::{c_int, epoll_event};

/// How many events are taken at a time.
const EVENTS_MAX: usize = 128;

/// A set of descriptors that are waited for together.
#[derive(Debug)]
pub(super) struct Epoll(OwnedFd);

/// What has happened to a descriptor.
#[derive(Clone, Copy, Debug)]
pub(super) struct Event {
    pub(super) fd: RawFd,
    pub(super) events: u32,
}

/// What to do with a descriptor of the set.
#[derive(Clone, Copy, Debug)]
pub(super) enum Change {
    Add,
    Modify,
    Remove,
}

impl Epoll {
    pub(super) fn new() -> io::Result<Epoll> {
        // SAFETY: W1; the call takes no address.
        let fd = unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: W1; the call has just returned a new descriptor, which nobody else owns.
        Ok(Epoll(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// The number of its descriptor.
    pub(super) fn number(&self) -> RawFd {
        self.0.as_raw_fd()
    }

    /// Changes what of `fd` is waited for to `events`, with `EPOLLONESHOT` and the like.
    ///
    /// # Errors
    ///
    /// The `errno` of the call.
    pub(super) fn change(&self, change: Change, fd: RawFd, events: u32) -> Result<(), i32> {
        let operation = match change {
            Change::Add => libc::EPOLL_CTL_ADD,
            Change::Modify => libc::EPOLL_CTL_MOD,
            Change::Remove => libc::EPOLL_CTL_DEL,
        };
        let mut event = epoll_event { events, u64: fd as u64 };
        let set = self.0.as_raw_fd();
        // SAFETY: W1; `event` is a local that outlives the call.
        let returned = unsafe { libc::epoll_ctl(set, operation, fd, &raw mut event) };
        if returned == 0 { Ok(()) } else { Err(last_errno()) }
    }

    /// Waits until something has happened, and leaves it in `into`. That may be nothing.
    pub(super) fn wait(&self, into: &mut Vec<Event>) {
        self.fetch(into, -1);
    }

    /// Leaves in `into` what has happened so far.
    pub(super) fn take(&self, into: &mut Vec<Event>) {
        self.fetch(into, 0);
    }

    fn fetch(&self, into: &mut Vec<Event>, timeout_ms: c_int) {
        let mut events = [epoll_event { events: 0, u64: 0 }; EVENTS_MAX];
        let set = self.0.as_raw_fd();
        let count = EVENTS_MAX as c_int;
        // SAFETY: W1; there is room for `count` events.
        let count = unsafe { libc::epoll_wait(set, events.as_mut_ptr(), count, timeout_ms) };
        // An error is a signal, and the next wait comes at once.
        let count = usize::try_from(count).unwrap_or(0);
        into.clear();
        into.extend(
            events.iter().take(count).map(|e| Event { fd: e.u64 as RawFd, events: e.events }),
        );
    }
}

/// The `errno` of the call that has just failed.
pub(super) fn last_errno() -> i32 {
    io::Error::last_os_error().raw_os_error().unwrap_or(libc::EIO)
}
