//! [`ReadAhead`]: a file from front to back, with several reads in flight.

use std::collections::VecDeque;
use std::fs::File;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use ringbahn_core::event::Read;
use ringbahn_core::{AlignedBuffer, BufResult, DirectIo, Drive, Submission};
use rustix::fs::OFlags;

use crate::driver::DefaultDriver;
use crate::ring::Ring;

/// What a file asks for whose file system does not say.
const USUAL: u32 = 4096;

/// Reads a file from front to back, with several reads in flight: for files opened with `O_DIRECT`,
/// for which the kernel reads nothing ahead.
///
/// The buffers are aligned as the file asks for, so any file can be read like this. It is a
/// `Stream` of pieces in the order of the file, each of the same size but for the last one.
///
/// # Examples
///
/// ```
/// use std::fs::File;
/// use ringbahn::Ring;
/// use ringbahn::fs::ReadAhead;
///
/// # fn main() -> std::io::Result<()> {
/// # if ringbahn::DefaultDriver::shared().is_err() { return Ok(()) }
/// # futures::executor::block_on(async {
/// let file = Ring::<File>::open("Cargo.toml").await?;
/// let mut pieces = ReadAhead::new(file, 64 * 1024, 4).await?;
/// let mut length = 0;
/// while let Some(piece) = pieces.next_piece().await? {
///     length += piece.len();
/// }
/// assert_eq!(length, std::fs::read("Cargo.toml")?.len());
/// # Ok(())
/// # })
/// # }
/// ```
#[derive(Debug)]
pub struct ReadAhead<D: Drive + Unpin = DefaultDriver> {
    file: Ring<File, D>,
    alignment: DirectIo,
    /// Whether a read that is not aligned is an error, so that a count which is not means the end.
    is_direct: bool,
    /// How many bytes are read at a time.
    piece: usize,
    /// How many reads are in flight.
    depth: usize,
    reads: VecDeque<Reading<D>>,
    /// Where the next read begins.
    next: u64,
    ended: bool,
}

/// A read, and where it begins.
#[derive(Debug)]
struct Reading<D: Drive> {
    at: u64,
    stage: Stage<D>,
}

#[derive(Debug)]
enum Stage<D: Drive> {
    InFlight(Submission<Read<AlignedBuffer>, D>),
    Ended(BufResult<usize, AlignedBuffer>),
    Taken,
}

impl<D: Drive + Clone + Unpin> ReadAhead<D> {
    /// Reads `file` from its beginning in pieces of `piece` bytes, which are rounded up to what the
    /// file asks for, with `depth` reads in flight; at least one of each.
    ///
    /// # Errors
    ///
    /// Those of `statx(2)`, by which the file is asked.
    ///
    /// # Cancel safety
    ///
    /// It loses at most the handle.
    pub async fn new(file: Ring<File, D>, piece: usize, depth: usize) -> io::Result<ReadAhead<D>> {
        let asked = file.metadata().await?.direct_io();
        let alignment = asked.or(DirectIo::new(USUAL, USUAL)).ok_or(io::ErrorKind::InvalidInput)?;
        let is_direct = rustix::fs::fcntl_getfl(file.get_ref())?.contains(OFlags::DIRECT);
        let piece = piece.max(1).next_multiple_of(alignment.offset_alignment() as usize);
        let (depth, reads) = (depth.max(1), VecDeque::new());
        Ok(ReadAhead { file, alignment, is_direct, piece, depth, reads, next: 0, ended: false })
    }

    /// The next piece; `None` at the end.
    ///
    /// # Errors
    ///
    /// Those of [`Ring::read_at`], after which there is nothing more.
    ///
    /// # Cancel safety
    ///
    /// It is cancel safe: what has been read is yielded by the next call.
    pub async fn next_piece(&mut self) -> io::Result<Option<AlignedBuffer>> {
        poll_fn(|cx| self.poll_piece(cx)).await
    }

    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Option<AlignedBuffer>>> {
        if self.ended {
            return Poll::Ready(Ok(None));
        }
        while self.reads.len() < self.depth {
            let read = self.file.read_at(self.alignment.buffer(self.piece), self.next);
            self.reads.push_back(Reading { at: self.next, stage: Stage::InFlight(read) });
            self.next += self.piece as u64;
        }
        // All of them, since those that wait for room in the queue start when they are polled.
        for read in &mut self.reads {
            read.poll(cx);
        }
        let Some(first) = self.reads.front_mut() else { return Poll::Ready(Ok(None)) };
        let (result, buffer) = match std::mem::replace(&mut first.stage, Stage::Taken) {
            Stage::Ended(ended) => ended,
            other => {
                first.stage = other;
                return Poll::Pending;
            }
        };
        let at = first.at;
        self.reads.pop_front();
        match result {
            Ok(count) if count == self.piece => {}
            Ok(count) => {
                let is_aligned = count % self.alignment.offset_alignment() as usize == 0;
                self.ended = count == 0 || self.is_direct && !is_aligned;
                // The others begin where this one would have ended.
                self.reads.clear();
                self.next = at + count as u64;
                if count == 0 {
                    return Poll::Ready(Ok(None));
                }
            }
            Err(error) => {
                self.ended = true;
                self.reads.clear();
                return Poll::Ready(Err(error));
            }
        }
        Poll::Ready(Ok(Some(buffer)))
    }

    /// The file, whose reads in flight are abandoned.
    pub fn into_file(self) -> Ring<File, D> {
        self.file
    }
}

impl<D: Drive + Clone + Unpin> Reading<D> {
    fn poll(&mut self, cx: &mut Context<'_>) {
        if let Stage::InFlight(read) = &mut self.stage
            && let Poll::Ready(ended) = Pin::new(read).poll(cx)
        {
            self.stage = Stage::Ended(ended);
        }
    }
}

impl<D: Drive + Clone + Unpin> Stream for ReadAhead<D> {
    type Item = io::Result<AlignedBuffer>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_piece(cx).map(Result::transpose)
    }
}
