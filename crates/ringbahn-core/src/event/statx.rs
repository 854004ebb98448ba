//! [`Statx`]: what the file system knows of a file, and [`Metadata`], the answer.
//!
//! # Safety
//!
//! X1. A `statx` is made of integers only, for which zero is a value.
#![allow(unsafe_code)]

use std::ffi::CString;
use std::fs::Permissions;
use std::io;
use std::mem::MaybeUninit;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::buf::DirectIo;
use crate::event::Event;
use crate::event::file_type::FileType;
use crate::event::open_at::path_string;
use crate::fd::SharedFd;
use crate::opcode;
use crate::outcome::Outcome;
use crate::sqe::{Sqe, Sqes};

/// What the file system knows of a file.
#[derive(Clone, Copy)]
pub struct Metadata {
    pub(crate) statx: libc::statx,
}

impl Metadata {
    /// The length of the file, in bytes.
    #[allow(clippy::len_without_is_empty, reason = "as std's, which has none")]
    pub fn len(&self) -> u64 {
        self.statx.stx_size
    }

    /// The kind of the file and its permissions, as `st_mode`.
    pub fn mode(&self) -> u32 {
        self.statx.stx_mode.into()
    }

    /// The kind of the file.
    pub fn file_type(&self) -> FileType {
        FileType::from_mode(self.mode())
    }

    /// The permissions of the file.
    pub fn permissions(&self) -> Permissions {
        Permissions::from_mode(self.mode())
    }

    /// Whether it is a regular file.
    pub fn is_file(&self) -> bool {
        self.file_type().is_file()
    }

    /// Whether it is a directory.
    pub fn is_dir(&self) -> bool {
        self.file_type().is_dir()
    }

    /// Whether it is a symbolic link.
    pub fn is_symlink(&self) -> bool {
        self.file_type().is_symlink()
    }

    /// The number of the file within its file system.
    pub fn ino(&self) -> u64 {
        self.statx.stx_ino
    }

    /// The device on which the file lies: its major and minor number.
    pub fn device(&self) -> (u32, u32) {
        (self.statx.stx_dev_major, self.statx.stx_dev_minor)
    }

    /// How many names the file has.
    pub fn nlink(&self) -> u64 {
        self.statx.stx_nlink.into()
    }

    /// The user that owns the file.
    pub fn uid(&self) -> u32 {
        self.statx.stx_uid
    }

    /// The group that owns the file.
    pub fn gid(&self) -> u32 {
        self.statx.stx_gid
    }

    /// How many bytes a read or write had best move.
    pub fn blksize(&self) -> u32 {
        self.statx.stx_blksize
    }

    /// How much room the file takes, in blocks of 512 bytes.
    pub fn blocks(&self) -> u64 {
        self.statx.stx_blocks
    }

    /// When the contents changed last. `None` for a time beyond what a [`SystemTime`] can say.
    pub fn modified(&self) -> Option<SystemTime> {
        time(&self.statx.stx_mtime)
    }

    /// When the file was read last, as far as the file system keeps track.
    pub fn accessed(&self) -> Option<SystemTime> {
        time(&self.statx.stx_atime)
    }

    /// When the contents or the metadata changed last.
    pub fn changed(&self) -> Option<SystemTime> {
        time(&self.statx.stx_ctime)
    }

    /// When the file was made. `None` where the file system does not know.
    pub fn created(&self) -> Option<SystemTime> {
        let known = self.statx.stx_mask & libc::STATX_BTIME != 0;
        known.then(|| time(&self.statx.stx_btime)).flatten()
    }

    /// What the file asks of reads and writes where it is opened with `O_DIRECT`. `None` where it
    /// cannot be, or the kernel does not say: before Linux 6.1, and for most files that are
    /// neither regular nor block devices. Multiples of 4096 then are what most disks take.
    pub fn direct_io(&self) -> Option<DirectIo> {
        let known = self.statx.stx_mask & libc::STATX_DIOALIGN != 0;
        let (memory, offset) = (self.statx.stx_dio_mem_align, self.statx.stx_dio_offset_align);
        known.then(|| DirectIo::new(memory, offset)).flatten()
    }

    /// All of it, as the kernel writes it.
    pub fn as_raw(&self) -> &libc::statx {
        &self.statx
    }
}

fn time(stamp: &libc::statx_timestamp) -> Option<SystemTime> {
    let seconds = Duration::from_secs(stamp.tv_sec.unsigned_abs());
    let whole = if stamp.tv_sec < 0 {
        UNIX_EPOCH.checked_sub(seconds)
    } else {
        UNIX_EPOCH.checked_add(seconds)
    };
    whole?.checked_add(Duration::from_nanos(stamp.tv_nsec.into()))
}

