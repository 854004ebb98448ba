//! [`OpenAt`]: a file by its path, and [`OpenOptions`], how to open it.
#![allow(unsafe_code)]

use std::ffi::CString;
use std::io;
use std::os::fd::{FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::direct::{DirectFd, DirectTable};
use crate::event::Event;
use crate::event::into_slot::sealed::Opening;
use crate::fd::SharedFd;
use crate::opcode;
use crate::outcome::Outcome;
use crate::sqe::{Sqe, Sqes};

/// How to open a file: as [`std::fs::OpenOptions`], whose answers nobody else can read.
///
/// # Examples
///
/// ```
/// use ringbahn_core::event::{OpenAt, OpenOptions};
///
/// let mut log = OpenOptions::new();
/// log.append(true).create(true).mode(0o600);
/// let open = OpenAt::new("app.log", &log)?;
/// # drop(open);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct OpenOptions {
    read: bool,
    write: bool,
    append: bool,
    truncate: bool,
    create: bool,
    create_new: bool,
    mode: u32,
    custom_flags: i32,
}

impl OpenOptions {
    /// Nothing is asked for yet.
    #[allow(clippy::new_without_default, reason = "as std's, which has none")]
    pub fn new() -> OpenOptions {
        OpenOptions {
            read: false,
            write: false,
            append: false,
            truncate: false,
            create: false,
            create_new: false,
            mode: 0o666,
            custom_flags: 0,
        }
    }

    /// Whether the file can be read.
    pub fn read(&mut self, read: bool) -> &mut OpenOptions {
        self.read = read;
        self
    }

    /// Whether the file can be written.
    pub fn write(&mut self, write: bool) -> &mut OpenOptions {
        self.write = write;
        self
    }

    /// Whether every write goes to the end of the file.
    pub fn append(&mut self, append: bool) -> &mut OpenOptions {
        self.append = append;
        self
    }

    /// Whether to empty the file. It must be opened for writing.
    pub fn truncate(&mut self, truncate: bool) -> &mut OpenOptions {
        self.truncate = truncate;
        self
    }

    /// Whether to make the file where there is none. It must be opened for writing or appending.
    pub fn create(&mut self, create: bool) -> &mut OpenOptions {
        self.create = create;
        self
    }

    /// Whether to make the file, and fail where there is one. It must be opened for writing or
    /// appending; `create` and `truncate` are then of no consequence.
    pub fn create_new(&mut self, create_new: bool) -> &mut OpenOptions {
        self.create_new = create_new;
        self
    }

    /// The permissions of a new file, less those of the process's umask. At first 0o666.
    pub fn mode(&mut self, mode: u32) -> &mut OpenOptions {
        self.mode = mode;
        self
    }

    /// More of `open(2)`'s flags, such as `libc::O_DIRECT`. The access mode among them is ignored.
    pub fn custom_flags(&mut self, flags: i32) -> &mut OpenOptions {
        self.custom_flags = flags;
        self
    }

    /// The flags of `open(2)`.
    pub(super) fn flags(&self) -> io::Result<i32> {
        let writes = self.write || self.append;
        let access = match (self.read, writes) {
            (true, false) => libc::O_RDONLY,
            (false, true) => libc::O_WRONLY,
            (true, true) => libc::O_RDWR,
            (false, false) => return Err(invalid("a file is opened to be read or written")),
        };
        if !writes && (self.truncate || self.create || self.create_new) {
            return Err(invalid("a file that is only read cannot be made or emptied"));
        }
        if self.append && self.truncate && !self.create_new {
            return Err(invalid("a file cannot be emptied and appended to"));
        }
        let creation = match (self.create_new, self.create, self.truncate) {
            (true, _, _) => libc::O_CREAT | libc::O_EXCL,
            (false, true, true) => libc::O_CREAT | libc::O_TRUNC,
            (false, true, false) => libc::O_CREAT,
            (false, false, true) => libc::O_TRUNC,
            (false, false, false) => 0,
        };
        let append = if self.append { libc::O_APPEND } else { 0 };
        // Closed on exec in any case; and a slot of a ring must not be told so.
        let custom = self.custom_flags & !(libc::O_ACCMODE | libc::O_CLOEXEC);
        Ok(access | creation | append | custom)
    }

    /// The permissions of a new file.
    pub(super) fn permissions(&self) -> u32 {
        self.mode
    }
}

fn invalid(message: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, message)
}

/// `path` as the kernel reads it.
pub(crate) fn path_string(path: &Path) -> io::Result<CString> {
    CString::new(path.as_os_str().as_bytes())
        .map_err(|_| invalid("a path must not contain a zero byte"))
}

