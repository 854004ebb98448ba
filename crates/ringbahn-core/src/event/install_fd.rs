//! [`InstallFd`]: a descriptor of the process for a file in a slot of the ring.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{FromRawFd, OwnedFd};

use crate::event::Event;
use crate::fd::SharedFd;
use crate::opcode;
use crate::outcome::Outcome;
use crate::sqe::{Sqe, Sqes};

/// Makes a descriptor of the process for the file of a direct descriptor.
///
/// Yields the descriptor, closed on exec, by which the file can be used in any other way. The
/// direct descriptor stays what it was. Dropping the output closes the new one.
///
/// # Errors
///
/// `EMFILE` where descriptors have run out; `EBADF` where `file` is no direct descriptor;
/// `InvalidInput` on another ring than its own.
///
/// # Cancellation
///
/// Ends at once, so a cancel finds nothing; a descriptor that nobody takes is closed.
///
/// # Kernel
///
/// Linux 6.8. The direct descriptor is the event's until completion.
///
/// # References
///
/// [`io_uring_prep_fixed_fd_install(3)`](https://man7.org/linux/man-pages/man3/io_uring_prep_fixed_fd_install.3.html)
#[doc(alias = "IORING_OP_FIXED_FD_INSTALL")]
#[derive(Debug)]
pub struct InstallFd {
    file: SharedFd,
}

impl InstallFd {
    /// A descriptor for `file`, a [`DirectFd`](crate::DirectFd) or a share of one.
    pub fn new(file: impl Into<SharedFd>) -> InstallFd {
        InstallFd { file: file.into() }
    }
}

impl Event for InstallFd {
    type Output = io::Result<OwnedFd>;

    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        // SAFETY: S1 by E2: the entry names a file that the event owns a share of.
        let entry = unsafe { Sqe::new(opcode::FIXED_FD_INSTALL) };
        sqes.push(entry.file(&self.file));
    }

    fn complete(self, outcome: Outcome<'_, Self>) -> io::Result<OwnedFd> {
        let number = outcome.result()?.cast_signed();
        // SAFETY: E3: a fresh descriptor that is the event's alone.
        Ok(unsafe { OwnedFd::from_raw_fd(number) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::testing::{cancelled, complete, is_open, shared_null, stray_fd};

    #[test]
    fn a_descriptor_that_nobody_takes_is_closed() {
        let number = stray_fd();
        drop(complete(InstallFd::new(shared_null()), number).unwrap());
        assert!(!is_open(number));

        let number = stray_fd();
        cancelled(InstallFd::new(shared_null()), number);
        assert!(!is_open(number));
        for errno in [libc::EMFILE, libc::EBADF, libc::ECANCELED, 512] {
            assert!(complete(InstallFd::new(shared_null()), -errno).is_err());
        }
    }
}
