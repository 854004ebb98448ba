//! [`Library`]: what the workloads need of a library that runs tasks on a ring of one thread.
//!
//! Each library implements it by its own means, and the compiler makes a program of its own for
//! each: nothing is called through a table.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::laboratory::contender::Failure;

/// What a file is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// To read what is in memory.
    Read,
    /// To read past the page cache, in whole pages.
    ReadDirect,
    /// To be written from its beginning. It is empty, and made if there is none.
    Write,
    /// As a log, whose records are safe on the disk one by one, and are whole pages. Made if there
    /// is none.
    Log,
}

/// A runtime of one thread, and its files.
pub(super) trait Library: Clone + 'static {
    type File: PeerFile;

    /// Runs `main` upon a new ring.
    ///
    /// # Errors
    ///
    /// Those of setting up the ring, and those of `main`.
    fn run<T>(main: impl AsyncFnOnce(Self) -> Result<T, Failure>) -> Result<T, Failure>;

    /// Runs a task beside the one that calls. Its handle is always awaited to the end: with some
    /// libraries the task is given up when that is dropped.
    fn spawn<T: 'static>(&self, task: impl Future<Output = T> + 'static)
    -> impl Future<Output = T>;

    async fn open(&self, path: &Path, access: Access) -> Result<Self::File, Failure>;
}

/// A file of a library.
pub(super) trait PeerFile: 'static {
    /// What data comes in and goes out by, again and again.
    type Buffer: 'static;

    /// A buffer of `length` bytes, a multiple of 4096, which fits this file.
    fn buffer(&self, length: usize) -> Self::Buffer;

    /// Reads as much as the buffer holds, or what there is. Yields how many bytes that was.
    async fn read(
        &self,
        buffer: Self::Buffer,
        position: u64,
    ) -> Result<(usize, Self::Buffer), Failure>;

    /// Writes all of the buffer, or a part of it. Yields how many bytes that was.
    async fn write(
        &self,
        buffer: Self::Buffer,
        position: u64,
    ) -> Result<(usize, Self::Buffer), Failure>;

    /// Returns once what was written is safe on the disk.
    async fn sync_data(&self) -> Result<(), Failure>;
}

/// A library that has timers.
pub(super) trait Timed: Library {
    /// [`Library::run`], where timers are available.
    ///
    /// # Errors
    ///
    /// Those of [`Library::run`].
    fn run_timed<T>(main: impl AsyncFnOnce(Self) -> Result<T, Failure>) -> Result<T, Failure> {
        Self::run(main)
    }

    /// Ends after `duration`.
    fn sleep(duration: Duration) -> impl Future<Output = ()> + 'static;
}

/// A library that deals with names of files.
pub(super) trait Names: Library {
    /// Makes an empty file and closes it, asks about it, renames it to `new` and removes it.
    ///
    /// A library that asks only about what is open asks before it closes.
    async fn come_and_go(&self, path: PathBuf, new: PathBuf) -> Result<(), Failure>;
}

/// Fails if a piece has not been moved as a whole.
///
/// # Errors
///
/// There were fewer bytes.
pub(super) fn whole(moved: usize, length: usize) -> io::Result<()> {
    if moved == length {
        return Ok(());
    }
    Err(io::Error::other(format!("{moved} bytes were moved instead of {length}")))
}
