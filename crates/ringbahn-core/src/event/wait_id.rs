//! [`WaitId`]: a child process, until it ends or stops.
#![allow(unsafe_code)]

use std::fmt;
use std::io;
use std::num::NonZeroU32;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use crate::event::Event;
use crate::fd::{Place, SharedFd};
use crate::opcode;
use crate::outcome::Outcome;
use crate::sqe::{Sqe, Sqes};

/// Which children are waited for.
#[derive(Clone, Debug)]
enum Children {
    Any,
    Process(NonZeroU32),
    Group(NonZeroU32),
    Of(SharedFd),
}

/// What has become of a child process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ChildState {
    /// The number of the process.
    pub process: u32,
    /// The number of the user that it ran as.
    pub user: u32,
    /// What it did.
    pub change: ChildChange,
}

/// What a child process did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ChildChange {
    /// It has ended with this code.
    Exited(i32),
    /// A signal has ended it.
    Killed {
        /// The signal.
        signal: i32,
        /// Whether it has left an image of its memory.
        core_dumped: bool,
    },
    /// This signal has stopped it.
    Stopped(i32),
    /// This signal is for whoever traces it.
    Trapped(i32),
    /// It goes on.
    Continued,
}

impl ChildState {
    /// How it has ended, as `std` has it; `None` where it has not.
    pub fn exit_status(&self) -> Option<ExitStatus> {
        // The layout of `wait(2)`, which `std` is made of.
        match self.change {
            ChildChange::Exited(code) => Some(ExitStatus::from_raw((code & 0xff) << 8)),
            ChildChange::Killed { signal, core_dumped } => {
                Some(ExitStatus::from_raw(signal & 0x7f | i32::from(core_dumped) << 7))
            }
            _ => None,
        }
    }
}

/// Waits for a child process to end.
///
/// Yields what has become of it, and takes that away from others: the process is gone then, and its
/// number may come to mean another one. Two who wait for the same child do not both hear of it.
/// With [`keep`](WaitId::keep) it is only looked at.
///
/// # Examples
///
/// ```
/// use std::num::NonZeroU32;
/// use ringbahn_core::Drive;
/// use ringbahn_core::event::WaitId;
///
/// async fn succeeds(
///     command: &mut std::process::Command,
///     driver: impl Drive + Unpin,
/// ) -> std::io::Result<bool> {
///     let child = command.spawn()?;
///     let process = NonZeroU32::new(child.id()).expect("no child has the number 0");
///     let state = driver.submit(WaitId::process(process)).await?;
///     Ok(state.exit_status().is_some_and(|status| status.success()))
/// }
/// ```
///
/// # Errors
///
/// Those of `waitid(2)`: `ECHILD` where there is no such child, or somebody has waited for it.
///
/// # Cancellation
///
/// Stops at once. A child whose end was taken by then is gone all the same: where nobody takes the
/// output, nobody hears of it. The same holds where the thread that submitted it exits in that very
/// moment: the wait is repeated then, and finds no child. Wait with [`keep`](WaitId::keep) first
/// where that matters.
///
/// # Kernel
///
/// Linux 6.7. On an older one ringbahn's drivers watch a descriptor of the process (5.3) where one
/// child is waited for to end, and otherwise look every few milliseconds. The place for the answer,
/// and the descriptor, are the event's until completion.
///
/// # References
///
/// [`waitid(2)`](https://man7.org/linux/man-pages/man2/waitid.2.html)
#[doc(alias = "IORING_OP_WAITID")]
pub struct WaitId {
    children: Children,
    options: i32,
    answer: Answer,
    /// Whether it has been repeated for an error that may have been none.
    repeated: bool,
}

/// `siginfo_t`, of 128 bytes: the signal, nothing, a code, nothing; of `SIGCHLD` then the process,
/// the user, and the code of its end or a signal.
#[derive(Debug)]
#[repr(C, align(8))]
struct Answer {
    words: [i32; 32],
}

