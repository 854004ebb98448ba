//! [`Ring`] of a [`File`], which may be in a slot.

use std::fs::File;
use std::io;
use std::path::Path;

use ringbahn_core::event::{self, Metadata, Position};
use ringbahn_core::{BufResult, Drive, IoBuf, IoBufMut, IoBufs, Submission};

use super::Ring;
use super::buffering::Buffering;
use super::object::FileObject;
use crate::driver::DefaultDriver;
use crate::fs::OpenOptions;

/// By how much [`Ring::read_to_end_at`] makes a full buffer larger at least, in bytes.
const GROWTH_MIN: usize = 8 * 1024;

impl Ring<File> {
    /// Opens a file for reading, as [`File::open`] does.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::fs::File;
    /// use ringbahn::{BufResultExt, Ring};
    ///
    /// # fn main() -> std::io::Result<()> {
    /// # if ringbahn::DefaultDriver::shared().is_err() { return Ok(()) }
    /// futures::executor::block_on(async {
    ///     let file = Ring::<File>::open("/etc/passwd").await?;
    ///     let (count, text) = file.read_to_end_at(Vec::new(), 0).await.both()?;
    ///     assert_eq!(count, text.len());
    ///     Ok(())
    /// })
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of `open(2)`: `NotFound`, `PermissionDenied`, …; `InvalidInput` where the path
    /// contains a zero byte. A directory can be opened; reading it fails with `IsADirectory`.
    ///
    /// # Cancel safety
    ///
    /// It is cancel safe: a file that is opened all the same is closed.
    pub async fn open(path: impl AsRef<Path>) -> io::Result<Ring<File>> {
        Ring::open_on_driver(path, DefaultDriver).await
    }

    /// Opens a file for writing, as [`File::create`] does: it is created where there is none, and
    /// emptied where there is one.
    ///
    /// # Errors
    ///
    /// Those of `open(2)`; `InvalidInput` where the path contains a zero byte.
    ///
    /// # Cancel safety
    ///
    /// It loses at most the file: one that is created or emptied all the same stays so.
    pub async fn create(path: impl AsRef<Path>) -> io::Result<Ring<File>> {
        Ring::create_on_driver(path, DefaultDriver).await
    }
}

impl<D: Drive + Clone + Unpin> Ring<File, D> {
    /// As [`open`](Ring::open), on `driver`.
    ///
    /// # Errors
    ///
    /// Those of [`open`](Ring::open).
    ///
    /// # Cancel safety
    ///
    /// It is cancel safe: a file that is opened all the same is closed.
    pub async fn open_on_driver(path: impl AsRef<Path>, driver: D) -> io::Result<Ring<File, D>> {
        OpenOptions::new().read(true).open_on_driver(path, driver).await
    }

    /// As [`create`](Ring::create), on `driver`.
    ///
    /// # Errors
    ///
    /// Those of [`create`](Ring::create).
    ///
    /// # Cancel safety
    ///
    /// It loses at most the file: one that is created or emptied all the same stays so.
    pub async fn create_on_driver(path: impl AsRef<Path>, driver: D) -> io::Result<Ring<File, D>> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).open_on_driver(path, driver).await
    }
}

impl<T: FileObject, D: Drive + Clone + Unpin, S: Buffering> Ring<T, D, S> {
    /// Reads at `offset`, in bytes from the start of the file, up to the capacity of `buffer`.
    ///
    /// Yields how many bytes were read, and the buffer. Zero means the end of the file, or a
    /// buffer without room. Several reads may run at the same time. The position does not matter
    /// and does not move.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::fs::File;
    /// use std::time::Duration;
    /// use ringbahn::{BufResultExt, Ring};
    ///
    /// # fn main() -> std::io::Result<()> {
    /// # if ringbahn::DefaultDriver::shared().is_err() { return Ok(()) }
    /// futures::executor::block_on(async {
    ///     let file = Ring::<File>::open("/dev/zero").await?;
    ///     let read = file.read_at(Vec::with_capacity(64), 0);
    ///     let (_count, buffer) = read.timeout(Duration::from_secs(1)).await.both()?;
    ///     assert_eq!(buffer, [0; 64]);
    ///     Ok(())
    /// })
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of `pread(2)`: `IsADirectory`, `NotSeekable` for a pipe, `InvalidInput` for an offset
    /// above `i64::MAX`.
    ///
    /// # Cancel safety
    ///
    /// It is cancel safe: nothing is taken from a file by reading it. The buffer is dropped;
    /// [`cancel`](Submission::cancel) and [`timeout`](Submission::timeout) give it back.
    pub fn read_at<B: IoBufMut>(&self, buffer: B, offset: u64) -> Submission<event::Read<B>, D> {
        self.handle.submit(event::Read::new(self.handle.fd(), buffer, Position::At(offset)))
    }

