//! [`FileCopy`]: the contents of a file, on their way to another one.
//!
//! | module | what is in it |
//! |---|---|
//! | [`offload`] | the way of the kernel, `copy_file_range(2)`, on a thread that may block |
//! | [`pieces`] | the way of the driver: pieces of the file, several of which are in flight |
//! | [`segments`] | where a file has data, and where holes |
//! | [`error`] | what it can fail with |
//!
//! A copy of regular files goes the first way as far as the kernel does, and from there the second
//! one. Everything else goes the second way, one piece after the other.

mod error;
mod offload;
mod pieces;
mod segments;

use std::fs::File;
use std::future::poll_fn;
use std::io;

use blocking::Task;
use ringbahn_core::Drive;
use rustix::fs::OFlags;

pub use error::CopyError;
use offload::{Then, Turn};
use pieces::Pieces;
use segments::Segments;

use crate::driver::DefaultDriver;
use crate::ring::Ring;

/// From which length on a file is left to the kernel, in bytes. For a shorter one it costs more to
/// ask a thread to do it than to do it.
const OFFLOAD_MIN: u64 = 64 << 10;

/// The contents of a file, on their way to another one.
///
/// It is what [`fs::copy`](super::copy()) does with two files once they are open, step by step: for
/// whoever shows how far it is, or does something else in between. Permissions and times are not
/// its matter.
///
/// Files from 64 KiB on are left to the kernel, by `copy_file_range(2)` on a thread of a pool: it
/// shares the blocks of the two files where the file system can, and copies without bringing the
/// bytes here where it cannot. Where the kernel does not do it, as from one file system to another
/// of a different kind, the driver reads and writes, several pieces at a time, from where the
/// kernel has stopped. Holes stay holes.
///
/// It looks for holes by moving the position of `source`, which is somewhere else afterwards.
///
/// # Examples
///
/// ```
/// use std::fs::File;
/// use ringbahn::{Ring, fs::FileCopy};
///
/// # fn main() -> std::io::Result<()> {
/// # if ringbahn::DefaultDriver::shared().is_err() { return Ok(()) }
/// # let place = tempfile::tempdir()?;
/// # let path = place.path().join("copy");
/// # futures::executor::block_on(async {
/// let source = Ring::<File>::open("/etc/passwd").await?;
/// let target = Ring::<File>::create(&path).await?;
/// let length = source.metadata().await?.len();
/// let mut copy = FileCopy::new(&source, &target, length);
/// while copy.step().await?.is_some() {
///     println!("{} of {length} bytes", copy.copied());
/// }
/// assert_eq!(std::fs::read(&path)?, std::fs::read("/etc/passwd")?);
/// # Ok(())
/// # })
/// # }
/// ```
#[derive(Debug)]
pub struct FileCopy<'a, D: Drive + Unpin = DefaultDriver> {
    source: &'a Ring<File, D>,
    target: &'a Ring<File, D>,
    may_offload: bool,
    copied: u64,
    /// Where the last byte that was written ends.
    written: u64,
    stage: Stage<D>,
}

/// How far it is.
#[derive(Debug)]
enum Stage<D: Drive> {
    /// Two regular files, of which the source had this length.
    Begin(u64),
    Offload(Task<Turn>),
    Pieces(Pieces<D>),
    /// All of the data has been copied of a file that ends here.
    Settle(u64),
    /// It has ended, at this length.
    Ended(u64),
}

