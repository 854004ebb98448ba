//! [`UnlinkAt`]: a name, removed.
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

/// Removes the name of a file, or an empty directory.
///
/// A file goes with its last name, as soon as nobody has it open.
///
/// # Errors
///
/// Those of `unlink(2)` and `rmdir(2)`: `NotFound`, `PermissionDenied`, `IsADirectory` for a
/// [file](UnlinkAt::file) that is one, `NotADirectory` for a [directory](UnlinkAt::directory) that
/// is none, `DirectoryNotEmpty`, `ResourceBusy`, …
///
/// # Cancellation
///
/// Stops it where the file system lets itself be interrupted, and then nothing is removed.
///
/// # Kernel
///
/// Linux 5.11. The path and the directory are the event's until completion. A direct descriptor
/// cannot be such a directory.
///
/// # References
///
/// [`unlink(2)`](https://man7.org/linux/man-pages/man2/unlink.2.html)
#[doc(alias = "IORING_OP_UNLINKAT")]
#[derive(Debug)]
pub struct UnlinkAt {
    start: Start,
    path: CString,
    flags: i32,
}

impl UnlinkAt {
    /// Removes the name `path` of what is no directory.
    ///
    /// # Errors
    ///
    /// `InvalidInput` where the path contains a zero byte.
    pub fn file(path: impl AsRef<Path>) -> io::Result<UnlinkAt> {
        UnlinkAt::new(path.as_ref(), 0)
    }

    /// Removes the empty directory at `path`.
    ///
    /// # Errors
    ///
    /// `InvalidInput` where the path contains a zero byte.
    pub fn directory(path: impl AsRef<Path>) -> io::Result<UnlinkAt> {
        UnlinkAt::new(path.as_ref(), libc::AT_REMOVEDIR)
    }

    fn new(path: &Path, flags: i32) -> io::Result<UnlinkAt> {
        Ok(UnlinkAt { start: Start::default(), path: path_string(path)?, flags })
    }

    /// The directory from which a relative path starts, instead of the current one.
    #[must_use]
    pub fn relative_to(mut self, directory: impl Into<SharedFd>) -> UnlinkAt {
        self.start = Start::at(directory);
        self
    }
}

impl Event for UnlinkAt {
    type Output = io::Result<()>;

    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        // SAFETY: S1 by E1: the path is the event's; E2.
        let entry = unsafe { Sqe::new(opcode::UNLINKAT) };
        let entry = self.start.of(entry).address(self.path.as_ptr());
        sqes.push(entry.op_flags(self.flags.cast_unsigned()));
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
        complete(UnlinkAt::file("a").unwrap(), 0).unwrap();
        for errno in [libc::ENOTEMPTY, libc::ECANCELED, 512] {
            assert!(complete(UnlinkAt::directory("a").unwrap(), -errno).is_err());
        }
        let error = UnlinkAt::file("a\0").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    }
}