    /// Reads at `offset` until `buffer` is full. To read fewer bytes than its capacity, give a
    /// [slice](IoBuf::slice).
    ///
    /// # Errors
    ///
    /// `UnexpectedEof` where the file ends first, and those of [`read_at`](Ring::read_at). The
    /// buffer then holds what was read, and an [`Incomplete`](event::Incomplete) inside the error
    /// says how much that is.
    ///
    /// # Cancel safety
    ///
    /// It is cancel safe: nothing is taken from a file by reading it.
    pub fn read_exact_at<B: IoBufMut>(
        &self,
        buffer: B,
        offset: u64,
    ) -> Submission<event::ReadExact<B>, D> {
        self.handle.submit(event::ReadExact::new(self.handle.fd(), buffer, Position::At(offset)))
    }

    /// Reads at `offset` into several buffers, one after the other.
    ///
    /// # Errors
    ///
    /// Those of [`read_at`](Ring::read_at).
    ///
    /// # Cancel safety
    ///
    /// It is cancel safe: nothing is taken from a file by reading it.
    pub fn read_vectored_at<V: IoBufs<Buffer: IoBufMut>>(
        &self,
        buffers: V,
        offset: u64,
    ) -> Submission<event::ReadVectored<V>, D> {
        let position = Position::At(offset);
        self.handle.submit(event::ReadVectored::new(self.handle.fd(), buffers, position))
    }

    /// Reads from `offset` to the end of the file, and appends it to `buffer`.
    ///
    /// Yields how many bytes were appended, and the buffer, which grows as needed.
    ///
    /// # Errors
    ///
    /// Those of [`read_at`](Ring::read_at). The buffer then holds what was read before.
    ///
    /// # Cancel safety
    ///
    /// It is cancel safe: nothing is taken from a file by reading it. The buffer is dropped.
    pub async fn read_to_end_at(
        &self,
        mut buffer: Vec<u8>,
        offset: u64,
    ) -> BufResult<usize, Vec<u8>> {
        let begin = buffer.len();
        // Room for what there is and one byte more, so that the end is found without growing.
        let rest = self.get_ref().length().saturating_sub(offset);
        let rest = usize::try_from(rest).unwrap_or(usize::MAX);
        if buffer.try_reserve(rest.saturating_add(1)).is_err() {
            return (Err(io::ErrorKind::OutOfMemory.into()), buffer);
        }
        loop {
            let done = buffer.len() - begin;
            if buffer.len() == buffer.capacity() {
                buffer.reserve(GROWTH_MIN);
            }
            let read = self.read_at(buffer.spare_capacity(), offset.saturating_add(done as u64));
            let (result, slice) = read.await;
            buffer = slice.into_inner();
            match result {
                Ok(0) => return (Ok(done), buffer),
                Ok(_) => {}
                Err(error) => return (Err(error), buffer),
            }
        }
    }

    /// Writes at `offset`, in bytes from the start of the file.
    ///
    /// Yields how many bytes were written, and the buffer. Several writes may run at the same
    /// time. The position does not matter and does not move, except in a file that is opened for
    /// appending: the kernel then appends, whatever the offset.
    ///
    /// # Errors
    ///
    /// Those of `pwrite(2)`: `StorageFull`, `FileTooLarge`, `NotSeekable` for a pipe, …
    ///
    /// # Cancel safety
    ///
    /// It is not cancel safe, use [`cancel`](Submission::cancel) to learn whether it was written:
    /// a write that is dropped may or may not happen.
    pub fn write_at<B: IoBuf>(&self, buffer: B, offset: u64) -> Submission<event::Write<B>, D> {
        self.handle.submit(event::Write::new(self.handle.fd(), buffer, Position::At(offset)))
    }

