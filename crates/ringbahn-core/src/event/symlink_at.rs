//! [`SymlinkAt`]: a symbolic link, made.
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

/// Makes a symbolic link.
///
/// # Errors
///
/// Those of `symlink(2)`: `AlreadyExists`, `NotFound` where the directory that it is to be in does
/// not exist, or for an empty path, `PermissionDenied`, …
///
/// # Cancellation
///
/// Stops it where the file system lets itself be interrupted, and then nothing is made.
///
/// # Kernel
///
/// Linux 5.15. The paths and the directory are the event's until completion. A direct descriptor
/// cannot be such a directory.
///
/// # References
///
/// [`symlink(2)`](https://man7.org/linux/man-pages/man2/symlink.2.html)
#[doc(alias = "IORING_OP_SYMLINKAT")]
#[derive(Debug)]
pub struct SymlinkAt {
    target: CString,
    start: Start,
    link: CString,
}

impl SymlinkAt {
    /// Makes the symbolic link `link`, which leads to `target`. That is followed from where the
    /// link is, and need not lead anywhere.
    ///
    /// # Errors
    ///
    /// `InvalidInput` where a path contains a zero byte.
    pub fn new(target: impl AsRef<Path>, link: impl AsRef<Path>) -> io::Result<SymlinkAt> {
        let (target, link) = (path_string(target.as_ref())?, path_string(link.as_ref())?);
        Ok(SymlinkAt { target, start: Start::default(), link })
    }

    /// The directory from which the path of the link starts where it is relative, instead of the
    /// current one.
    #[must_use]
    pub fn relative_to(mut self, directory: impl Into<SharedFd>) -> SymlinkAt {
        self.start = Start::at(directory);
        self
    }
}

impl Event for SymlinkAt {
    type Output = io::Result<()>;

    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        // SAFETY: S1 by E1: the paths are the event's; E2.
        let entry = unsafe { Sqe::new(opcode::SYMLINKAT) };
        let entry = self.start.of(entry).address(self.target.as_ptr());
        sqes.push(entry.address2(self.link.as_ptr()));
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
        complete(SymlinkAt::new("a", "b").unwrap(), 0).unwrap();
        for errno in [libc::EEXIST, libc::ECANCELED, 512] {
            assert!(complete(SymlinkAt::new("a", "b").unwrap(), -errno).is_err());
        }
        for (target, link) in [("a\0", "b"), ("a", "\0b")] {
            let error = SymlinkAt::new(target, link).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        }
    }
}