impl std::fmt::Debug for Metadata {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Metadata")
            .field("mode", &format_args!("{:o}", self.mode()))
            .field("len", &self.len())
            .field("modified", &self.modified())
            .finish_non_exhaustive()
    }
}

/// Asks what the file system knows of a file.
///
/// # Errors
///
/// Those of `statx(2)`: `NotFound`, `PermissionDenied`, …
///
/// # Cancellation
///
/// Stops it where the file system lets itself be interrupted.
///
/// # Kernel
///
/// Linux 5.6. The path, the place for the answer, and the file or directory are the event's until
/// completion. A direct descriptor cannot be asked about.
///
/// # References
///
/// [`statx(2)`](https://man7.org/linux/man-pages/man2/statx.2.html)
#[doc(alias = "IORING_OP_STATX")]
pub struct Statx {
    start: Option<SharedFd>,
    path: CString,
    flags: i32,
    answer: libc::statx,
}

impl Statx {
    /// Asks about an open file.
    pub fn of(file: impl Into<SharedFd>) -> Statx {
        Statx::start(Some(file.into()), CString::default(), libc::AT_EMPTY_PATH)
    }

    /// Asks about the file at `path`.
    ///
    /// # Errors
    ///
    /// `InvalidInput` where the path contains a zero byte.
    pub fn at(path: impl AsRef<Path>) -> io::Result<Statx> {
        Ok(Statx::start(None, path_string(path.as_ref())?, 0))
    }

    fn start(start: Option<SharedFd>, path: CString, flags: i32) -> Statx {
        // SAFETY: X1; all of it is zero.
        let answer = unsafe { MaybeUninit::zeroed().assume_init() };
        Statx { start, path, flags, answer }
    }

    /// The directory from which a relative path starts, instead of the current one.
    #[must_use]
    pub fn relative_to(mut self, directory: impl Into<SharedFd>) -> Statx {
        self.start = Some(directory.into());
        self
    }

    /// Whether a symbolic link at the end of the path is followed; at first, yes.
    #[must_use]
    pub fn follow_links(mut self, follow: bool) -> Statx {
        let others = self.flags & !libc::AT_SYMLINK_NOFOLLOW;
        self.flags = if follow { others } else { others | libc::AT_SYMLINK_NOFOLLOW };
        self
    }
}

impl std::fmt::Debug for Statx {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut f = f.debug_struct("Statx");
        f.field("start", &self.start).field("path", &self.path).finish_non_exhaustive()
    }
}

impl Event for Statx {
    type Output = io::Result<Metadata>;

    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        // SAFETY: S1 by E1: the path and the place for the answer are the event's; E2.
        let entry = unsafe { Sqe::new(opcode::STATX) };
        let entry = match &self.start {
            Some(start) => entry.file(start),
            None => entry.fd_number(libc::AT_FDCWD),
        };
        let mask = libc::STATX_BASIC_STATS | libc::STATX_BTIME | libc::STATX_DIOALIGN;
        let entry = entry.address(self.path.as_ptr()).length(mask);
        sqes.push(entry.address2(&raw mut self.answer).op_flags(self.flags.cast_unsigned()));
    }

    fn complete(self, outcome: Outcome<'_, Self>) -> io::Result<Metadata> {
        outcome.result()?;
        Ok(Metadata { statx: self.answer })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::testing::{complete, entry, shared_null};

    #[test]
    fn the_answer_is_read_from_its_place() {
        let mut statx = Statx::of(shared_null());
        let answer: *mut libc::statx = entry(&mut statx).get_address2().cast();
        assert_eq!(answer, &raw mut statx.answer);
        statx.answer.stx_size = 7;
        statx.answer.stx_mode = libc::S_IFREG as u16 | 0o640;
        statx.answer.stx_mtime.tv_sec = -1;
        statx.answer.stx_mtime.tv_nsec = 500_000_000;
        let metadata = complete(statx, 0).unwrap();
        assert_eq!((metadata.len(), metadata.mode() & 0o777), (7, 0o640));
        assert!(metadata.is_file() && !metadata.is_dir() && !metadata.is_symlink());
        assert_eq!(metadata.modified(), Some(UNIX_EPOCH - Duration::from_millis(500)));
        assert_eq!(metadata.created(), None);
    }

    #[test]
    fn an_error_is_an_error() {
        for errno in [libc::ENOENT, libc::ECANCELED, 512] {
            assert!(complete(Statx::at("/").unwrap().follow_links(false), -errno).is_err());
        }
        assert_eq!(Statx::at("a\0b").unwrap_err().kind(), io::ErrorKind::InvalidInput);
    }

    #[test]
    fn no_time_makes_it_panic() {
        let mut statx = Statx::of(shared_null());
        for seconds in [i64::MIN, i64::MAX] {
            statx.answer.stx_mtime.tv_sec = seconds;
            let _ = Metadata { statx: statx.answer }.modified();
        }
    }
}
