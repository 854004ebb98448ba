//! [`OpenAt2`]: a file by its path, and [`Resolve`], what the path may lead through.
//!
//! # Safety
//!
//! H1. An `open_how` is made of integers only, for which zero is a value.
#![allow(unsafe_code)]

use std::ffi::CString;
use std::io;
use std::mem::MaybeUninit;
use std::ops::BitOr;
use std::os::fd::{FromRawFd, OwnedFd};
use std::path::Path;

use libc::open_how;

use crate::direct::{DirectFd, DirectTable};
use crate::event::Event;
use crate::event::into_slot::sealed::Opening;
use crate::event::open_at::{OpenOptions, path_string};
use crate::event::start::Start;
use crate::fd::SharedFd;
use crate::opcode;
use crate::outcome::Outcome;
use crate::sqe::{Sqe, Sqes};

/// What a path may lead through. Several hold together.
///
/// ```
/// use ringbahn_core::event::Resolve;
///
/// let inside = Resolve::BENEATH | Resolve::NO_SYMLINKS;
/// assert_ne!(inside, Resolve::BENEATH);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Resolve(u64);

impl Resolve {
    /// Everything, as with [`OpenAt`](crate::event::OpenAt).
    pub const ANYTHING: Resolve = Resolve(0);
    /// Nothing outside of the directory from which the path starts: an absolute path, a `..` or a
    /// symbolic link that leads out of it is the error `EXDEV` (`RESOLVE_BENEATH`).
    pub const BENEATH: Resolve = Resolve(libc::RESOLVE_BENEATH);
    /// The directory from which the path starts is taken for `/` (`RESOLVE_IN_ROOT`).
    pub const IN_ROOT: Resolve = Resolve(libc::RESOLVE_IN_ROOT);
    /// No symbolic link: one is the error `FilesystemLoop` (`RESOLVE_NO_SYMLINKS`).
    pub const NO_SYMLINKS: Resolve = Resolve(libc::RESOLVE_NO_SYMLINKS);
    /// None of the links of `/proc` that lead to open files: one is the error `FilesystemLoop`
    /// (`RESOLVE_NO_MAGICLINKS`).
    pub const NO_MAGIC_LINKS: Resolve = Resolve(libc::RESOLVE_NO_MAGICLINKS);
    /// No other file system than that from which the path starts: one is the error
    /// `CrossesDevices` (`RESOLVE_NO_XDEV`).
    pub const NO_MOUNTS: Resolve = Resolve(libc::RESOLVE_NO_XDEV);
    /// Nothing that the kernel would have to look for on a disk: that is the error `WouldBlock`
    /// (`RESOLVE_CACHED`, Linux 5.12).
    pub const CACHED: Resolve = Resolve(libc::RESOLVE_CACHED);
}

impl BitOr for Resolve {
    type Output = Resolve;

    fn bitor(self, other: Resolve) -> Resolve {
        Resolve(self.0 | other.0)
    }
}

/// Opens a file, and says what its path may lead through.
///
/// Yields the file, closed on exec. Dropping the output closes it.
///
/// # Examples
///
/// ```
/// use std::fs::File;
/// use std::os::fd::OwnedFd;
/// use ringbahn_core::event::{OpenAt2, OpenOptions, Resolve};
///
/// # fn example() -> std::io::Result<()> {
/// // A name that a client has sent stays within the directory that is served.
/// let served = OwnedFd::from(File::open("/srv/www")?);
/// let open = OpenAt2::new("page.html", OpenOptions::new().read(true))?
///     .relative_to(served)
///     .resolve(Resolve::BENEATH);
/// # drop(open);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// Those of `openat2(2)`: `NotFound`, `PermissionDenied`, and those of each [`Resolve`];
/// `InvalidInput` for flags that the kernel does not know, which [`OpenAt`](crate::event::OpenAt)
/// ignores; …
///
/// # Cancellation
///
/// Stops it where the file system lets itself be interrupted. A file opened before the cancel
/// arrived is closed where nobody takes it; one that was made by it stays.
///
/// # Kernel
///
/// Linux 5.6. The path, what is said of it, and the directory are the event's until completion.
///
/// # References
///
/// [`openat2(2)`](https://man7.org/linux/man-pages/man2/openat2.2.html)
#[doc(alias = "IORING_OP_OPENAT2")]
pub struct OpenAt2 {
    start: Start,
    path: CString,
    flags: i32,
    how: open_how,
}

