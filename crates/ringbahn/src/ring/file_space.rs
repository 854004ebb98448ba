//! [`Ring`] of a [`File`]: its room, how it will be used, its permissions and times, and another
//! handle to it.

use std::fs::{File, FileTimes, Permissions};
use std::io;
use std::num::NonZeroU64;
use std::time::SystemTime;

use ringbahn_core::Drive;
use ringbahn_core::event::{Allocation, Fadvise, Fallocate, FileAdvice};

use super::Ring;
use super::buffering::Buffering;
use super::object::FileObject;

impl<T: FileObject, D: Drive + Clone + Unpin, S: Buffering> Ring<T, D, S> {
    /// Makes room for `length` bytes of the file from `offset` on, or does what else `allocation`
    /// says. What `AsyncWrite` has accepted is written first.
    ///
    /// # Errors
    ///
    /// What a write has failed with and nobody has been told, and those of `fallocate(2)`:
    /// `StorageFull`; `InvalidInput` for a length of 0; `Unsupported` where the file system cannot
    /// do it; …
    ///
    /// # Cancel safety
    ///
    /// It is not cancel safe, use it where it runs to its end: where it is dropped the file may or
    /// may not change.
    pub async fn allocate(
        &self,
        offset: u64,
        length: u64,
        allocation: Allocation,
    ) -> io::Result<()> {
        self.written().await?;
        let allocate = Fallocate::new(self.handle.fd(), offset, length, allocation);
        self.handle.submit(allocate).await
    }

    /// Says how the file will be used from `offset` on: `length` bytes of it, or with `None` all
    /// there is.
    ///
    /// # Errors
    ///
    /// Those of `posix_fadvise(2)`: `NotSeekable` for a pipe.
    ///
    /// # Cancel safety
    ///
    /// It is cancel safe: it changes nothing that can be read.
    pub async fn advise(
        &self,
        offset: u64,
        length: Option<NonZeroU64>,
        advice: FileAdvice,
    ) -> io::Result<()> {
        let advise = Fadvise::new(self.handle.fd(), advice).offset(offset);
        let advise = match length {
            Some(length) => advise.length(length),
            None => advise,
        };
        self.handle.submit(advise).await
    }
}

impl<D: Drive + Clone + Unpin> Ring<File, D> {
    /// One more handle of the same open file, as [`File::try_clone`]: reads, writes and seeks of
    /// either move the position of both.
    ///
    /// What this handle has read ahead, or accepted and not yet written, is its own. So `flush`
    /// before, and do not mix `AsyncRead` of two handles.
    ///
    /// # Errors
    ///
    /// `EMFILE` where descriptors have run out.
    pub fn try_clone(&self) -> io::Result<Ring<File, D>> {
        let file = self.get_ref().try_clone()?;
        Ok(Ring::new_on_driver(file, self.driver().clone()))
    }
}

impl<D: Drive + Clone + Unpin, S: Buffering> Ring<File, D, S> {
    /// Sets the permissions of the file, as [`File::set_permissions`]. A thread of a pool does it.
    ///
    /// # Errors
    ///
    /// Those of `fchmod(2)`: `PermissionDenied`; `EMFILE` where descriptors have run out.
    ///
    /// # Cancel safety
    ///
    /// It is not cancel safe, use it where it runs to its end: where it is dropped it may or may
    /// not happen.
    pub async fn set_permissions(&self, permissions: Permissions) -> io::Result<()> {
        let file = self.get_ref().try_clone()?;
        crate::fs::in_pool(move || file.set_permissions(permissions)).await
    }

    /// Sets when the file was read last and changed last, as [`File::set_times`]. A thread of a
    /// pool does it. What `AsyncWrite` has accepted is written first.
    ///
    /// # Errors
    ///
    /// What a write has failed with and nobody has been told, and those of `futimens(3)`:
    /// `PermissionDenied`; `EMFILE` where descriptors have run out.
    ///
    /// # Cancel safety
    ///
    /// It is not cancel safe, use it where it runs to its end: where it is dropped it may or may
    /// not happen.
    pub async fn set_times(&self, times: FileTimes) -> io::Result<()> {
        self.written().await?;
        let file = self.get_ref().try_clone()?;
        crate::fs::in_pool(move || file.set_times(times)).await
    }

    /// Sets when the file was changed last, as [`File::set_modified`].
    ///
    /// # Errors
    ///
    /// Those of [`set_times`](Ring::set_times).
    ///
    /// # Cancel safety
    ///
    /// It is not cancel safe, use it where it runs to its end: where it is dropped it may or may
    /// not happen.
    pub async fn set_modified(&self, time: SystemTime) -> io::Result<()> {
        self.set_times(FileTimes::new().set_modified(time)).await
    }
}
