//! [`SyncFileRange`]: a part of a file, on its way to the disk.
#![allow(unsafe_code)]

use std::io;
use std::num::NonZeroU32;

use crate::event::Event;
use crate::fd::SharedFd;
use crate::opcode;
use crate::outcome::Outcome;
use crate::sqe::{Sqe, Sqes};

/// How far the way to the disk is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Writeback {
    /// What is not on its way already is sent; nothing is waited for.
    Start,
    /// What is on its way is waited for, and what has been written since is sent, too.
    StartAll,
    /// What is on its way is waited for.
    Wait,
    /// All of it is sent and waited for.
    Finish,
}

impl Writeback {
    fn flags(self) -> u32 {
        const BEFORE: u32 = libc::SYNC_FILE_RANGE_WAIT_BEFORE;
        const WRITE: u32 = libc::SYNC_FILE_RANGE_WRITE;
        const AFTER: u32 = libc::SYNC_FILE_RANGE_WAIT_AFTER;
        match self {
            Writeback::Start => WRITE,
            Writeback::StartAll => BEFORE | WRITE,
            Writeback::Wait => BEFORE,
            Writeback::Finish => BEFORE | WRITE | AFTER,
        }
    }
}

/// Sends a part of a file on its way to the disk.
///
/// It makes nothing durable: neither metadata, such as where on the disk the part lies, nor what
/// the disk itself still has in a cache is waited for. It is for one who is going to sync the whole
/// file, and would have that wait for little: for durability there is
/// [`Fsync`](crate::event::Fsync).
///
/// # Errors
///
/// Those of `sync_file_range(2)`: `NotSeekable` for a pipe; `InvalidInput` for an offset beyond
/// `i64::MAX`; those of the disk, `EIO` and `StorageFull`; …
///
/// # Cancellation
///
/// Stops it only while it waits for a worker of the kernel; after that it runs to its end.
///
/// # Kernel
///
/// Linux 5.2. The file is the event's until completion.
///
/// # References
///
/// [`sync_file_range(2)`](https://man7.org/linux/man-pages/man2/sync_file_range.2.html)
#[doc(alias = "IORING_OP_SYNC_FILE_RANGE")]
#[derive(Debug)]
pub struct SyncFileRange {
    file: SharedFd,
    offset: u64,
    /// Of 0 the kernel takes all there is.
    length: u32,
    writeback: Writeback,
}

impl SyncFileRange {
    /// Sends all of `file` on its way.
    pub fn new(file: impl Into<SharedFd>, writeback: Writeback) -> SyncFileRange {
        SyncFileRange { file: file.into(), offset: 0, length: 0, writeback }
    }

    /// Only what is from `offset` on, in bytes.
    #[must_use]
    pub fn offset(mut self, offset: u64) -> SyncFileRange {
        self.offset = offset;
        self
    }

    /// Only `length` bytes; an entry has no room for more than 4 GiB.
    #[must_use]
    pub fn length(mut self, length: NonZeroU32) -> SyncFileRange {
        self.length = length.get();
        self
    }
}

impl Event for SyncFileRange {
    type Output = io::Result<()>;

    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        // SAFETY: S1 by E2; the entry names no memory.
        let entry = unsafe { Sqe::new(opcode::SYNC_FILE_RANGE) };
        let entry = entry.file(&self.file).offset(self.offset).length(self.length);
        sqes.push(entry.op_flags(self.writeback.flags()));
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
        complete(SyncFileRange::new(shared_null(), Writeback::Start), 0).unwrap();
        for errno in [libc::ESPIPE, libc::EIO, libc::ECANCELED, 512] {
            let sync = SyncFileRange::new(shared_null(), Writeback::Finish);
            assert!(complete(sync, -errno).is_err());
        }
    }
}