impl<'a, D: Drive + Clone + Unpin> FileCopy<'a, D> {
    /// A copy of a regular file of `length` bytes to another one, which is empty.
    ///
    /// It ends at `length`, also where the file grows meanwhile; where it shrinks, at the end that
    /// it has. A file that reports a length of 0, as those of `/proc` do, is read to its end.
    pub fn new(
        source: &'a Ring<File, D>,
        target: &'a Ring<File, D>,
        length: u64,
    ) -> FileCopy<'a, D> {
        let stage = match length {
            0 => Stage::Pieces(Pieces::of_stream()),
            length => Stage::Begin(length),
        };
        FileCopy { source, target, may_offload: true, copied: 0, written: 0, stage }
    }

    /// A copy from or to anything else, as a pipe or a device: to the end of it, one piece after
    /// the other.
    pub fn stream(source: &'a Ring<File, D>, target: &'a Ring<File, D>) -> FileCopy<'a, D> {
        FileCopy::new(source, target, 0)
    }

    /// Has the driver read and write the bytes, also where the kernel could copy them.
    pub fn without_kernel(mut self) -> FileCopy<'a, D> {
        self.may_offload = false;
        self
    }

    /// Copies some more, and yields how many bytes; `None` where all has been copied.
    ///
    /// # Errors
    ///
    /// A [`CopyError`], which says which of the two files it was. It comes when no write is in
    /// flight any more, and after it there is nothing more to copy; [`copied`](FileCopy::copied)
    /// tells how much has been. `InvalidInput` where the target is open for appending, since the
    /// pieces could not be written to their places.
    ///
    /// # Cancel safety
    ///
    /// It is cancel safe: what is under way is taken up by the next call. Where the `FileCopy` is
    /// dropped instead, pieces whose writes are in flight may be written later: 2 MiB at most; and
    /// a thread of the pool ends what it has begun, which is 16 MiB at most.
    pub async fn step(&mut self) -> Result<Option<u64>, CopyError> {
        let result = self.try_step().await;
        if result.is_err() {
            self.stage = Stage::Ended(self.written);
        }
        result
    }

    /// Copies all of it, and yields how long the copy is, in bytes, with its holes.
    ///
    /// # Errors
    ///
    /// Those of [`step`](FileCopy::step).
    ///
    /// # Cancel safety
    ///
    /// As [`step`](FileCopy::step): another call goes on from there.
    pub async fn run(&mut self) -> Result<u64, CopyError> {
        while self.step().await?.is_some() {}
        match self.stage {
            Stage::Ended(length) => Ok(length),
            _ => Ok(self.written),
        }
    }

    /// How many bytes have been copied so far. Holes are none.
    pub fn copied(&self) -> u64 {
        self.copied
    }

    async fn try_step(&mut self) -> Result<Option<u64>, CopyError> {
        loop {
            match &mut self.stage {
                Stage::Begin(length) => {
                    let length = *length;
                    self.stage = self.begin(length).map_err(CopyError::Write)?;
                }
                Stage::Offload(turn) => {
                    let turn = turn.await;
                    let copied = self.count(turn.copied, turn.written);
                    self.stage = match turn.then {
                        Then::Again => Stage::Offload(turn.next()),
                        Then::Leave => Stage::Pieces(Pieces::of_file(turn.left)),
                        Then::Failed(error) => return Err(CopyError::Kernel(error)),
                    };
                    if copied > 0 {
                        return Ok(Some(copied));
                    }
                }
                Stage::Pieces(pieces) => {
                    let (source, target) = (self.source, self.target);
                    let round = poll_fn(|cx| pieces.poll_round(cx, source, target)).await;
                    let copied = self.count(round.copied, round.written);
                    match round.result? {
                        pieces::Then::Again => {}
                        pieces::Then::End(end) => self.stage = Stage::Settle(end),
                        pieces::Then::EndOfStream => self.stage = Stage::Ended(self.written),
                    }
                    if copied > 0 {
                        return Ok(Some(copied));
                    }
                }
                Stage::Settle(end) => {
                    let end = *end;
                    self.stage = Stage::Ended(self.settle(end).await?);
                }
                Stage::Ended(_) => return Ok(None),
            }
        }
    }

    fn begin(&self, length: u64) -> io::Result<Stage<D>> {
        let (source, target) = (self.source.get_ref(), self.target.get_ref());
        if rustix::fs::fcntl_getfl(target)?.contains(OFlags::APPEND) {
            let message = "the target of a copy is open for appending; open it for writing only";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        let segments = Segments::new(source, length);
        if self.may_offload && length >= OFFLOAD_MIN {
            // Where no descriptors are left, the driver needs none.
            if let (Ok(source), Ok(target)) = (source.try_clone(), target.try_clone()) {
                return Ok(Stage::Offload(offload::turn(source, target, segments)));
            }
        }
        Ok(Stage::Pieces(Pieces::of_file(segments)))
    }

    fn count(&mut self, copied: u64, written: u64) -> u64 {
        self.copied += copied;
        self.written = self.written.max(written);
        copied
    }

    /// Gives the copy of a regular file its length, and yields it.
    async fn settle(&self, end: u64) -> Result<u64, CopyError> {
        // What is cut off while it is read may be read as zeroes. And a hole at the end looks the
        // same as a file that ends there.
        let now = self.source.metadata().await.map_err(CopyError::Read)?;
        let end = end.min(now.len());
        if self.written != end {
            // It ends in a hole, or has become shorter than what had been copied before.
            self.target.set_len(end).await.map_err(CopyError::Write)?;
        }
        Ok(end)
    }
}