    /// Writes all of `buffer` at `offset`.
    ///
    /// # Errors
    ///
    /// Those of [`write_at`](Ring::write_at); the bytes before the error have been written.
    ///
    /// # Cancel safety
    ///
    /// It is not cancel safe, use [`cancel`](Submission::cancel) to learn how far it came: where
    /// it is dropped some of the bytes may be written.
    pub fn write_all_at<B: IoBuf>(
        &self,
        buffer: B,
        offset: u64,
    ) -> Submission<event::WriteAll<B>, D> {
        self.handle.submit(event::WriteAll::new(self.handle.fd(), buffer, Position::At(offset)))
    }

    /// Writes several buffers at `offset`, one after the other.
    ///
    /// # Errors
    ///
    /// Those of [`write_at`](Ring::write_at).
    ///
    /// # Cancel safety
    ///
    /// It is not cancel safe, use [`cancel`](Submission::cancel) to learn whether it was written:
    /// a write that is dropped may or may not happen.
    pub fn write_vectored_at<V: IoBufs>(
        &self,
        buffers: V,
        offset: u64,
    ) -> Submission<event::WriteVectored<V>, D> {
        let position = Position::At(offset);
        self.handle.submit(event::WriteVectored::new(self.handle.fd(), buffers, position))
    }

    /// Waits until what was written has reached the disk, data and metadata.
    ///
    /// That is what `AsyncWrite` has accepted, which is waited for first, and what
    /// [`write_at`](Ring::write_at) and its like have reported as written.
    ///
    /// # Errors
    ///
    /// What a write has failed with and nobody has been told, and those of `fsync(2)`. After an
    /// error nobody knows what has reached the disk.
    ///
    /// # Cancel safety
    ///
    /// It loses at most an error that it was about to report.
    pub async fn sync_all(&self) -> io::Result<()> {
        self.written().await?;
        self.handle.submit(event::Fsync::new(self.handle.fd())).await
    }

    /// As [`sync_all`](Ring::sync_all), without the metadata that is not needed to read the data.
    ///
    /// # Errors
    ///
    /// Those of [`sync_all`](Ring::sync_all).
    ///
    /// # Cancel safety
    ///
    /// It loses at most an error that it was about to report.
    pub async fn sync_data(&self) -> io::Result<()> {
        self.written().await?;
        self.handle.submit(event::Fsync::new(self.handle.fd()).data_only(true)).await
    }

    /// Makes the file `length` bytes long: cuts it off, or fills it up with zeroes.
    ///
    /// What `AsyncWrite` has accepted is written first. The position stays where it is.
    ///
    /// # Errors
    ///
    /// What a write has failed with and nobody has been told, and those of `ftruncate(2)`:
    /// `InvalidInput` for a file that is not open for writing, `FileTooLarge`, …
    ///
    /// # Cancel safety
    ///
    /// It is not cancel safe, use it where it runs to its end: where it is dropped the file may or
    /// may not change.
    ///
    /// # Kernel
    ///
    /// Linux 6.9. On an older one the calling thread makes the system call itself, which for a file
    /// in a slot it cannot: that is `Unsupported`.
    pub async fn set_len(&self, length: u64) -> io::Result<()> {
        self.written().await?;
        match self.handle.submit(event::Truncate::new(self.handle.fd(), length)).await {
            // Also the answer of a kernel that does not know the operation.
            Err(error) if error.raw_os_error() == Some(libc::EINVAL) => self.get_ref().cut(length),
            result => result,
        }
    }
}

impl<D: Drive + Clone + Unpin, S: Buffering> Ring<File, D, S> {
    /// What the file system knows of the file.
    ///
    /// # Errors
    ///
    /// Those of `statx(2)`.
    ///
    /// # Cancel safety
    ///
    /// It is cancel safe: it changes nothing.
    pub async fn metadata(&self) -> io::Result<Metadata> {
        self.handle.submit(event::Statx::of(self.handle.fd())).await
    }
}
