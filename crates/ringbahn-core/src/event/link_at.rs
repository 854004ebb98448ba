//! [`LinkAt`]: one more name for a file.
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

/// Gives a file one more name, on the same file system.
///
/// # Errors
///
/// Those of `link(2)`: `AlreadyExists`, `NotFound`, `CrossesDevices`, `PermissionDenied`, which a
/// directory is, too, `TooManyLinks`, …
///
/// # Cancellation
///
/// Stops it where the file system lets itself be interrupted, and then nothing is made.
///
/// # Kernel
///
/// Linux 5.15. The paths, the directories and the file are the event's until completion. A direct
/// descriptor can be none of them.
///
/// # References
///
/// [`link(2)`](https://man7.org/linux/man-pages/man2/link.2.html)
#[doc(alias = "IORING_OP_LINKAT")]
#[derive(Debug)]
pub struct LinkAt {
    original: (Start, CString),
    link: (Start, CString),
    flags: i32,
}

impl LinkAt {
    /// Gives the file at `original` the name `link`, too. Where that is a symbolic link, it is the
    /// link itself that gets the name.
    ///
    /// # Errors
    ///
    /// `InvalidInput` where a path contains a zero byte.
    pub fn new(original: impl AsRef<Path>, link: impl AsRef<Path>) -> io::Result<LinkAt> {
        let original = (Start::default(), path_string(original.as_ref())?);
        let link = (Start::default(), path_string(link.as_ref())?);
        Ok(LinkAt { original, link, flags: 0 })
    }

    /// Gives an open file the name `link`: one opened with `O_TMPFILE`, which has none yet. Of a
    /// file that somebody else has opened it takes the capability `CAP_DAC_READ_SEARCH`, and before
    /// Linux 6.10 of every file.
    ///
    /// # Errors
    ///
    /// `InvalidInput` where the path contains a zero byte.
    pub fn of(file: impl Into<SharedFd>, link: impl AsRef<Path>) -> io::Result<LinkAt> {
        let link = (Start::default(), path_string(link.as_ref())?);
        let original = (Start::at(file), CString::default());
        Ok(LinkAt { original, link, flags: libc::AT_EMPTY_PATH })
    }

    /// The directory from which the path of the file starts where it is relative, instead of the
    /// current one.
    #[must_use]
    pub fn original_relative_to(mut self, directory: impl Into<SharedFd>) -> LinkAt {
        self.original.0 = Start::at(directory);
        self
    }

    /// The directory from which the new path starts where it is relative, instead of the current
    /// one.
    #[must_use]
    pub fn link_relative_to(mut self, directory: impl Into<SharedFd>) -> LinkAt {
        self.link.0 = Start::at(directory);
        self
    }

    /// Whether it is the file behind a symbolic link that gets the name; at first, no.
    #[must_use]
    pub fn follow_links(mut self, follow: bool) -> LinkAt {
        let others = self.flags & !libc::AT_SYMLINK_FOLLOW;
        self.flags = if follow { others | libc::AT_SYMLINK_FOLLOW } else { others };
        self
    }
}

impl Event for LinkAt {
    type Output = io::Result<()>;

    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        // SAFETY: S1 by E1: the paths are the event's; E2, for both directories.
        let entry = unsafe { Sqe::new(opcode::LINKAT) };
        let entry = self.original.0.of(entry).address(self.original.1.as_ptr());
        let entry = entry.length(self.link.0.second()).address2(self.link.1.as_ptr());
        sqes.push(entry.op_flags(self.flags.cast_unsigned()));
    }

    fn complete(self, outcome: Outcome<'_, Self>) -> io::Result<()> {
        outcome.result().map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::testing::{complete, shared_null};

    #[test]
    fn it_succeeds_or_reports_the_error() {
        complete(LinkAt::new("a", "b").unwrap(), 0).unwrap();
        for errno in [libc::EMLINK, libc::ECANCELED, 512] {
            assert!(complete(LinkAt::of(shared_null(), "b").unwrap(), -errno).is_err());
        }
        for (original, link) in [("a\0", "b"), ("a", "\0b")] {
            let error = LinkAt::new(original, link).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        }
    }
}