/// Opens a file.
///
/// Yields the file, closed on exec. Dropping the output closes it.
///
/// The end of a named pipe is opened without waiting for the other end, unlike with `open(2)`.
///
/// # Errors
///
/// Those of `openat(2)`: `NotFound`, `PermissionDenied`, `AlreadyExists`; `EMFILE` where
/// descriptors have run out; …
///
/// # Cancellation
///
/// Stops it where the file system lets itself be interrupted. A file opened before the cancel
/// arrived is closed where nobody takes it; one that was made by it stays.
///
/// # Kernel
///
/// Linux 5.6. The path and the directory are the event's until completion.
///
/// # References
///
/// [`openat(2)`](https://man7.org/linux/man-pages/man2/open.2.html)
#[doc(alias = "IORING_OP_OPENAT")]
#[derive(Debug)]
pub struct OpenAt {
    directory: Option<SharedFd>,
    path: CString,
    flags: i32,
    mode: u32,
}

impl OpenAt {
    /// Opens the file at `path`.
    ///
    /// # Errors
    ///
    /// `InvalidInput` where the path contains a zero byte or the options contradict each other.
    pub fn new(path: impl AsRef<Path>, options: &OpenOptions) -> io::Result<OpenAt> {
        let path = path_string(path.as_ref())?;
        let flags = options.flags()?;
        Ok(OpenAt { directory: None, path, flags, mode: options.mode })
    }

    /// The directory from which a relative path starts, instead of the current one.
    #[must_use]
    pub fn relative_to(mut self, directory: impl Into<SharedFd>) -> OpenAt {
        self.directory = Some(directory.into());
        self
    }
}

impl Event for OpenAt {
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

impl Opening for OpenAt {
    type Opened = DirectFd;

    unsafe fn entry(&mut self, flags: i32) -> Sqe {
        // SAFETY: S1 by E1: the path is the event's; E2.
        let entry = unsafe { Sqe::new(opcode::OPENAT) };
        let entry = match &self.directory {
            Some(directory) => entry.file(directory),
            None => entry.fd_number(libc::AT_FDCWD),
        };
        let entry = entry.address(self.path.as_ptr()).length(self.mode);
        entry.op_flags((self.flags | flags).cast_unsigned())
    }

    fn opened(self, slot: u32, table: &DirectTable) -> DirectFd {
        table.opened(slot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::testing::{cancelled, complete, entry, is_open, stray_fd};

    fn flags(set: fn(&mut OpenOptions) -> &mut OpenOptions) -> io::Result<i32> {
        let mut options = OpenOptions::new();
        set(&mut options);
        let mut open = OpenAt::new("/", &options)?;
        Ok(entry(&mut open).get_op_flags().cast_signed() & !libc::O_CLOEXEC)
    }

    #[test]
    fn the_options_mean_what_they_mean_in_std() {
        use libc::{O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW, O_RDONLY, O_RDWR, O_TRUNC, O_WRONLY};
        type Set = fn(&mut OpenOptions) -> &mut OpenOptions;
        let good: [(Set, i32); 7] = [
            (|o| o.read(true), O_RDONLY),
            (|o| o.read(true).write(true), O_RDWR),
            (|o| o.append(true), O_WRONLY | O_APPEND),
            (|o| o.read(true).append(true).create(true), O_RDWR | O_APPEND | O_CREAT),
            (|o| o.write(true).create(true).truncate(true), O_WRONLY | O_CREAT | O_TRUNC),
            (|o| o.write(true).create_new(true).truncate(true), O_WRONLY | O_CREAT | O_EXCL),
            (|o| o.read(true).custom_flags(O_NOFOLLOW | O_RDWR), O_RDONLY | O_NOFOLLOW),
        ];
        for (set, expected) in good {
            assert_eq!(flags(set).unwrap(), expected);
        }
        let bad: [Set; 5] = [
            |o| o,
            |o| o.truncate(true),
            |o| o.read(true).create(true),
            |o| o.read(true).truncate(true),
            |o| o.append(true).truncate(true),
        ];
        for set in bad {
            assert_eq!(flags(set).unwrap_err().kind(), io::ErrorKind::InvalidInput);
        }
    }

    #[test]
    fn a_file_is_closed_on_exec_and_where_nobody_takes_it() {
        let mut options = OpenOptions::new();
        let open = || OpenAt::new("/dev/null", OpenOptions::new().read(true)).unwrap();
        let mut first = OpenAt::new("/dev/null", options.read(true)).unwrap();
        assert_ne!(entry(&mut first).get_op_flags().cast_signed() & libc::O_CLOEXEC, 0);

        let number = stray_fd();
        drop(complete(first, number).unwrap());
        assert!(!is_open(number));

        let number = stray_fd();
        cancelled(open(), number);
        assert!(!is_open(number));
        for errno in [libc::ENOENT, libc::EMFILE, libc::ECANCELED, 512] {
            assert!(complete(open(), -errno).is_err());
        }
    }

    #[test]
    fn a_zero_byte_in_the_path_is_refused() {
        let error = OpenAt::new("a\0b", OpenOptions::new().read(true)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    }
}
