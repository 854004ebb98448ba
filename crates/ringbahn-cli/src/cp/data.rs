//! The contents of one file: which way they take, and how far they came.
//!
//! A regular file is copied as long as it was when it was opened. One that grows meanwhile is not
//! pursued, and one that shrinks ends where it ended last.

use std::cell::Cell;
use std::fs::File;
use std::io;

use ringbahn::{IoBuf, Ring};
use rustix::fs::fstat;

use super::progress::Progress;
use super::segments::Segments;
use super::{offload, pieces, stream};

/// From which length on a file is left to the kernel, in bytes. For a shorter one it costs more to
/// ask a thread to do it than to do it.
const OFFLOAD_MIN: u64 = 64 << 10;

/// What copying the contents can fail with.
#[derive(Debug)]
pub(crate) enum Trouble {
    Reading(io::Error),
    Writing(io::Error),
    /// Done by the kernel alone, which does not say which of both it was.
    Copying(io::Error),
}

/// The two files, and how far it came.
#[derive(Debug)]
pub(crate) struct Data<'a> {
    pub(crate) source: &'a Ring<File>,
    pub(crate) target: &'a Ring<File>,
    pub(crate) progress: &'a Progress,
    copied: Cell<u64>,
    /// Where the last byte that was written ends.
    written: Cell<u64>,
}

impl<'a> Data<'a> {
    pub(crate) fn new(
        source: &'a Ring<File>,
        target: &'a Ring<File>,
        progress: &'a Progress,
    ) -> Data<'a> {
        Data { source, target, progress, copied: Cell::new(0), written: Cell::new(0) }
    }

    /// How many bytes have been copied so far.
    pub(crate) fn copied(&self) -> u64 {
        self.copied.get()
    }

    /// Copies a regular file of `length` bytes to another one, which is empty.
    pub(crate) async fn copy_regular(&self, length: u64, may_offload: bool) -> Result<(), Trouble> {
        let mut segments = Segments::new(length);
        if may_offload && length >= OFFLOAD_MIN {
            let (source, target) = (self.source.get_ref(), self.target.get_ref());
            let done = offload::copy(source, target, segments, self.progress).await;
            let done = done.map_err(Trouble::Copying)?;
            self.copied.set(done.copied);
            self.written.set(done.written);
            done.result.map_err(Trouble::Copying)?;
            segments = done.left;
        }
        let end = pieces::copy(self, segments, length).await?;
        // What is cut off while it is read may be read as zeroes. And a hole at the end looks the
        // same as a file that ends there.
        let now = fstat(self.source).map_err(|error| Trouble::Reading(error.into()))?;
        let end = end.min(u64::try_from(now.st_size).unwrap_or(0));
        if self.written.get() != end {
            // It ends in a hole, or has become shorter than what had been copied before.
            self.target.set_len(end).await.map_err(Trouble::Writing)?;
        }
        Ok(())
    }

    /// Copies from and to anything else, to the end of it.
    pub(crate) async fn copy_stream(&self) -> Result<(), Trouble> {
        stream::copy(self).await
    }

    /// Writes all of a buffer, and gives it back.
    pub(crate) async fn write(&self, mut buffer: Vec<u8>, offset: u64) -> Result<Vec<u8>, Trouble> {
        let mut done = 0;
        // Not by `write_all_at`, whose error does not say how much was written before it.
        while done < buffer.len() {
            let at = offset + done as u64;
            let (result, slice) = self.target.write_at(buffer.slice(done..), at).await;
            let count = result.map_err(Trouble::Writing)?;
            if count == 0 {
                return Err(Trouble::Writing(io::ErrorKind::WriteZero.into()));
            }
            self.copied.set(self.copied.get() + count as u64);
            self.written.set(self.written.get().max(at + count as u64));
            self.progress.advance(count as u64);
            done += count;
            buffer = slice.into_inner();
        }
        Ok(buffer)
    }
}