const _: () = assert!(size_of::<Answer>() == size_of::<libc::siginfo_t>());

impl WaitId {
    /// Waits for the child of this number.
    pub fn process(process: NonZeroU32) -> WaitId {
        WaitId::start(Children::Process(process))
    }

    /// Waits for the child that `process` is a descriptor of (`pidfd_open(2)`).
    ///
    /// # Errors
    ///
    /// `InvalidInput` for a direct descriptor.
    pub fn descriptor(process: impl Into<SharedFd>) -> io::Result<WaitId> {
        let process = process.into();
        process.number()?;
        Ok(WaitId::start(Children::Of(process)))
    }

    /// Waits for a child in the group of processes of this number.
    pub fn group(group: NonZeroU32) -> WaitId {
        WaitId::start(Children::Group(group))
    }

    /// Waits for any child.
    pub fn any() -> WaitId {
        WaitId::start(Children::Any)
    }

    fn start(children: Children) -> WaitId {
        let answer = Answer { words: [0; 32] };
        WaitId { children, options: libc::WEXITED, answer, repeated: false }
    }

    /// Whether one that is stopped by a signal is told of as well.
    #[must_use]
    pub fn stopped(self, stopped: bool) -> WaitId {
        self.option(libc::WSTOPPED, stopped)
    }

    /// Whether one that goes on after it was stopped is told of as well.
    #[must_use]
    pub fn continued(self, continued: bool) -> WaitId {
        self.option(libc::WCONTINUED, continued)
    }

    /// Whether what has become of the child is left for others to be told, too.
    #[must_use]
    pub fn keep(self, keep: bool) -> WaitId {
        self.option(libc::WNOWAIT, keep)
    }

    fn option(mut self, option: i32, on: bool) -> WaitId {
        self.options = self.options & !option | if on { option } else { 0 };
        self
    }

    /// What the kernel has written.
    fn state(&self) -> io::Result<ChildState> {
        let [_, _, code, _, process, user, status, ..] = self.answer.words;
        let change = match code {
            libc::CLD_EXITED => ChildChange::Exited(status),
            libc::CLD_KILLED => ChildChange::Killed { signal: status, core_dumped: false },
            libc::CLD_DUMPED => ChildChange::Killed { signal: status, core_dumped: true },
            libc::CLD_STOPPED => ChildChange::Stopped(status),
            libc::CLD_TRAPPED => ChildChange::Trapped(status),
            libc::CLD_CONTINUED => ChildChange::Continued,
            code => {
                let message = format!("what became of a child is told by an unknown code, {code}");
                return Err(io::Error::new(io::ErrorKind::InvalidData, message));
            }
        };
        let (process, user) = (process.cast_unsigned(), user.cast_unsigned());
        Ok(ChildState { process, user, change })
    }
}

impl fmt::Debug for WaitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut f = f.debug_struct("WaitId");
        f.field("children", &self.children).field("options", &self.options).finish_non_exhaustive()
    }
}