impl OpenAt2 {
    /// Opens the file at `path`.
    ///
    /// # Errors
    ///
    /// `InvalidInput` where the path contains a zero byte or the options contradict each other.
    pub fn new(path: impl AsRef<Path>, options: &OpenOptions) -> io::Result<OpenAt2> {
        let path = path_string(path.as_ref())?;
        let flags = options.flags()?;
        // SAFETY: H1.
        let mut how: open_how = unsafe { MaybeUninit::zeroed().assume_init() };
        let makes = flags & libc::O_CREAT != 0 || flags & libc::O_TMPFILE == libc::O_TMPFILE;
        // The kernel wants none where there is nothing to give them to.
        how.mode = if makes { (options.permissions() & 0o7777).into() } else { 0 };
        Ok(OpenAt2 { start: Start::default(), path, flags, how })
    }

    /// The directory from which a relative path starts, instead of the current one.
    #[must_use]
    pub fn relative_to(mut self, directory: impl Into<SharedFd>) -> OpenAt2 {
        self.start = Start::at(directory);
        self
    }

    /// What the path may lead through; at first, [anything](Resolve::ANYTHING).
    #[must_use]
    pub fn resolve(mut self, resolve: Resolve) -> OpenAt2 {
        self.how.resolve = resolve.0;
        self
    }
}

impl std::fmt::Debug for OpenAt2 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenAt2")
            .field("start", &self.start)
            .field("path", &self.path)
            .field("flags", &self.flags)
            .field("resolve", &Resolve(self.how.resolve))
            .finish_non_exhaustive()
    }
}

impl Event for OpenAt2 {
    type Output = io::Result<OwnedFd>;

    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        // SAFETY: E1, which our caller has promised.
        sqes.push(unsafe { self.entry(libc::O_CLOEXEC) });
    }

    fn complete(self, outcome: Outcome<'_, Self>) -> io::Result<OwnedFd> {
        let number = outcome.result()?.cast_signed();
        // SAFETY: E3: a fresh descriptor that is the event's alone.
        Ok(unsafe { OwnedFd::from_raw_fd(number) })
    }
}

impl Opening for OpenAt2 {
    type Opened = DirectFd;

    unsafe fn entry(&mut self, flags: i32) -> Sqe {
        self.how.flags = (self.flags | flags).cast_unsigned().into();
        // SAFETY: S1 by E1: the path and what is said of it are the event's; E2.
        let entry = unsafe { Sqe::new(opcode::OPENAT2) };
        let entry = self.start.of(entry).address(self.path.as_ptr());
        entry.address2(&raw const self.how).length(size_of::<open_how>() as u32)
    }

    fn opened(self, slot: u32, table: &DirectTable) -> DirectFd {
        table.opened(slot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::testing::{cancelled, complete, entry, is_open, stray_fd};

    #[test]
    fn the_kernel_is_told_how_to_resolve_and_with_which_permissions() {
        let mut options = OpenOptions::new();
        options.write(true).mode(0o100_640);
        let both = Resolve::BENEATH | Resolve::NO_MAGIC_LINKS;
        let mut open = OpenAt2::new("a", &options).unwrap().resolve(both);
        let words = entry(&mut open);
        assert_eq!(words.get_address2(), (&raw mut open.how).cast());
        assert_eq!(words.get_length(), 24);
        assert_eq!(open.how.flags, (libc::O_WRONLY | libc::O_CLOEXEC) as u64);
        assert_eq!((open.how.mode, open.how.resolve), (0, 0xa));
        for flag in [libc::O_CREAT, libc::O_TMPFILE] {
            let open = OpenAt2::new("a", options.custom_flags(flag)).unwrap();
            assert_eq!(open.how.mode, 0o640, "the kernel takes permissions only");
        }
    }

    #[test]
    fn a_file_is_closed_where_nobody_takes_it() {
        let open = || OpenAt2::new("/dev/null", OpenOptions::new().read(true)).unwrap();
        let number = stray_fd();
        drop(complete(open(), number).unwrap());
        assert!(!is_open(number));
        let number = stray_fd();
        cancelled(open(), number);
        assert!(!is_open(number));
        for errno in [libc::EXDEV, libc::ELOOP, libc::ECANCELED, 512] {
            assert!(complete(open(), -errno).is_err());
        }
    }
}
