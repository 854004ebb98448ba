//! [`Truncate`]: a file to a length.
#![allow(unsafe_code)]

use std::io;

use crate::event::Event;
use crate::fd::SharedFd;
use crate::opcode;
use crate::outcome::Outcome;
use crate::sqe::{Sqe, Sqes};

/// Sets the length of a file: cuts it off, or extends it with zeroes.
///
/// # Errors
///
/// Those of `ftruncate(2)`: `InvalidInput` for a file not open for writing or a length beyond
/// `i64::MAX`, `FileTooLarge`, …
///
/// # Cancellation
///
/// Stops it only while it waits for a worker of the kernel; after that it runs to its end.
///
/// # Kernel
///
/// Linux 6.9. The file is the event's until completion.
///
/// # References
///
/// [`ftruncate(2)`](https://man7.org/linux/man-pages/man2/ftruncate.2.html)
#[doc(alias = "IORING_OP_FTRUNCATE")]
#[derive(Debug)]
pub struct Truncate {
    file: SharedFd,
    length: u64,
}

impl Truncate {
    /// Sets the length of `file` to `length` bytes.
    pub fn new(file: impl Into<SharedFd>, length: u64) -> Truncate {
        Truncate { file: file.into(), length }
    }
}

impl Event for Truncate {
    type Output = io::Result<()>;

    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        // SAFETY: S1 by E2; the entry names no memory.
        let entry = unsafe { Sqe::new(opcode::FTRUNCATE) };
        sqes.push(entry.file(&self.file).offset(self.length));
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
        complete(Truncate::new(shared_null(), 7), 0).unwrap();
        for errno in [libc::EINVAL, libc::ECANCELED, 512] {
            assert!(complete(Truncate::new(shared_null(), 7), -errno).is_err());
        }
    }
}
