//! [`MkdirAt`]: a directory, made.
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

/// Makes an empty directory.
///
/// # Errors
///
/// Those of `mkdir(2)`: `AlreadyExists`, `NotFound` where the directory that it is to be in does
/// not exist, `PermissionDenied`, `StorageFull`, …
///
/// # Cancellation
///
/// Stops it where the file system lets itself be interrupted, and then nothing is made.
///
/// # Kernel
///
/// Linux 5.15. The path and the directory are the event's until completion. A direct descriptor
/// cannot be such a directory.
///
/// # References
///
/// [`mkdir(2)`](https://man7.org/linux/man-pages/man2/mkdir.2.html)
#[doc(alias = "IORING_OP_MKDIRAT")]
#[derive(Debug)]
pub struct MkdirAt {
    start: Start,
    path: CString,
    mode: u32,
}

impl MkdirAt {
    /// Makes the directory `path`.
    ///
    /// # Errors
    ///
    /// `InvalidInput` where the path contains a zero byte.
    pub fn new(path: impl AsRef<Path>) -> io::Result<MkdirAt> {
        let path = path_string(path.as_ref())?;
        Ok(MkdirAt { start: Start::default(), path, mode: 0o777 })
    }

    /// The directory from which a relative path starts, instead of the current one.
    #[must_use]
    pub fn relative_to(mut self, directory: impl Into<SharedFd>) -> MkdirAt {
        self.start = Start::at(directory);
        self
    }

    /// Its permissions, less those of the process's umask. At first 0o777.
    #[must_use]
    pub fn mode(mut self, mode: u32) -> MkdirAt {
        self.mode = mode;
        self
    }
}

impl Event for MkdirAt {
    type Output = io::Result<()>;

    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        // SAFETY: S1 by E1: the path is the event's; E2.
        let entry = unsafe { Sqe::new(opcode::MKDIRAT) };
        sqes.push(self.start.of(entry).address(self.path.as_ptr()).length(self.mode));
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
        complete(MkdirAt::new("a").unwrap(), 0).unwrap();
        for errno in [libc::EEXIST, libc::ECANCELED, 512] {
            assert!(complete(MkdirAt::new("a").unwrap(), -errno).is_err());
        }
        let error = MkdirAt::new("a\0").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    }
}
