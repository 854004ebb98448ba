//! [`AnsweredNop`]: nothing, with an answer of one's own.

use std::io;

use crate::event::Event;
use crate::fd::{Place, SharedFd};
use crate::outcome::Outcome;
use crate::sqe::{Sqe, Sqes};

/// `IORING_NOP_INJECT_RESULT`: the length is the answer.
const INJECT_RESULT: u32 = 1 << 0;
/// `IORING_NOP_FILE` and `IORING_NOP_FIXED_FILE`: a file is looked up.
const FILE: u32 = 1 << 1;
const FIXED_FILE: u32 = 1 << 2;
/// `IORING_NOP_TW`: the answer comes by way of the thread's deferred work.
const DEFERRED: u32 = 1 << 4;

/// Does nothing, and is answered with what one likes: a number, or an error.
///
/// For tests of what deals with answers, and for measuring parts of the way there and back.
///
/// # Examples
///
/// ```
/// use ringbahn_core::event::AnsweredNop;
///
/// let number = AnsweredNop::new(7);
/// let error = AnsweredNop::error(&std::io::Error::from_raw_os_error(5)).deferred(true);
/// # drop((number, error));
/// ```
///
/// # Errors
///
/// The one that it is to be answered with; with a file that is not open, `EBADF`.
///
/// # Cancellation
///
/// Ends at once, so a cancel finds nothing.
///
/// # Kernel
///
/// Linux 6.10. An older one answers with 0. A [file](AnsweredNop::file) is the event's until
/// completion.
///
/// # References
///
/// [`io_uring_enter(2)`](https://man7.org/linux/man-pages/man2/io_uring_enter.2.html)
#[doc(alias = "IORING_OP_NOP")]
#[doc(alias = "IORING_NOP_INJECT_RESULT")]
#[derive(Debug)]
pub struct AnsweredNop {
    result: i32,
    file: Option<SharedFd>,
    deferred: bool,
}

impl AnsweredNop {
    /// One that is answered with `number`, of which 31 bits are told.
    pub fn new(number: u32) -> AnsweredNop {
        let result = (number & i32::MAX.cast_unsigned()).cast_signed();
        AnsweredNop { result, file: None, deferred: false }
    }

    /// One that is answered with `error`, or with `EIO` where that is none of the system's.
    pub fn error(error: &io::Error) -> AnsweredNop {
        let errno = error.raw_os_error().filter(|errno| *errno > 0).unwrap_or(libc::EIO);
        AnsweredNop { result: -errno, file: None, deferred: false }
    }

    /// Has the kernel look up `file`, as it does for an operation on it.
    #[must_use]
    pub fn file(mut self, file: impl Into<SharedFd>) -> AnsweredNop {
        self.file = Some(file.into());
        self
    }

    /// Whether the answer comes by way of the thread's deferred work, as that of an operation which
    /// has waited. Since Linux 6.14.
    #[must_use]
    pub fn deferred(mut self, deferred: bool) -> AnsweredNop {
        self.deferred = deferred;
        self
    }
}

impl Event for AnsweredNop {
    type Output = io::Result<u32>;

    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        let mut flags = INJECT_RESULT | if self.deferred { DEFERRED } else { 0 };
        let mut entry = Sqe::nop().length(self.result.cast_unsigned());
        if let Some(file) = &self.file {
            flags |= FILE;
            if let Place::Direct(..) = file.place() {
                flags |= FIXED_FILE;
            }
            entry = entry.file(file);
        }
        sqes.push(entry.op_flags(flags));
    }

    fn complete(self, outcome: Outcome<'_, Self>) -> io::Result<u32> {
        outcome.result()
    }

    /// What it is answered with was asked for.
    fn resubmit(&mut self, _outcome: &Outcome<'_, Self>) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::testing::{entry, resubmits};

    #[test]
    fn an_answer_is_a_number_or_an_error_and_nothing_between() {
        let result = |nop: AnsweredNop| entry(&mut { nop }).get_length().cast_signed();
        assert_eq!(result(AnsweredNop::new(7)), 7);
        assert_eq!(result(AnsweredNop::new(u32::MAX)), i32::MAX);
        let error = |errno| AnsweredNop::error(&io::Error::from_raw_os_error(errno));
        assert_eq!(result(error(libc::EPIPE)), -libc::EPIPE);
        assert_eq!(result(AnsweredNop::error(&io::ErrorKind::Other.into())), -libc::EIO);
        assert!(!resubmits(&mut error(libc::ECANCELED), -libc::ECANCELED));
    }
}
