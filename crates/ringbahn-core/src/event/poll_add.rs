//! [`PollAdd`]: until a file is ready.
#![allow(unsafe_code)]

use std::io;
use std::ops::BitOr;

use crate::event::Event;
use crate::fd::SharedFd;
use crate::opcode;
use crate::operation::repeats::Repeats;
use crate::outcome::Outcome;
use crate::sqe::{Sqe, Sqes};

/// What to wait for.
///
/// ```
/// use ringbahn_core::event::Interest;
///
/// let both = Interest::READABLE | Interest::WRITABLE;
/// assert_ne!(both, Interest::READABLE);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Interest(i16);

impl Interest {
    /// There is something to read, or a connection to accept, or the end has come (`POLLIN`).
    pub const READABLE: Interest = Interest(libc::POLLIN);
    /// There is room to write, or a connection stands (`POLLOUT`).
    pub const WRITABLE: Interest = Interest(libc::POLLOUT);
    /// Something exceptional, such as out-of-band data (`POLLPRI`).
    pub const PRIORITY: Interest = Interest(libc::POLLPRI);
    /// The peer will send no more (`POLLRDHUP`).
    pub const READ_CLOSED: Interest = Interest(libc::POLLRDHUP);

    /// The bits of `poll(2)`, which are those of `epoll_ctl(2)`.
    pub(super) fn bits(self) -> u32 {
        u32::from(self.0.cast_unsigned())
    }

    /// The word of the entry: the halves of 32 bits are swapped on big-endian machines.
    pub(crate) fn entry_mask(self) -> u32 {
        let mask = u32::from(self.0.cast_unsigned());
        if cfg!(target_endian = "big") { mask.rotate_left(16) } else { mask }
    }
}

impl BitOr for Interest {
    type Output = Interest;

    fn bitor(self, other: Interest) -> Interest {
        Interest(self.0 | other.0)
    }
}

/// What a file was found ready for. Errors and hang-ups are reported also where nobody asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ready(i16);

impl Ready {
    pub(super) fn from_mask(mask: u32) -> Ready {
        // Every flag there is fits in 16 bits.
        Ready(mask as i16)
    }

    /// There is something to read, or a connection to accept, or the end has come (`POLLIN`).
    pub const fn is_readable(self) -> bool {
        self.0 & libc::POLLIN != 0
    }

    /// There is room to write, or a connection stands (`POLLOUT`).
    pub const fn is_writable(self) -> bool {
        self.0 & libc::POLLOUT != 0
    }

    /// Something exceptional, such as out-of-band data (`POLLPRI`).
    pub const fn is_priority(self) -> bool {
        self.0 & libc::POLLPRI != 0
    }

    /// The peer will send no more (`POLLRDHUP`), or is gone altogether.
    pub const fn is_read_closed(self) -> bool {
        self.0 & (libc::POLLRDHUP | libc::POLLHUP) != 0
    }

    /// The file has an error (`POLLERR`): of a pipe's writing end, that nobody reads any more.
    pub const fn is_error(self) -> bool {
        self.0 & libc::POLLERR != 0
    }

    /// The other end is gone (`POLLHUP`).
    pub const fn is_hung_up(self) -> bool {
        self.0 & libc::POLLHUP != 0
    }
}

/// Waits until a file is ready for something.
///
/// Works for regular files too, which are ready always.
///
/// # Errors
///
/// None of its own: errors of the file are in [`Ready`].
///
/// # Cancellation
///
/// Stops at once. Nothing is lost with its output: the file is as ready as it was.
///
/// # Kernel
///
/// Linux 5.1. The file is the event's until completion.
///
/// # References
///
/// [`poll(2)`](https://man7.org/linux/man-pages/man2/poll.2.html)
#[doc(alias = "IORING_OP_POLL_ADD")]
#[derive(Debug)]
pub struct PollAdd {
    file: SharedFd,
    interest: Interest,
}

impl PollAdd {
    /// Waits until `file` is ready for any of `interest`.
    pub fn new(file: impl Into<SharedFd>, interest: Interest) -> PollAdd {
        PollAdd { file: file.into(), interest }
    }
}

impl Event for PollAdd {
    type Output = io::Result<Ready>;

    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        // SAFETY: S1 by E2; the entry names no memory.
        let entry = unsafe { Sqe::new(opcode::POLL_ADD) };
        sqes.push(entry.file(&self.file).op_flags(self.interest.entry_mask()));
    }

    fn complete(self, outcome: Outcome<'_, Self>) -> io::Result<Ready> {
        outcome.result().map(Ready::from_mask)
    }

    #[inline]
    fn repeats(&self) -> Repeats {
        Repeats::FAILED
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::testing::{complete, shared_null};

    #[test]
    fn the_mask_says_what_the_file_is_ready_for() {
        let poll = || PollAdd::new(shared_null(), Interest::READABLE | Interest::READ_CLOSED);
        let ready = complete(poll(), i32::from(libc::POLLIN | libc::POLLHUP)).unwrap();
        assert!(ready.is_readable() && ready.is_hung_up() && ready.is_read_closed());
        assert!(!ready.is_writable() && !ready.is_error() && !ready.is_priority());
        assert!(complete(poll(), -libc::ECANCELED).is_err());
        assert!(complete(poll(), -512).is_err());
    }
}
