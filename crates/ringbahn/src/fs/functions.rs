//! Free functions, as std::fs has them, from the current directory and on the default driver.

use std::fs::Permissions;
use std::io;
use std::path::{Path, PathBuf};

use ringbahn_core::event::Metadata;

use super::pool::in_pool;
use super::{Dir, ReadDir};

/// Copies a file with its permissions, as [`std::fs::copy`], and yields how many bytes it has.
///
/// The target is created, or emptied first. Then the kernel copies the contents where it can, by
/// `copy_file_range(2)` on a thread of a pool, and the driver reads and writes what is left,
/// several pieces at a time: [`FileCopy`](super::FileCopy) has that for files that are open. Holes
/// stay holes. The copy ends where the file ended when it was opened, also where it grows
/// meanwhile; a file that reports no length, as those of `/proc` do, is read to its end.
///
/// # Errors
///
/// Those of `open(2)`, `read(2)`, `write(2)` and `copy_file_range(2)`; `InvalidInput` where the
/// source is no regular file, and where both are the same file, which std would empty.
///
/// # Cancel safety
///
/// It is not cancel safe, use it where it runs to its end: where it is dropped the target may be
/// empty, or written in part. A thread of the pool ends what it has begun, which is 16 MiB at most.
pub async fn copy(from: impl AsRef<Path>, to: impl AsRef<Path>) -> io::Result<u64> {
    Dir::current().copy(from, to).await
}

/// Gives a file or directory another name, in place of what may have that, as [`std::fs::rename`].
///
/// # Errors
///
/// Those of `rename(2)`: `NotFound`, `PermissionDenied`, `CrossesDevices`, `DirectoryNotEmpty`,
/// `IsADirectory`, `NotADirectory`, …
///
/// # Cancel safety
///
/// It is not cancel safe, use it where it runs to its end: where it is dropped it may or may not
/// happen.
pub async fn rename(from: impl AsRef<Path>, to: impl AsRef<Path>) -> io::Result<()> {
    Dir::current().rename(from, to).await
}

/// Removes a file, as [`std::fs::remove_file`].
///
/// # Errors
///
/// Those of `unlink(2)`: `NotFound`, `PermissionDenied`, `IsADirectory`, …
///
/// # Cancel safety
///
/// It is not cancel safe, use it where it runs to its end: where it is dropped it may or may not
/// happen.
pub async fn remove_file(path: impl AsRef<Path>) -> io::Result<()> {
    Dir::current().remove_file(path).await
}

/// Removes an empty directory, as [`std::fs::remove_dir`].
///
/// # Errors
///
/// Those of `rmdir(2)`: `NotFound`, `NotADirectory`, `DirectoryNotEmpty`, `PermissionDenied`, …
///
/// # Cancel safety
///
/// It is not cancel safe, use it where it runs to its end: where it is dropped it may or may not
/// happen.
pub async fn remove_dir(path: impl AsRef<Path>) -> io::Result<()> {
    Dir::current().remove_dir(path).await
}

/// Removes a directory with all that is in it, as [`std::fs::remove_dir_all`].
///
/// Symbolic links are removed and not followed, `path` itself included, also where somebody makes
/// one of a directory meanwhile.
///
/// # Errors
///
/// Those of reading directories and of removing what is in them, the first that happens; what was
/// to be removed and is gone already is none. `NotADirectory` for a file.
///
/// # Cancel safety
///
/// It is not cancel safe, use it where it runs to its end: where it is dropped some of it may be
/// gone. Another call goes on where this one was.
pub async fn remove_dir_all(path: impl AsRef<Path>) -> io::Result<()> {
    Dir::current().remove_dir_all(path).await
}

/// Makes a directory, as [`std::fs::create_dir`].
///
/// # Errors
///
/// Those of `mkdir(2)`: `AlreadyExists`, `NotFound` where the directory that it is to be in is not
/// there, `PermissionDenied`, …
///
/// # Cancel safety
///
/// It is not cancel safe, use it where it runs to its end: where it is dropped it may or may not
/// happen.
pub async fn create_dir(path: impl AsRef<Path>) -> io::Result<()> {
    Dir::current().create_dir(path).await
}

/// Makes a directory, and those that it is to be in, as [`std::fs::create_dir_all`]. What is there
/// already stays.
///
/// # Errors
///
/// Those of `mkdir(2)`; `AlreadyExists` and `NotADirectory` where a part of the path is something
/// else.
///
/// # Cancel safety
///
/// It is not cancel safe, use it where it runs to its end: where it is dropped some of the
/// directories may be there. Another call goes on where this one was.
pub async fn create_dir_all(path: impl AsRef<Path>) -> io::Result<()> {
    Dir::current().create_dir_all(path).await
}

