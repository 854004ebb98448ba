//! [`ReadDir`]: what is in a directory, and [`DirEntry`], one part of it.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use blocking::Task;
use futures_core::Stream;
use ringbahn_core::Drive;
use ringbahn_core::event::{FileType, Metadata};
use rustix::fs::RawDir;

use super::Dir;
use crate::driver::DefaultDriver;

/// How many bytes of entries are asked for at a time.
const BATCH: usize = 32 * 1024;

/// What is in a directory, but for `.` and `..`, in no order.
///
/// Made by [`fs::read_dir`](super::read_dir()) and [`Dir::read_dir`]. It is a `Stream` as well.
/// What is made or removed meanwhile may be in it or not.
///
/// io_uring has no operation for reading a directory, so a thread of a pool does it, many entries
/// at a time.
#[derive(Debug)]
pub struct ReadDir<D = DefaultDriver> {
    directory: Arc<Dir<D>>,
    /// What has been read and not yet given out.
    entries: VecDeque<Found>,
    /// Reads more.
    reading: Option<Task<io::Result<Vec<Found>>>>,
    ended: bool,
}

/// A part of a directory: a name, and what it stands for.
#[derive(Clone, Debug)]
pub struct DirEntry<D = DefaultDriver> {
    directory: Arc<Dir<D>>,
    found: Found,
}

/// What the kernel says of a part of a directory.
#[derive(Clone, Debug)]
struct Found {
    name: OsString,
    number: u64,
    /// `None` where the file system does not say.
    kind: Option<FileType>,
}

impl<D: Drive + Clone + Unpin> ReadDir<D> {
    /// What is in `directory`, which has been opened for this.
    pub(super) fn new(directory: Dir<D>) -> ReadDir<D> {
        let (entries, directory) = (VecDeque::new(), Arc::new(directory));
        ReadDir { directory, entries, reading: None, ended: false }
    }

    /// The next one; `None` at the end.
    ///
    /// # Errors
    ///
    /// Those of `getdents(2)`, after which there is nothing more.
    ///
    /// # Cancel safety
    ///
    /// It is cancel safe: what has been read is yielded by the next call.
    pub async fn next_entry(&mut self) -> io::Result<Option<DirEntry<D>>> {
        std::future::poll_fn(|cx| self.poll_entry(cx)).await
    }

    fn poll_entry(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Option<DirEntry<D>>>> {
        loop {
            if let Some(found) = self.entries.pop_front() {
                let directory = Arc::clone(&self.directory);
                return Poll::Ready(Ok(Some(DirEntry { directory, found })));
            }
            if self.ended {
                return Poll::Ready(Ok(None));
            }
            let directory = &self.directory;
            let reading = self.reading.get_or_insert_with(|| {
                let directory = directory.descriptor();
                blocking::unblock(move || directory.map_or(Ok(Vec::new()), |open| read(&open)))
            });
            let batch = ready!(Pin::new(reading).poll(cx));
            self.reading = None;
            self.ended = batch.as_ref().map_or(true, Vec::is_empty);
            self.entries.extend(batch?.into_iter().filter(|found| !found.is_dots()));
        }
    }

    /// The directory that is read.
    pub(super) fn directory(&self) -> &Dir<D> {
        &self.directory
    }
}

impl<D: Drive + Clone + Unpin> Stream for ReadDir<D> {
    type Item = io::Result<DirEntry<D>>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_entry(cx).map(Result::transpose)
    }
}

/// The next entries of a directory, by one call; none at the end.
fn read(directory: &OwnedFd) -> io::Result<Vec<Found>> {
    let mut memory = vec![MaybeUninit::uninit(); BATCH];
    let mut entries = RawDir::new(directory, &mut memory);
    let mut batch = Vec::new();
    while let Some(entry) = entries.next() {
        let entry = entry?;
        let kind = match entry.file_type() {
            rustix::fs::FileType::Unknown => None,
            kind => Some(FileType::from_mode(kind.as_raw_mode())),
        };
        let name = OsStr::from_bytes(entry.file_name().to_bytes()).to_owned();
        batch.push(Found { name, number: entry.ino(), kind });
        if entries.is_buffer_empty() {
            break;
        }
    }
    Ok(batch)
}

impl Found {
    fn is_dots(&self) -> bool {
        self.name == "." || self.name == ".."
    }
}

impl<D: Drive + Clone + Unpin> DirEntry<D> {
    /// The path: that by which the directory was opened, and the name.
    pub fn path(&self) -> PathBuf {
        self.directory.path().join(&self.found.name)
    }

    /// The name.
    pub fn file_name(&self) -> OsString {
        self.found.name.clone()
    }

    pub(super) fn name(&self) -> &OsStr {
        &self.found.name
    }

    /// The number of the file within its file system.
    pub fn ino(&self) -> u64 {
        self.found.number
    }

    /// The kind of the file; of a symbolic link, of the link itself. Most file systems tell it
    /// along with the name; of others it is asked for.
    ///
    /// # Errors
    ///
    /// Those of [`metadata`](DirEntry::metadata).
    ///
    /// # Cancel safety
    ///
    /// It is cancel safe: it changes nothing.
    pub async fn file_type(&self) -> io::Result<FileType> {
        match self.found.kind {
            Some(kind) => Ok(kind),
            None => Ok(self.metadata().await?.file_type()),
        }
    }

    /// What the file system knows of the file; of a symbolic link, of the link itself.
    ///
    /// # Errors
    ///
    /// Those of [`fs::symlink_metadata`](super::symlink_metadata): `NotFound` where it is gone
    /// meanwhile, …
    ///
    /// # Cancel safety
    ///
    /// It is cancel safe: it changes nothing.
    pub async fn metadata(&self) -> io::Result<Metadata> {
        self.directory.symlink_metadata(&self.found.name).await
    }
}
