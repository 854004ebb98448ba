//! An eventfd that is told of completions: [`Notice`].

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use ringbahn_core::Sharing;

use super::Registrar;
use crate::queue::registry::{Lease, Release};
use crate::sys::ring_name::register_eventfd;
use crate::sys::tuning::register_eventfd_late;
use crate::sys::uapi::{REGISTER_EVENTFD, REGISTER_EVENTFD_ASYNC};

/// Of which completions an eventfd is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Notify {
    /// All.
    #[default]
    All,
    /// Those that come after the call that has submitted their operation: Linux 5.6.
    Late,
}

/// An eventfd that a ring writes to when there are completions. The ring lets go of it when this is
/// dropped.
///
/// What it counts is a hint: it may be written to more often, or less often, than there are
/// completions.
#[derive(Debug)]
pub struct Notice {
    eventfd: OwnedFd,
    lease: Lease,
}

impl<S: Sharing> Registrar<'_, S> {
    /// Has the ring write to `eventfd` when there are completions, for somebody who watches it.
    ///
    /// A ring has one at a time. One that puts completions off has it used where an operation is
    /// executed beside it, for want of a kernel that knows it; then there is none left.
    ///
    /// # Errors
    ///
    /// `ResourceBusy` where the ring has one; `InvalidInput` for another descriptor than one of
    /// `eventfd(2)`; `Unsupported` with [`Lacking`](crate::Lacking), on the fallback, and in a
    /// forked child.
    ///
    /// # Kernel
    ///
    /// Linux 5.2.
    pub fn notify(&self, eventfd: OwnedFd, of: Notify) -> io::Result<Notice> {
        let lease = Lease::new(self.ring.rings())?;
        match of {
            Notify::All => {
                self.ask(REGISTER_EVENTFD, |ring| register_eventfd(ring, eventfd.as_fd()))
            }
            Notify::Late => {
                let told = eventfd.as_fd();
                self.ask(REGISTER_EVENTFD_ASYNC, |ring| register_eventfd_late(ring, told))
            }
        }?;
        Ok(Notice { eventfd, lease })
    }
}

impl AsFd for Notice {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.eventfd.as_fd()
    }
}

impl Drop for Notice {
    fn drop(&mut self) {
        self.lease.release(Release::Eventfd);
    }
}
