//! [`RenameAt`]: a file under another name.
#![allow(unsafe_code)]

use std::ffi::CString;
use std::io;
use std::path::Path;

use crate::event::Event;
use crate::event::open_at::path_string;
use crate::event::start::Start;
use crate::fd::SharedFd;
use crate::opcode;
use crate::outcome::Outcome;
use crate::sqe::{Sqe, Sqes};

/// What becomes of a file that has the new name already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Renaming {
    /// It loses that name.
    #[default]
    Replace,
    /// It keeps that name: the renaming fails with `AlreadyExists`.
    Keep,
    /// It gets the old name; there has to be one.
    Exchange,
}

/// Gives a file another name, maybe in another directory.
///
/// At no moment is there nothing under the new name where there was something before.
///
/// # Errors
///
/// Those of `rename(2)`: `NotFound`, `PermissionDenied`, `CrossesDevices`, `DirectoryNotEmpty`,
/// `IsADirectory`, `NotADirectory`, `AlreadyExists`; `InvalidInput` where a directory would come to
/// be within itself, or where the file system knows no such [`Renaming`]; …
///
/// # Cancellation
///
/// Stops it where the file system lets itself be interrupted, and then nothing is renamed.
///
/// # Kernel
///
/// Linux 5.11. The paths and the directories are the event's until completion. A direct descriptor
/// cannot be such a directory.
///
/// # References
///
/// [`rename(2)`](https://man7.org/linux/man-pages/man2/rename.2.html)
#[doc(alias = "IORING_OP_RENAMEAT")]
#[derive(Debug)]
pub struct RenameAt {
    from: (Start, CString),
    to: (Start, CString),
    renaming: Renaming,
}

impl RenameAt {
    /// Gives the file at `from` the name `to`.
    ///
    /// # Errors
    ///
    /// `InvalidInput` where a path contains a zero byte.
    pub fn new(from: impl AsRef<Path>, to: impl AsRef<Path>) -> io::Result<RenameAt> {
        let from = (Start::default(), path_string(from.as_ref())?);
        let to = (Start::default(), path_string(to.as_ref())?);
        Ok(RenameAt { from, to, renaming: Renaming::Replace })
    }

    /// The directory from which the old path starts where it is relative, instead of the current
    /// one.
    #[must_use]
    pub fn from_directory(mut self, directory: impl Into<SharedFd>) -> RenameAt {
        self.from.0 = Start::at(directory);
        self
    }

    /// The directory from which the new path starts where it is relative, instead of the current
    /// one.
    #[must_use]
    pub fn to_directory(mut self, directory: impl Into<SharedFd>) -> RenameAt {
        self.to.0 = Start::at(directory);
        self
    }

    /// What becomes of a file that has the new name already.
    #[must_use]
    pub fn renaming(mut self, renaming: Renaming) -> RenameAt {
        self.renaming = renaming;
        self
    }
}

impl Event for RenameAt {
    type Output = io::Result<()>;

    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        // SAFETY: S1 by E1: the paths are the event's; E2, for both directories.
        let entry = unsafe { Sqe::new(opcode::RENAMEAT) };
        let entry = self.from.0.of(entry).address(self.from.1.as_ptr());
        let entry = entry.length(self.to.0.second()).address2(self.to.1.as_ptr());
        sqes.push(entry.op_flags(match self.renaming {
            Renaming::Replace => 0,
            Renaming::Keep => libc::RENAME_NOREPLACE,
            Renaming::Exchange => libc::RENAME_EXCHANGE,
        }));
    }

    fn complete(self, outcome: Outcome<'_, Self>) -> io::Result<()> {
        outcome.result().map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::testing::complete;

    #[test]
    fn it_succeeds_or_reports_the_error() {
        complete(RenameAt::new("a", "b").unwrap(), 0).unwrap();
        for errno in [libc::EXDEV, libc::ECANCELED, 512] {
            assert!(complete(RenameAt::new("a", "b").unwrap(), -errno).is_err());
        }
    }

    #[test]
    fn a_zero_byte_in_either_path_is_refused() {
        for (from, to) in [("a\0", "b"), ("a", "\0b")] {
            let error = RenameAt::new(from, to).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        }
    }
}
