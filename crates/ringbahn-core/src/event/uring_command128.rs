//! [`UringCommand128`]: a long command that the file's own driver in the kernel understands.
#![allow(unsafe_code)]

use std::fmt;
use std::io;

use super::uring_command::words;
use crate::event::Event;
use crate::fd::SharedFd;
use crate::opcode;
use crate::outcome::Outcome;
use crate::sqe::{Sqe, Sqes};

/// Gives a command to the driver that a file has in the kernel, as
/// [`UringCommand`](crate::event::UringCommand) does, with 80 bytes of its own instead of 16.
///
/// It is an entry of 128 bytes among some of 64. A ring that has no such entries, as those of
/// ringbahn's drivers are so far, refuses it with [`Forbidden`](crate::Forbidden), and nothing of
/// it gets there.
///
/// Yields what the driver says, and what was lent to the command.
///
/// # Errors
///
/// `Unsupported`, with [`Forbidden`](crate::Forbidden) in it, on a ring of other entries; those of
/// the driver.
///
/// # Cancellation
///
/// The driver's affair: many commands run to their end.
///
/// # Kernel
///
/// Linux 6.19. On an older one there is nothing in its place. The file, and what was lent, are the
/// event's until completion.
///
/// # References
///
/// [`io_uring_enter(2)`](https://man7.org/linux/man-pages/man2/io_uring_enter.2.html)
#[doc(alias = "IORING_OP_URING_CMD128")]
pub struct UringCommand128<T> {
    file: SharedFd,
    operation: u32,
    flags: u32,
    command: [u8; 80],
    lent: T,
}

impl<T: Send + 'static> UringCommand128<T> {
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
        command: [u8; 80],
        lent: T,
    ) -> UringCommand128<T> {
        UringCommand128 { file: file.into(), operation, flags: 0, command, lent }
    }

    /// The command's flags (`IORING_URING_CMD_*`); at first there are none.
    #[must_use]
    pub fn flags(mut self, flags: u32) -> UringCommand128<T> {
        self.flags = flags;
        self
    }
}

impl<T> fmt::Debug for UringCommand128<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut f = f.debug_struct("UringCommand128");
        f.field("file", &self.file).field("operation", &self.operation).finish_non_exhaustive()
    }
}

impl<T: Send + 'static> Event for UringCommand128<T> {
    type Output = (io::Result<u32>, T);

    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        // SAFETY: S1 by E1, E2, and the promise made at `new`.
        let entry = unsafe { Sqe::new(opcode::URING_CMD128) }.file(&self.file);
        let entry = entry.offset(words(self.operation, 0)).op_flags(self.flags);
        sqes.push_large(entry, self.command);
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
    use crate::event::testing::{complete, prepared, resubmits, shared_null};

    #[test]
    fn all_of_the_command_is_in_the_entry_and_its_second_half() {
        let bytes: [u8; 80] = std::array::from_fn(|index| index as u8);
        // SAFETY: it goes nowhere.
        let mut command = unsafe { UringCommand128::new(shared_null(), 7, bytes, "lent") };
        let sqes = prepared(&mut command);
        assert_eq!(sqes.entries()[0].get_offset(), words(7, 0));
        assert_eq!(sqes.second_half(0).map(|half| &half[..]), Some(&bytes[16..]));
        assert!(!resubmits(&mut command, -libc::EINTR));
        assert_eq!(complete(command, 0).1, "lent");
    }
}
