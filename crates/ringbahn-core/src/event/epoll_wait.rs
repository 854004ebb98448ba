//! [`EpollWait`]: until a set of epoll has something to tell.
#![allow(unsafe_code)]

use std::io;
use std::num::NonZeroU16;

use crate::event::transfer::Faults;
use crate::event::{Event, Ready};
use crate::fd::SharedFd;
use crate::opcode;
use crate::outcome::Outcome;
use crate::sqe::{Sqe, Sqes};

/// What a set of epoll tells of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EpollReady {
    /// What the file is ready for.
    pub ready: Ready,
    /// By what the file was added to the set.
    pub data: u64,
}

/// Waits until a set of epoll has something to tell, for programs that have such a set.
///
/// Yields one item for each file that is ready, as many as there are and were asked for.
///
/// # Errors
///
/// Those of `epoll_wait(2)`: `InvalidInput` where it is no set.
///
/// # Cancellation
///
/// Stops at once. What it told by then is lost where nobody takes the output: of files that are
/// edge-triggered or one-shot nobody hears again.
///
/// # Kernel
///
/// Linux 6.15. On an older one ringbahn's drivers wait for the set themselves. The set and the
/// place for the answer are the event's until completion.
///
/// # References
///
/// [`epoll_wait(2)`](https://man7.org/linux/man-pages/man2/epoll_wait.2.html)
#[doc(alias = "IORING_OP_EPOLL_WAIT")]
pub struct EpollWait {
    set: SharedFd,
    answers: Vec<libc::epoll_event>,
    faults: Faults,
}

impl EpollWait {
    /// Waits for `set`, which tells of at most `count` files.
    pub fn new(set: impl Into<SharedFd>, count: NonZeroU16) -> EpollWait {
        let none = libc::epoll_event { events: 0, u64: 0 };
        let answers = vec![none; count.get().into()];
        EpollWait { set: set.into(), answers, faults: Faults::default() }
    }
}

impl std::fmt::Debug for EpollWait {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut f = f.debug_struct("EpollWait");
        f.field("set", &self.set).field("count", &self.answers.len()).finish_non_exhaustive()
    }
}

impl Event for EpollWait {
    type Output = io::Result<Vec<EpollReady>>;

    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        let count = self.answers.len() as u32;
        // SAFETY: S1 by E1: the place for the answer is the event's and has room for so many; E2.
        let entry = unsafe { Sqe::new(opcode::EPOLL_WAIT) }.file(&self.set);
        sqes.push(entry.address(self.answers.as_mut_ptr()).length(count));
    }

    fn complete(self, outcome: Outcome<'_, Self>) -> io::Result<Vec<EpollReady>> {
        let count = outcome.result()? as usize;
        let told = self.answers.iter().take(count);
        // The bits are those of `poll(2)`.
        Ok(told.map(|it| EpollReady { ready: Ready::from_mask(it.events), data: it.u64 }).collect())
    }

    /// As a read does, a wait may fail to write its answer where its thread has exited.
    fn resubmit(&mut self, outcome: &Outcome<'_, Self>) -> bool {
        outcome.has_not_run() || self.faults.is_first(outcome)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::testing::{complete, entry, shared_null};

    #[test]
    fn as_many_answers_are_read_as_were_told() {
        let mut wait = EpollWait::new(shared_null(), NonZeroU16::new(3).unwrap());
        let place: *mut libc::epoll_event = entry(&mut wait).get_address().cast();
        for (index, data) in [(0, 7), (1, u64::MAX)] {
            let event = libc::epoll_event { events: libc::EPOLLIN as u32, u64: data };
            // SAFETY: E1: there is room for three.
            let place = unsafe { place.add(index) };
            // SAFETY: E1: as above.
            unsafe { place.write(event) };
        }
        let told = complete(wait, 2).unwrap();
        assert_eq!(told.iter().map(|it| it.data).collect::<Vec<_>>(), [7, u64::MAX]);
        assert!(told.iter().all(|it| it.ready.is_readable() && !it.ready.is_writable()));
    }

    #[test]
    fn an_error_is_an_error() {
        for errno in [libc::EINVAL, libc::ECANCELED, 512] {
            let wait = EpollWait::new(shared_null(), NonZeroU16::MIN);
            assert!(complete(wait, -errno).is_err());
        }
    }
}