/// Gives a file one more name, as [`std::fs::hard_link`].
///
/// # Errors
///
/// Those of `link(2)`: `NotFound`, `AlreadyExists`, `CrossesDevices`, `PermissionDenied`, …
///
/// # Cancel safety
///
/// It is not cancel safe, use it where it runs to its end: where it is dropped it may or may not
/// happen.
pub async fn hard_link(original: impl AsRef<Path>, link: impl AsRef<Path>) -> io::Result<()> {
    Dir::current().hard_link(original, link).await
}

/// Makes the symbolic link `link`, which leads to `original`, as [`std::os::unix::fs::symlink`].
///
/// # Errors
///
/// Those of `symlink(2)`: `AlreadyExists`, `NotFound`, `PermissionDenied`, …
///
/// # Cancel safety
///
/// It is not cancel safe, use it where it runs to its end: where it is dropped it may or may not
/// happen.
pub async fn symlink(original: impl AsRef<Path>, link: impl AsRef<Path>) -> io::Result<()> {
    Dir::current().symlink(original, link).await
}

/// What a symbolic link leads to, as [`std::fs::read_link`]. A thread of a pool reads it.
///
/// # Errors
///
/// Those of `readlink(2)`: `NotFound`, `InvalidInput` for what is no symbolic link, …
///
/// # Cancel safety
///
/// It is cancel safe: it changes nothing.
pub async fn read_link(path: impl AsRef<Path>) -> io::Result<PathBuf> {
    Dir::current().read_link(path).await
}

/// The absolute path without symbolic links, as [`std::fs::canonicalize`]. A thread of a pool finds
/// it.
///
/// # Errors
///
/// Those of `realpath(3)`: `NotFound`, `NotADirectory`, …
///
/// # Cancel safety
///
/// It is cancel safe: it changes nothing.
pub async fn canonicalize(path: impl AsRef<Path>) -> io::Result<PathBuf> {
    let path = path.as_ref().to_owned();
    in_pool(move || std::fs::canonicalize(path)).await
}

/// What the file system knows of a file, as [`std::fs::metadata`]; of a symbolic link, of the file
/// that it leads to.
///
/// # Errors
///
/// Those of `statx(2)`: `NotFound`, `PermissionDenied`, …
///
/// # Cancel safety
///
/// It is cancel safe: it changes nothing.
pub async fn metadata(path: impl AsRef<Path>) -> io::Result<Metadata> {
    Dir::current().metadata(path).await
}

/// What the file system knows of a file, as [`std::fs::symlink_metadata`]; of a symbolic link, of
/// the link itself.
///
/// # Errors
///
/// Those of `statx(2)`: `NotFound`, `PermissionDenied`, …
///
/// # Cancel safety
///
/// It is cancel safe: it changes nothing.
pub async fn symlink_metadata(path: impl AsRef<Path>) -> io::Result<Metadata> {
    Dir::current().symlink_metadata(path).await
}

/// Sets the permissions of a file, as [`std::fs::set_permissions`]. A thread of a pool does it.
///
/// # Errors
///
/// Those of `chmod(2)`: `NotFound`, `PermissionDenied`, …
///
/// # Cancel safety
///
/// It is not cancel safe, use it where it runs to its end: where it is dropped it may or may not
/// happen.
pub async fn set_permissions(path: impl AsRef<Path>, permissions: Permissions) -> io::Result<()> {
    Dir::current().set_permissions(path, permissions).await
}

/// Whether there is a file at `path`, as [`std::fs::exists`]; a symbolic link that leads nowhere is
/// none.
///
/// # Errors
///
/// Those of `statx(2)` but for `NotFound`: `PermissionDenied`, `NotADirectory`, …
///
/// # Cancel safety
///
/// It is cancel safe: it changes nothing.
#[doc(alias = "try_exists")]
pub async fn exists(path: impl AsRef<Path>) -> io::Result<bool> {
    Dir::current().exists(path).await
}

/// What is in a directory, as [`std::fs::read_dir`].
///
/// # Examples
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// # if ringbahn::DefaultDriver::shared().is_err() { return Ok(()) }
/// # futures::executor::block_on(async {
/// let mut entries = ringbahn::fs::read_dir(".").await?;
/// let mut found = false;
/// while let Some(entry) = entries.next_entry().await? {
///     found |= entry.file_name() == "Cargo.toml" && entry.file_type().await?.is_file();
/// }
/// assert!(found);
/// # Ok(())
/// # })
/// # }
/// ```
///
/// # Errors
///
/// Those of `open(2)`: `NotFound`, `NotADirectory`, `PermissionDenied`, …; later ones come with the
/// entries.
///
/// # Cancel safety
///
/// It is cancel safe: it changes nothing.
pub async fn read_dir(path: impl AsRef<Path>) -> io::Result<ReadDir> {
    Dir::current().read_dir(path).await
}
