//! The files of a directory: opened, and whole ones read, written and copied.

use std::fs::File;
use std::io;
use std::path::Path;

use ringbahn_core::event::{OpenAt, OpenAt2, Resolve};
use ringbahn_core::{BufResultExt, Drive, IoBuf};

use super::Dir;
use crate::fs::{OpenOptions, copy, whole};
use crate::ring::Ring;

impl<D: Drive + Clone + Unpin> Dir<D> {
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
    /// Those of [`fs::read`](crate::fs::read()).
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
    /// Those of [`fs::read_to_string`](crate::fs::read_to_string).
    ///
    /// # Cancel safety
    ///
    /// It is cancel safe: reading changes nothing.
    pub async fn read_to_string(&self, path: impl AsRef<Path>) -> io::Result<String> {
        whole::text(self.read(path).await?)
    }

    /// Writes a whole file: creates it, or empties it first.
    ///
    /// # Errors
    ///
    /// Those of [`fs::write`](crate::fs::write()).
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
    /// Those of [`fs::copy`](crate::fs::copy()).
    ///
    /// # Cancel safety
    ///
    /// It is not cancel safe, use it where it runs to its end: where it is dropped the target may
    /// be empty, or written in part.
    pub async fn copy(&self, from: impl AsRef<Path>, to: impl AsRef<Path>) -> io::Result<u64> {
        copy::copy(self, from.as_ref(), to.as_ref()).await
    }
}
