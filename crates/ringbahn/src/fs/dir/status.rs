//! What is known of the files of a directory, and their permissions.

use std::ffi::OsStr;
use std::fs::Permissions;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ringbahn_core::Drive;
use ringbahn_core::event::{Metadata, Statx};
use rustix::fs::{AtFlags, Mode};

use super::Dir;
use crate::fs::pool::in_pool;

impl<D: Drive + Clone + Unpin> Dir<D> {
    /// What a symbolic link leads to.
    ///
    /// # Errors
    ///
    /// Those of [`fs::read_link`](crate::fs::read_link).
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
    /// Those of [`fs::metadata`](crate::fs::metadata).
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
    /// Those of [`fs::symlink_metadata`](crate::fs::symlink_metadata).
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
    /// Those of [`fs::exists`](crate::fs::exists).
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
    /// Those of [`fs::set_permissions`](crate::fs::set_permissions).
    ///
    /// # Cancel safety
    ///
    /// It is not cancel safe, use it where it runs to its end: where it is dropped it may or may
    /// not happen.
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
}

/// The number by which a call names a directory.
fn number(directory: &Option<Arc<OwnedFd>>) -> BorrowedFd<'_> {
    directory.as_ref().map_or(rustix::fs::CWD, |directory| directory.as_fd())
}
