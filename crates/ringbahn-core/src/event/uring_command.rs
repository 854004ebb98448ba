//! [`UringCommand`]: a command that the file's own driver in the kernel understands.
#![allow(unsafe_code)]

use std::fmt;
use std::io;

use crate::event::Event;
use crate::fd::SharedFd;
use crate::opcode;
use crate::outcome::Outcome;
use crate::sqe::{Sqe, Sqes};

/// Two words of an entry, one after the other in memory, as the one word that they make up.
pub(super) fn words(first: u32, second: u32) -> u64 {
    if cfg!(target_endian = "big") {
        u64::from(first) << 32 | u64::from(second)
    } else {
        u64::from(second) << 32 | u64::from(first)
    }
}

/// The entry of the command `operation` to the driver of `file`.
///
/// # Safety
///
/// As for [`Sqe::new`].
pub(super) unsafe fn command(file: &SharedFd, operation: u32) -> Sqe {
    // SAFETY: S1, by the caller's promise.
    let entry = unsafe { Sqe::new(opcode::URING_CMD) };
    entry.file(file).offset(words(operation, 0))
}

/// Gives a command to the driver that a file has in the kernel: an `ioctl(2)` that need not block.
///
/// What it means, and what comes of it, is the driver's affair. For sockets there are events that
/// are safe: [`GetSocketOption`](crate::event::GetSocketOption),
/// [`SetSocketOption`](crate::event::SetSocketOption), [`SocketQueue`](crate::event::SocketQueue).
///
/// Yields what the driver says, and what was lent to the command.
///
/// # Errors
///
/// Those of the driver. `EOPNOTSUPP`, which is `Unsupported`, where the file has none that takes
/// commands.
///
/// # Cancellation
///
/// The driver's affair, too: many commands run to their end.
///
/// # Kernel
///
/// Linux 5.19. On an older one there is nothing in its place. The file, and what was lent, are the
/// event's until completion.
///
/// # References
///
/// [`io_uring_enter(2)`](https://man7.org/linux/man-pages/man2/io_uring_enter.2.html)
#[doc(alias = "IORING_OP_URING_CMD")]
pub struct UringCommand<T> {
    file: SharedFd,
    operation: u32,
    flags: u32,
    command: [u8; 16],
    lent: T,
}

impl<T: Send + 'static> UringCommand<T> {
    /// The command `operation` to the driver of `file`, whose entry ends with the bytes of
    /// `command`. Until completion nobody touches or moves `lent`, which is for what these name.
    ///
    /// # Safety
    ///
    /// What the driver makes of the command is sound: addresses in `command` stay valid and
    /// unaliased, as the driver needs it, until completion, because `lent` is neither touched nor
    /// moved; or it names no memory.
    pub unsafe fn new(
        file: impl Into<SharedFd>,
        operation: u32,
        command: [u8; 16],
        lent: T,
    ) -> UringCommand<T> {
        UringCommand { file: file.into(), operation, flags: 0, command, lent }
    }

    /// The command's flags (`IORING_URING_CMD_*`); at first there are none.
    #[must_use]
    pub fn flags(mut self, flags: u32) -> UringCommand<T> {
        self.flags = flags;
        self
    }
}

impl<T> fmt::Debug for UringCommand<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut f = f.debug_struct("UringCommand");
        f.field("file", &self.file).field("operation", &self.operation).finish_non_exhaustive()
    }
}

impl<T: Send + 'static> Event for UringCommand<T> {
    type Output = (io::Result<u32>, T);

    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        // SAFETY: S1 by E1, E2, and the promise made at `new`.
        let entry = unsafe { command(&self.file, self.operation) }.op_flags(self.flags);
        sqes.push_command(entry, self.command);
    }

    fn complete(self, outcome: Outcome<'_, Self>) -> (io::Result<u32>, T) {
        (outcome.result(), self.lent)
    }

    /// What an interrupted command has done, only its driver knows.
    fn resubmit(&mut self, _outcome: &Outcome<'_, Self>) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::testing::{complete, resubmits, shared_null};

    #[test]
    fn what_was_lent_comes_back_with_the_answer() {
        // SAFETY: it goes nowhere.
        let command = || unsafe { UringCommand::new(shared_null(), 7, [0; 16], vec![1, 2]) };
        let (result, lent) = complete(command(), 5);
        assert_eq!((result.unwrap(), lent), (5, vec![1, 2]));
        let (result, lent) = complete(command(), -libc::EOPNOTSUPP);
        assert_eq!((result.unwrap_err().kind(), lent), (io::ErrorKind::Unsupported, vec![1, 2]));
        assert!(!resubmits(&mut command(), -libc::ECANCELED));
    }

    #[test]
    fn two_words_lie_in_their_order() {
        let bytes = words(1, 2).to_ne_bytes();
        assert_eq!(bytes, [1_u32.to_ne_bytes(), 2_u32.to_ne_bytes()].concat()[..]);
    }
}
