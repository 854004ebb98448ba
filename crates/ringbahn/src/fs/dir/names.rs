//! Names in a directory: given, changed and removed.

use std::io;
use std::path::Path;

use ringbahn_core::Drive;
use ringbahn_core::event::{LinkAt, MkdirAt, RenameAt, SymlinkAt, UnlinkAt};

use super::Dir;
use crate::fs::{DirBuilder, remove};

impl<D: Drive + Clone + Unpin> Dir<D> {
    /// Gives a file or directory another name, in place of what may have that.
    ///
    /// # Errors
    ///
    /// Those of [`fs::rename`](crate::fs::rename).
    ///
    /// # Cancel safety
    ///
    /// It is not cancel safe, use it where it runs to its end: where it is dropped it may or may
    /// not happen.
    pub async fn rename(&self, from: impl AsRef<Path>, to: impl AsRef<Path>) -> io::Result<()> {
        self.rename_into(from, self, to).await
    }

    /// As [`rename`](Dir::rename), where `to` starts from `other`.
    ///
    /// # Errors
    ///
    /// Those of [`fs::rename`](crate::fs::rename).
    ///
    /// # Cancel safety
    ///
    /// It is not cancel safe, use it where it runs to its end: where it is dropped it may or may
    /// not happen.
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
    /// Those of [`fs::remove_file`](crate::fs::remove_file).
    ///
    /// # Cancel safety
    ///
    /// It is not cancel safe, use it where it runs to its end: where it is dropped it may or may
    /// not happen.
    pub async fn remove_file(&self, path: impl AsRef<Path>) -> io::Result<()> {
        self.run(self.at(UnlinkAt::file(path)?, UnlinkAt::relative_to)).await
    }

    /// Removes an empty directory.
    ///
    /// # Errors
    ///
    /// Those of [`fs::remove_dir`](crate::fs::remove_dir).
    ///
    /// # Cancel safety
    ///
    /// It is not cancel safe, use it where it runs to its end: where it is dropped it may or may
    /// not happen.
    pub async fn remove_dir(&self, path: impl AsRef<Path>) -> io::Result<()> {
        self.run(self.at(UnlinkAt::directory(path)?, UnlinkAt::relative_to)).await
    }

    /// Removes a directory with all that is in it.
    ///
    /// # Errors
    ///
    /// Those of [`fs::remove_dir_all`](crate::fs::remove_dir_all).
    ///
    /// # Cancel safety
    ///
    /// It is not cancel safe, use it where it runs to its end: where it is dropped some of it may
    /// be gone. Another call goes on where this one was.
    pub async fn remove_dir_all(&self, path: impl AsRef<Path>) -> io::Result<()> {
        remove::all(self, path.as_ref()).await
    }

    /// Makes a directory. [`DirBuilder`](crate::fs::DirBuilder) has more to choose from.
    ///
    /// # Errors
    ///
    /// Those of [`fs::create_dir`](crate::fs::create_dir).
    ///
    /// # Cancel safety
    ///
    /// It is not cancel safe, use it where it runs to its end: where it is dropped it may or may
    /// not happen.
    pub async fn create_dir(&self, path: impl AsRef<Path>) -> io::Result<()> {
        DirBuilder::new().create_in(self, path).await
    }

    /// Makes a directory, and those that it is to be in.
    ///
    /// # Errors
    ///
    /// Those of [`fs::create_dir_all`](crate::fs::create_dir_all).
    ///
    /// # Cancel safety
    ///
    /// It is not cancel safe, use it where it runs to its end: where it is dropped some of the
    /// directories may be there. Another call goes on where this one was.
    pub async fn create_dir_all(&self, path: impl AsRef<Path>) -> io::Result<()> {
        DirBuilder::new().recursive(true).create_in(self, path).await
    }

    /// Makes one directory.
    pub(in crate::fs) async fn make(&self, path: &Path, mode: u32) -> io::Result<()> {
        self.run(self.at(MkdirAt::new(path)?.mode(mode), MkdirAt::relative_to)).await
    }

    /// Gives the file at `original` one more name.
    ///
    /// # Errors
    ///
    /// Those of [`fs::hard_link`](crate::fs::hard_link).
    ///
    /// # Cancel safety
    ///
    /// It is not cancel safe, use it where it runs to its end: where it is dropped it may or may
    /// not happen.
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
    /// Those of [`fs::symlink`](crate::fs::symlink).
    ///
    /// # Cancel safety
    ///
    /// It is not cancel safe, use it where it runs to its end: where it is dropped it may or may
    /// not happen.
    pub async fn symlink(
        &self,
        original: impl AsRef<Path>,
        link: impl AsRef<Path>,
    ) -> io::Result<()> {
        self.run(self.at(SymlinkAt::new(original, link)?, SymlinkAt::relative_to)).await
    }
}
