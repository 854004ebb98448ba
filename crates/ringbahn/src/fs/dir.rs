//! [`Dir`]: an open directory, from which relative paths start.

mod files;
mod names;
mod status;

use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ringbahn_core::event::{Fsync, OpenAt};
use ringbahn_core::{Drive, Event, SharedFd};

use super::OpenOptions;
use super::read_dir::ReadDir;
use crate::driver::DefaultDriver;

/// A directory, from which relative paths start.
///
/// It stays the same directory whatever becomes of its name, so what is done through it cannot come
/// to be done elsewhere. The functions of [`fs`](super) do the same from the
/// [current directory](Dir::current).
///
/// # Examples
///
/// ```
/// use ringbahn::fs::Dir;
///
/// # fn main() -> std::io::Result<()> {
/// # if ringbahn::DefaultDriver::shared().is_err() { return Ok(()) }
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path();
/// # futures::executor::block_on(async {
/// let dir = Dir::open(path).await?;
/// dir.write("settings.new", "colour = blue").await?;
/// // Nobody ever sees half of it, not even after a loss of power.
/// dir.open_file("settings.new").await?.sync_all().await?;
/// dir.rename("settings.new", "settings").await?;
/// dir.sync().await?;
/// assert_eq!(dir.read_to_string("settings").await?, "colour = blue");
/// # Ok(())
/// # })
/// # }
/// ```
///
/// # Kernel
///
/// What the kernel's io_uring has no operation for yet is executed by the fallback beside the ring:
/// renames and removals before Linux 5.11, directories and links before 5.15.
#[derive(Clone, Debug)]
pub struct Dir<D = DefaultDriver> {
    /// `None` for the current directory of the process, whatever that is at the time.
    directory: Option<Arc<OwnedFd>>,
    path: PathBuf,
    driver: D,
}

impl Dir {
    /// The current directory of the process: at any time the one that it has at the time.
    pub fn current() -> Dir {
        Dir::current_on_driver(DefaultDriver)
    }

    /// Opens the directory at `path`.
    ///
    /// # Errors
    ///
    /// Those of `open(2)`: `NotFound`, `NotADirectory`, `PermissionDenied`, …; `InvalidInput` where
    /// the path contains a zero byte.
    ///
    /// # Cancel safety
    ///
    /// It is cancel safe: a directory that is opened all the same is closed.
    pub async fn open(path: impl AsRef<Path>) -> io::Result<Dir> {
        Dir::current().open_dir(path).await
    }
}

impl<D: Drive + Clone + Unpin> Dir<D> {
    /// As [`current`](Dir::current), on `driver`.
    pub fn current_on_driver(driver: D) -> Dir<D> {
        Dir { directory: None, path: PathBuf::new(), driver }
    }

    /// Opens the directory at `path`.
    ///
    /// # Errors
    ///
    /// Those of [`open`](Dir::open).
    ///
    /// # Cancel safety
    ///
    /// It is cancel safe: a directory that is opened all the same is closed.
    pub async fn open_dir(&self, path: impl AsRef<Path>) -> io::Result<Dir<D>> {
        self.open_dir_with(path.as_ref(), 0).await
    }

    /// As [`open_dir`](Dir::open_dir), with further flags of `open(2)`.
    pub(super) async fn open_dir_with(&self, path: &Path, flags: i32) -> io::Result<Dir<D>> {
        let mut options = OpenOptions::new();
        options.read(true).custom_flags(libc::O_DIRECTORY | flags);
        let open = self.at(OpenAt::new(path, options.options())?, OpenAt::relative_to);
        let directory = self.run(open).await?;
        let (path, driver) = (self.path.join(path), self.driver.clone());
        Ok(Dir { directory: Some(Arc::new(directory)), path, driver })
    }

    /// What is in a directory.
    ///
    /// # Errors
    ///
    /// Those of [`fs::read_dir`](super::read_dir()).
    ///
    /// # Cancel safety
    ///
    /// It is cancel safe: it changes nothing.
    pub async fn read_dir(&self, path: impl AsRef<Path>) -> io::Result<ReadDir<D>> {
        let directory = self.open_dir(path).await?;
        Ok(directory.entries())
    }

    /// What is in this directory itself, which nobody else reads.
    pub(super) fn entries(self) -> ReadDir<D> {
        ReadDir::new(self)
    }

    /// Waits until the names in this directory have reached the disk: those that have been made,
    /// changed or removed. The files themselves are another matter.
    ///
    /// # Errors
    ///
    /// Those of `fsync(2)`. `Unsupported` for the [current](Dir::current) directory, which is not
    /// open: open it as `.`.
    ///
    /// # Cancel safety
    ///
    /// It loses at most an error that it was about to report.
    pub async fn sync(&self) -> io::Result<()> {
        let directory = self.shared().ok_or(io::ErrorKind::Unsupported)?;
        self.run(Fsync::new(directory)).await
    }

    /// The path by which it was opened. It may lead elsewhere by now.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The driver that it is used on.
    pub fn driver(&self) -> &D {
        &self.driver
    }

    async fn run<E: Event>(&self, event: E) -> E::Output {
        self.driver.clone().submit(event).await
    }

    /// `event`, where relative paths start from here.
    fn at<E>(&self, event: E, relative_to: impl FnOnce(E, SharedFd) -> E) -> E {
        match self.shared() {
            Some(directory) => relative_to(event, directory),
            None => event,
        }
    }

    fn shared(&self) -> Option<SharedFd> {
        self.directory.clone().map(SharedFd::new)
    }

    /// The descriptor, for calls on other threads.
    pub(super) fn descriptor(&self) -> Option<Arc<OwnedFd>> {
        self.directory.clone()
    }
}
