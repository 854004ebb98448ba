//! [`EpollCtl`]: a change of a set of epoll.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::RawFd;

use crate::event::{Event, Interest};
use crate::fd::{Place, SharedFd};
use crate::opcode;
use crate::outcome::Outcome;
use crate::sqe::{Sqe, Sqes};

/// What a set of epoll is to tell about a file, and how.
///
/// ```
/// use ringbahn_core::event::{EpollInterest, Interest};
///
/// let level = EpollInterest::from(Interest::READABLE);
/// let edge = EpollInterest::from(Interest::READABLE | Interest::WRITABLE).edge_triggered();
/// assert_ne!(level, edge);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EpollInterest(u32);

impl EpollInterest {
    /// Told when the file gets ready, and not while it is (`EPOLLET`).
    #[must_use]
    pub fn edge_triggered(self) -> EpollInterest {
        self.with(libc::EPOLLET)
    }

    /// Told once, until the interest is changed (`EPOLLONESHOT`).
    #[must_use]
    pub fn one_shot(self) -> EpollInterest {
        self.with(libc::EPOLLONESHOT)
    }

    /// Of several sets that say this of a file, one at least is told and not all
    /// (`EPOLLEXCLUSIVE`). Only a file that is added can be had so.
    #[must_use]
    pub fn exclusive(self) -> EpollInterest {
        self.with(libc::EPOLLEXCLUSIVE)
    }

    /// The machine does not fall asleep until somebody has dealt with it (`EPOLLWAKEUP`).
    #[must_use]
    pub fn keeping_awake(self) -> EpollInterest {
        self.with(libc::EPOLLWAKEUP)
    }

    fn with(self, flag: i32) -> EpollInterest {
        EpollInterest(self.0 | flag.cast_unsigned())
    }
}

/// Told as long as the file is ready.
impl From<Interest> for EpollInterest {
    fn from(interest: Interest) -> EpollInterest {
        EpollInterest(interest.bits())
    }
}

/// Adds a file to a set of epoll, takes it out, or changes what it is there for.
///
/// For programs that have a set already: to wait for one file a [`PollAdd`](crate::event::PollAdd)
/// does.
///
/// # Errors
///
/// Those of `epoll_ctl(2)`: `AlreadyExists`, `NotFound`, `EPERM` for a file that cannot be waited
/// for, …
///
/// # Cancellation
///
/// Ends at once, so a cancel finds nothing.
///
/// # Kernel
///
/// Linux 5.6. The set, the file and what is said of it are the event's until completion; the set
/// does not keep the file open after that.
///
/// # References
///
/// [`epoll_ctl(2)`](https://man7.org/linux/man-pages/man2/epoll_ctl.2.html)
#[doc(alias = "IORING_OP_EPOLL_CTL")]
pub struct EpollCtl {
    set: SharedFd,
    file: SharedFd,
    operation: i32,
    event: libc::epoll_event,
}

impl EpollCtl {
    /// Adds `file` to `set`, which tells of it by `data`.
    ///
    /// # Errors
    ///
    /// `InvalidInput` where one of them is a direct descriptor.
    pub fn add(
        set: impl Into<SharedFd>,
        file: impl Into<SharedFd>,
        interest: impl Into<EpollInterest>,
        data: u64,
    ) -> io::Result<EpollCtl> {
        EpollCtl::change(set.into(), file.into(), libc::EPOLL_CTL_ADD, interest.into(), data)
    }

    /// Changes what `set` tells of `file`, which is in it, and by what.
    ///
    /// # Errors
    ///
    /// `InvalidInput` where one of them is a direct descriptor.
    pub fn modify(
        set: impl Into<SharedFd>,
        file: impl Into<SharedFd>,
        interest: impl Into<EpollInterest>,
        data: u64,
    ) -> io::Result<EpollCtl> {
        EpollCtl::change(set.into(), file.into(), libc::EPOLL_CTL_MOD, interest.into(), data)
    }

    /// Takes `file` out of `set`.
    ///
    /// # Errors
    ///
    /// `InvalidInput` where one of them is a direct descriptor.
    pub fn remove(set: impl Into<SharedFd>, file: impl Into<SharedFd>) -> io::Result<EpollCtl> {
        EpollCtl::change(set.into(), file.into(), libc::EPOLL_CTL_DEL, EpollInterest(0), 0)
    }

    fn change(
        set: SharedFd,
        file: SharedFd,
        operation: i32,
        interest: EpollInterest,
        data: u64,
    ) -> io::Result<EpollCtl> {
        set.number()?;
        file.number()?;
        let event = libc::epoll_event { events: interest.0, u64: data };
        Ok(EpollCtl { set, file, operation, event })
    }

    /// The number of the file, which is no direct descriptor.
    fn number(&self) -> RawFd {
        match self.file.place() {
            Place::Descriptor(number) => number,
            Place::Direct(..) => -1,
        }
    }
}

impl std::fmt::Debug for EpollCtl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut f = f.debug_struct("EpollCtl");
        f.field("set", &self.set).field("file", &self.file).field("operation", &self.operation);
        f.finish_non_exhaustive()
    }
}

impl Event for EpollCtl {
    type Output = io::Result<()>;

    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        // SAFETY: S1 by E1 and E2: what is said of the file is the event's, as are the shares of
        // the file and the set.
        let entry = unsafe { Sqe::new(opcode::EPOLL_CTL) }.file(&self.set);
        let entry = entry.address(&raw const self.event).offset(self.number() as u64);
        sqes.push(entry.length(self.operation.cast_unsigned()));
    }

    fn complete(self, outcome: Outcome<'_, Self>) -> io::Result<()> {
        outcome.result().map(drop)
    }
}
