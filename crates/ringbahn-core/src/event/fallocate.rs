//! [`Fallocate`]: room for a file, made or given back.
#![allow(unsafe_code)]

use std::io;

use crate::event::Event;
use crate::fd::SharedFd;
use crate::opcode;
use crate::outcome::Outcome;
use crate::sqe::{Sqe, Sqes};

/// What is to become of a range of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Allocation {
    /// It gets its room, and the file its length where it ends before: writes there do not fail
    /// for want of room. What the file holds stays.
    Allocate,
    /// It gets its room, and the file keeps its length.
    Reserve,
    /// It reads as zeroes, and its room is given back. The file keeps its length.
    PunchHole,
    /// It reads as zeroes, and keeps its room or gets it. The file gets its length where it ends
    /// before.
    Zero,
    /// It reads as zeroes, and keeps its room or gets it. The file keeps its length.
    ZeroWithin,
    /// It is cut out of the file, and what is behind it moves up.
    Collapse,
    /// A range of zeroes is put in, and what is behind moves back.
    Insert,
    /// It shares its room with no other file any more.
    Unshare,
}

impl Allocation {
    fn mode(self) -> i32 {
        match self {
            Allocation::Allocate => 0,
            Allocation::Reserve => libc::FALLOC_FL_KEEP_SIZE,
            Allocation::PunchHole => libc::FALLOC_FL_PUNCH_HOLE | libc::FALLOC_FL_KEEP_SIZE,
            Allocation::Zero => libc::FALLOC_FL_ZERO_RANGE,
            Allocation::ZeroWithin => libc::FALLOC_FL_ZERO_RANGE | libc::FALLOC_FL_KEEP_SIZE,
            Allocation::Collapse => libc::FALLOC_FL_COLLAPSE_RANGE,
            Allocation::Insert => libc::FALLOC_FL_INSERT_RANGE,
            Allocation::Unshare => libc::FALLOC_FL_UNSHARE_RANGE,
        }
    }
}

/// Makes room for a file on its disk, or gives it back.
///
/// # Examples
///
/// ```
/// use std::fs::File;
/// use std::os::fd::OwnedFd;
/// use ringbahn_core::event::{Allocation, Fallocate};
///
/// # fn example() -> std::io::Result<()> {
/// let log = OwnedFd::from(File::create("app.log")?);
/// let reserve = Fallocate::new(log, 0, 1 << 20, Allocation::Reserve);
/// # drop(reserve);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// Those of `fallocate(2)`: `StorageFull`; `InvalidInput` for a length of 0, and for
/// [`Collapse`](Allocation::Collapse) and [`Insert`](Allocation::Insert) where the range is not of
/// whole blocks; `Unsupported` (`EOPNOTSUPP`) where the file system cannot do it; `EBADF` for a
/// file that is not open for writing; …
///
/// # Cancellation
///
/// Stops it only while it waits for a worker of the kernel; after that it runs to its end.
///
/// # Kernel
///
/// Linux 5.6. The file is the event's until completion.
///
/// # References
///
/// [`fallocate(2)`](https://man7.org/linux/man-pages/man2/fallocate.2.html)
#[doc(alias = "IORING_OP_FALLOCATE")]
#[derive(Debug)]
pub struct Fallocate {
    file: SharedFd,
    offset: u64,
    length: u64,
    allocation: Allocation,
}

impl Fallocate {
    /// Does `allocation` to the `length` bytes of `file` from `offset` on.
    pub fn new(
        file: impl Into<SharedFd>,
        offset: u64,
        length: u64,
        allocation: Allocation,
    ) -> Fallocate {
        Fallocate { file: file.into(), offset, length, allocation }
    }
}

impl Event for Fallocate {
    type Output = io::Result<()>;

    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        // SAFETY: S1 by E2; the entry names no memory: its address word holds the length.
        let entry = unsafe { Sqe::new(opcode::FALLOCATE) };
        let entry = entry.file(&self.file).offset(self.offset).address_number(self.length);
        sqes.push(entry.length(self.allocation.mode().cast_unsigned()));
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
        let event = || Fallocate::new(shared_null(), 0, 7, Allocation::PunchHole);
        complete(event(), 0).unwrap();
        for errno in [libc::ENOSPC, libc::EOPNOTSUPP, libc::ECANCELED, 512] {
            assert!(complete(event(), -errno).is_err());
        }
    }
}