impl Event for WaitId {
    type Output = io::Result<ChildState>;

    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        let (which, number) = match &self.children {
            Children::Any => (libc::P_ALL, 0),
            Children::Process(process) => (libc::P_PID, process.get().cast_signed()),
            Children::Group(group) => (libc::P_PGID, group.get().cast_signed()),
            Children::Of(process) => match process.place() {
                Place::Descriptor(number) => (libc::P_PIDFD, number),
                // `descriptor` has refused it; no process has this one.
                Place::Direct(..) => (libc::P_PIDFD, -1),
            },
        };
        // SAFETY: S1 by E1 and E2: the place for the answer is the event's, as is the share of a
        // descriptor.
        let entry = unsafe { Sqe::new(opcode::WAITID) }.fd_number(number).length(which);
        let entry = entry.file_index(self.options.cast_unsigned());
        sqes.push(entry.address2(&raw mut self.answer));
    }

    fn complete(self, outcome: Outcome<'_, Self>) -> io::Result<ChildState> {
        outcome.result()?;
        self.state()
    }

    /// Where its thread has exited meanwhile, a thread of the kernel ends the wait, which has
    /// neither the memory for the answer (`EFAULT`) nor any children (`ECHILD`). So it is repeated
    /// after the first of these; one that is true is told the second time.
    fn resubmit(&mut self, outcome: &Outcome<'_, Self>) -> bool {
        let cqe = outcome.cqe();
        let doubtful = cqe.failed_with(libc::EFAULT) || cqe.failed_with(libc::ECHILD);
        outcome.has_not_run() || doubtful && !std::mem::replace(&mut self.repeated, true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::testing::{complete, entry, resubmits, shared_null};

    /// A wait that the kernel has answered with `code` and `status`.
    fn answered(code: i32, status: i32) -> io::Result<ChildState> {
        let mut wait = WaitId::any();
        let place: *mut i32 = entry(&mut wait).get_address2().cast();
        for (word, value) in [(0, libc::SIGCHLD), (2, code), (4, 77), (5, 1000), (6, status)] {
            // SAFETY: E1: the place has room for 32 words.
            let place = unsafe { place.add(word) };
            // SAFETY: E1: as above; a word may hold any number.
            unsafe { place.write(value) };
        }
        complete(wait, 0)
    }

    #[test]
    fn what_became_of_a_child_is_what_std_would_say() {
        let state = answered(libc::CLD_EXITED, 3).unwrap();
        assert_eq!((state.process, state.user, state.change), (77, 1000, ChildChange::Exited(3)));
        assert_eq!(state.exit_status().unwrap().code(), Some(3));
        let killed = answered(libc::CLD_KILLED, libc::SIGKILL).unwrap().exit_status().unwrap();
        assert_eq!((killed.signal(), killed.core_dumped()), (Some(libc::SIGKILL), false));
        let dumped = answered(libc::CLD_DUMPED, libc::SIGSEGV).unwrap().exit_status().unwrap();
        assert_eq!((dumped.signal(), dumped.core_dumped()), (Some(libc::SIGSEGV), true));
        for (code, change) in [
            (libc::CLD_STOPPED, ChildChange::Stopped(libc::SIGSTOP)),
            (libc::CLD_TRAPPED, ChildChange::Trapped(libc::SIGSTOP)),
            (libc::CLD_CONTINUED, ChildChange::Continued),
        ] {
            let state = answered(code, libc::SIGSTOP).unwrap();
            assert_eq!((state.change, state.exit_status()), (change, None));
        }
        assert_eq!(answered(99, 0).unwrap_err().kind(), io::ErrorKind::InvalidData);
    }

    #[test]
    fn options_are_set_and_taken_back() {
        let options = |wait: WaitId| entry(&mut { wait }).get_file_index().cast_signed();
        assert_eq!(options(WaitId::any()), libc::WEXITED);
        let all = WaitId::any().stopped(true).continued(true).keep(true);
        let every = libc::WEXITED | libc::WSTOPPED | libc::WCONTINUED | libc::WNOWAIT;
        assert_eq!(options(all), every);
        let none = WaitId::any().stopped(true).keep(true).stopped(false).keep(false);
        assert_eq!(options(none), libc::WEXITED);
    }

    #[test]
    fn what_may_come_of_the_exit_of_its_thread_is_tried_again_once() {
        for errno in [libc::EFAULT, libc::ECHILD] {
            let mut wait = WaitId::any();
            assert!(resubmits(&mut wait, -errno));
            assert!(resubmits(&mut wait, -libc::ECANCELED));
            assert!(!resubmits(&mut wait, -errno));
        }
    }

    #[test]
    fn an_error_is_an_error() {
        for errno in [libc::ECHILD, libc::ECANCELED, 512] {
            assert!(complete(WaitId::descriptor(shared_null()).unwrap(), -errno).is_err());
        }
    }
}
