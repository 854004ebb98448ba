//! [`Fsync`]: what was written, to the disk.
#![allow(unsafe_code)]

use std::io;

use crate::event::Event;
use crate::fd::SharedFd;
use crate::opcode;
use crate::outcome::Outcome;
use crate::sqe::{Sqe, Sqes};

/// `IORING_FSYNC_DATASYNC`
const DATA_ONLY: u32 = 1 << 0;

/// Waits until what was written to a file has reached the disk.
///
/// Only what had been written when it started: a write still in flight is not waited for, so link
/// it in front or wait for it first.
///
/// # Errors
///
/// Those of `fsync(2)`. After an error nobody knows which data has reached the disk, and a second
/// attempt may succeed without having written it.
///
/// # Cancellation
///
/// Stops it only while it waits for a worker of the kernel; after that it runs to its end.
///
/// # Kernel
///
/// Linux 5.1. The file is the event's until completion.
///
/// # References
///
/// [`fsync(2)`](https://man7.org/linux/man-pages/man2/fsync.2.html)
#[doc(alias = "IORING_OP_FSYNC")]
#[derive(Debug)]
pub struct Fsync {
    file: SharedFd,
    flags: u32,
}

impl Fsync {
    /// Brings data and metadata of `file` to the disk.
    pub fn new(file: impl Into<SharedFd>) -> Fsync {
        Fsync { file: file.into(), flags: 0 }
    }

    /// Whether to leave out metadata that is not needed to read the data, as `fdatasync` does.
    #[must_use]
    pub fn data_only(mut self, data_only: bool) -> Fsync {
        self.flags = if data_only { DATA_ONLY } else { 0 };
        self
    }
}

impl Event for Fsync {
    type Output = io::Result<()>;

    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        // SAFETY: S1 by E2; the entry names no memory.
        let entry = unsafe { Sqe::new(opcode::FSYNC) };
        sqes.push(entry.file(&self.file).op_flags(self.flags));
    }

    fn complete(self, outcome: Outcome<'_, Self>) -> io::Result<()> {
        outcome.result().map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::testing::{complete, resubmits, shared_null};

    #[test]
    fn a_failed_one_is_never_repeated() {
        let mut fsync = Fsync::new(shared_null());
        assert!(!resubmits(&mut fsync, -libc::EIO));
        assert!(resubmits(&mut fsync, -libc::ECANCELED));
        assert_eq!(complete(fsync, -libc::EIO).unwrap_err().raw_os_error(), Some(libc::EIO));
        complete(Fsync::new(shared_null()).data_only(true), 0).unwrap();
        assert!(complete(Fsync::new(shared_null()), -512).is_err());
    }
}
