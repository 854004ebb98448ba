//! [`Dir`]: an open directory, from which relative paths start.

use std::ffi::OsStr;
use std::fs::{File, Permissions};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ringbahn_core::event::{
    LinkAt, Metadata, MkdirAt, OpenAt, OpenAt2, RenameAt, Resolve, Statx, SymlinkAt, UnlinkAt,
};
use ringbahn_core::{BufResultExt, Drive, Event, IoBuf, SharedFd};
use rustix::fs::{AtFlags, Mode};

use super::pool::in_pool;
use super::read_dir::ReadDir;
use super::{OpenOptions, copy, remove};
use crate::driver::DefaultDriver;
use crate::ring::Ring;

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

    /// Opens a file for reading, as [`File::open`] does.
    ///
    /// # Errors
    ///
    /// Those of [`OpenOptions::open`].
    ///
    /// # Cancel safety
    ///
    /// It is cancel safe: a file that is opened all the same is closed.
    pub async fn open_file(&self, path: impl AsRef<Path>) -> io::Result<Ring<File, D>> {
        self.open_with(path, OpenOptions::new().read(true)).await
    }

    /// Opens a file for writing, as [`File::create`] does: it is created where there is none, and
    /// emptied where there is one.
    ///
    /// # Errors
    ///
    /// Those of [`OpenOptions::open`].
    ///
    /// # Cancel safety
    ///
    /// It loses at most the file: one that is created or emptied all the same stays so.
    pub async fn create_file(&self, path: impl AsRef<Path>) -> io::Result<Ring<File, D>> {
        self.open_with(path, OpenOptions::new().write(true).create(true).truncate(true)).await
    }

    /// Opens a file as `options` say.
    ///
    /// # Errors
    ///
    /// Those of [`OpenOptions::open`].
    ///
    /// # Cancel safety
    ///
    /// It loses at most the file: one that is created or emptied all the same stays so. It is
    /// closed.
    pub async fn open_with(
        &self,
        path: impl AsRef<Path>,
        options: &OpenOptions,
    ) -> io::Result<Ring<File, D>> {
        let open = self.at(OpenAt::new(path, options.options())?, OpenAt::relative_to);
        let file = self.run(open).await?;
        Ok(Ring::new_on_driver(File::from(file), self.driver.clone()))
    }

    /// Opens a file as `options` say, and follows its path only as far as `resolve` says: with
    /// [`Resolve::BENEATH`], never out of this directory.
    ///
    /// # Errors
    ///
    /// Those of [`OpenOptions::open`], and those of each [`Resolve`].
    ///
    /// # Cancel safety
    ///
    /// It loses at most the file: one that is created or emptied all the same stays so. It is
    /// closed.
    pub async fn open_resolved(
        &self,
        path: impl AsRef<Path>,
        options: &OpenOptions,
        resolve: Resolve,
    ) -> io::Result<Ring<File, D>> {
        let open = OpenAt2::new(path, options.options())?.resolve(resolve);
        let file = self.run(self.at(open, OpenAt2::relative_to)).await?;
        Ok(Ring::new_on_driver(File::from(file), self.driver.clone()))
    }

    /// Reads a whole file.
    ///
    /// # Errors
    ///
    /// Those of [`fs::read`](super::read()).
    ///
    /// # Cancel safety
    ///
    /// It is cancel safe: reading changes nothing.
    pub async fn read(&self, path: impl AsRef<Path>) -> io::Result<Vec<u8>> {
        let (_, contents) =
            self.open_file(path).await?.read_to_end_at(Vec::new(), 0).await.both()?;
        Ok(contents)
    }

    /// Reads a whole file of UTF-8.
    ///
    /// # Errors
    ///
    /// Those of [`fs::read_to_string`](super::read_to_string).
    ///
    /// # Cancel safety
    ///
    /// It is cancel safe: reading changes nothing.
    pub async fn read_to_string(&self, path: impl AsRef<Path>) -> io::Result<String> {
        super::whole::text(self.read(path).await?)
    }

    /// Writes a whole file: creates it, or empties it first.
    ///
    /// # Errors
    ///
    /// Those of [`fs::write`](super::write()).
    ///
    /// # Cancel safety
    ///
    /// It is not cancel safe, use it where it runs to its end: where it is dropped the file may be
    /// empty, or written in part.
    pub async fn write(&self, path: impl AsRef<Path>, contents: impl IoBuf) -> io::Result<()> {
        let ((), _) = self.create_file(path).await?.write_all_at(contents, 0).await.both()?;
        Ok(())
    }

    /// Copies a file with its permissions, and yields how many bytes it has.
    ///
    /// # Errors
    ///
    /// Those of [`fs::copy`](super::copy()).
    ///
    /// # Cancel safety
    ///
    /// It is not cancel safe, use it where it runs to its end: where it is dropped the target may be
    /// empty, or written in part.
    pub async fn copy(&self, from: impl AsRef<Path>, to: impl AsRef<Path>) -> io::Result<u64> {
        copy::copy(self, from.as_ref(), to.as_ref()).await
    }

    /// Gives a file or directory another name, in place of what may have that.
    ///
    /// # Errors
    ///
    /// Those of [`fs::rename`](super::rename).
    ///
    /// # Cancel safety
    ///
    /// It is not cancel safe, use it where it runs to its end: where it is dropped it may or may not
    /// happen.
    pub async fn rename(&self, from: impl AsRef<Path>, to: impl AsRef<Path>) -> io::Result<()> {
        self.rename_into(from, self, to).await
    }

    /// As [`rename`](Dir::rename), where `to` starts from `other`.
    ///
    /// # Errors
    ///
    /// Those of [`fs::rename`](super::rename).
    ///
    /// # Cancel safety
    ///
    /// It is not cancel safe, use it where it runs to its end: where it is dropped it may or may not
    /// happen.
    pub async fn rename_into(
        &self,
        from: impl AsRef<Path>,
        other: &Dir<D>,
        to: impl AsRef<Path>,
    ) -> io::Result<()> {
        let rename = self.at(RenameAt::new(from, to)?, RenameAt::from_directory);
        self.run(other.at(rename, RenameAt::to_directory)).await
    }

    /// Removes a file.
    ///
    /// # Errors
    ///
    /// Those of [`fs::remove_file`](super::remove_file).
    ///
    /// # Cancel safety
    ///
    /// It is not cancel safe, use it where it runs to its end: where it is dropped it may or may not
    /// happen.
    pub async fn remove_file(&self, path: impl AsRef<Path>) -> io::Result<()> {
        self.run(self.at(UnlinkAt::file(path)?, UnlinkAt::relative_to)).await
    }

    /// Removes an empty directory.
    ///
    /// # Errors
    ///
    /// Those of [`fs::remove_dir`](super::remove_dir).
    ///
    /// # Cancel safety
    ///
    /// It is not cancel safe, use it where it runs to its end: where it is dropped it may or may not
    /// happen.
    pub async fn remove_dir(&self, path: impl AsRef<Path>) -> io::Result<()> {
        self.run(self.at(UnlinkAt::directory(path)?, UnlinkAt::relative_to)).await
    }

    /// Removes a directory with all that is in it.
    ///
    /// # Errors
    ///
    /// Those of [`fs::remove_dir_all`](super::remove_dir_all).
    ///
    /// # Cancel safety
    ///
    /// It is not cancel safe, use it where it runs to its end: where it is dropped some of it may be
    /// gone. Another call goes on where this one was.
    pub async fn remove_dir_all(&self, path: impl AsRef<Path>) -> io::Result<()> {
        remove::all(self, path.as_ref()).await
    }

    /// Makes a directory. [`DirBuilder`](super::DirBuilder) has more to choose from.
    ///
    /// # Errors
    ///
    /// Those of [`fs::create_dir`](super::create_dir).
    ///
    /// # Cancel safety
    ///
    /// It is not cancel safe, use it where it runs to its end: where it is dropped it may or may not
    /// happen.
    pub async fn create_dir(&self, path: impl AsRef<Path>) -> io::Result<()> {
        super::DirBuilder::new().create_in(self, path).await
    }

    /// Makes a directory, and those that it is to be in.
    ///
    /// # Errors
    ///
    /// Those of [`fs::create_dir_all`](super::create_dir_all).
    ///
    /// # Cancel safety
    ///
    /// It is not cancel safe, use it where it runs to its end: where it is dropped some of the
    /// directories may be there. Another call goes on where this one was.
    pub async fn create_dir_all(&self, path: impl AsRef<Path>) -> io::Result<()> {
        super::DirBuilder::new().recursive(true).create_in(self, path).await
    }

    /// Makes one directory.
    pub(super) async fn make(&self, path: &Path, mode: u32) -> io::Result<()> {
        self.run(self.at(MkdirAt::new(path)?.mode(mode), MkdirAt::relative_to)).await
    }

    /// Gives the file at `original` one more name.
    ///
    /// # Errors
    ///
    /// Those of [`fs::hard_link`](super::hard_link).
    ///
    /// # Cancel safety
    ///
    /// It is not cancel safe, use it where it runs to its end: where it is dropped it may or may not
    /// happen.
    pub async fn hard_link(
        &self,
        original: impl AsRef<Path>,
        link: impl AsRef<Path>,
    ) -> io::Result<()> {
        let link = self.at(LinkAt::new(original, link)?, LinkAt::original_relative_to);
        self.run(self.at(link, LinkAt::link_relative_to)).await
    }

    /// Makes the symbolic link `link`, which leads to `original`.
    ///
    /// # Errors
    ///
    /// Those of [`fs::symlink`](super::symlink).
    ///
    /// # Cancel safety
    ///
    /// It is not cancel safe, use it where it runs to its end: where it is dropped it may or may not
    /// happen.
    pub async fn symlink(
        &self,
        original: impl AsRef<Path>,
        link: impl AsRef<Path>,
    ) -> io::Result<()> {
        self.run(self.at(SymlinkAt::new(original, link)?, SymlinkAt::relative_to)).await
    }

    /// What a symbolic link leads to.
    ///
    /// # Errors
    ///
    /// Those of [`fs::read_link`](super::read_link).
    ///
    /// # Cancel safety
    ///
    /// It is cancel safe: it changes nothing.
    pub async fn read_link(&self, path: impl AsRef<Path>) -> io::Result<PathBuf> {
        let (directory, path) = (self.directory.clone(), path.as_ref().to_owned());
        in_pool(move || {
            let target = rustix::fs::readlinkat(number(&directory), path, Vec::new())?;
            Ok(PathBuf::from(OsStr::from_bytes(target.as_bytes())))
        })
        .await
    }

    /// What the file system knows of a file; of a symbolic link, of the file that it leads to.
    ///
    /// # Errors
    ///
    /// Those of [`fs::metadata`](super::metadata).
    ///
    /// # Cancel safety
    ///
    /// It is cancel safe: it changes nothing.
    pub async fn metadata(&self, path: impl AsRef<Path>) -> io::Result<Metadata> {
        self.status(path.as_ref(), true).await
    }

    /// What the file system knows of a file; of a symbolic link, of the link itself.
    ///
    /// # Errors
    ///
    /// Those of [`fs::symlink_metadata`](super::symlink_metadata).
    ///
    /// # Cancel safety
    ///
    /// It is cancel safe: it changes nothing.
    pub async fn symlink_metadata(&self, path: impl AsRef<Path>) -> io::Result<Metadata> {
        self.status(path.as_ref(), false).await
    }

    async fn status(&self, path: &Path, follow_links: bool) -> io::Result<Metadata> {
        let statx = Statx::at(path)?.follow_links(follow_links);
        self.run(self.at(statx, Statx::relative_to)).await
    }

    /// Whether there is a file at `path`.
    ///
    /// # Errors
    ///
    /// Those of [`fs::exists`](super::exists).
    ///
    /// # Cancel safety
    ///
    /// It is cancel safe: it changes nothing.
    pub async fn exists(&self, path: impl AsRef<Path>) -> io::Result<bool> {
        match self.metadata(path).await {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Sets the permissions of a file.
    ///
    /// # Errors
    ///
    /// Those of [`fs::set_permissions`](super::set_permissions).
    ///
    /// # Cancel safety
    ///
    /// It is not cancel safe, use it where it runs to its end: where it is dropped it may or may not
    /// happen.
    pub async fn set_permissions(
        &self,
        path: impl AsRef<Path>,
        permissions: Permissions,
    ) -> io::Result<()> {
        let (directory, path) = (self.directory.clone(), path.as_ref().to_owned());
        let mode = Mode::from_raw_mode(permissions.mode());
        in_pool(move || Ok(rustix::fs::chmodat(number(&directory), path, mode, AtFlags::empty())?))
            .await
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
        self.run(ringbahn_core::event::Fsync::new(directory)).await
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

/// The number by which a call names a directory.
fn number(directory: &Option<Arc<OwnedFd>>) -> BorrowedFd<'_> {
    directory.as_ref().map_or(rustix::fs::CWD, |directory| directory.as_fd())
}
