//! [`SpliceCopy`]: from one file or socket to another, through a pipe and no memory.
//!
//! ```text
//!   source ──► Fill ──► pipe ──► Empty ──► target
//!     │                   │                  ▲
//!     └──── Read ─────────┴──► bytes ──► Write     where a file cannot be spliced
//! ```
//!
//! At any time what has been taken and not yet given is in one place: the pipe, the bytes, or the
//! operation in flight, all of which the copy owns.

use std::io::{self, PipeReader, pipe};
use std::ops::{Bound, RangeBounds};
use std::os::fd::AsFd;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use ringbahn_core::buf::Slice;
use ringbahn_core::event::{Interest, PollAdd, Position, Read, Splice, Write};
use ringbahn_core::{Drive, IoBuf, SharedFd, Submission};

use crate::DefaultDriver;

/// How many bytes are moved at once where they have to be copied after all.
const PIECE: usize = 64 * 1024;

/// How many operations end before other tasks have their turn.
const TURN: usize = 32;

/// Copies a range of `from` to `to` through a pipe, so that the bytes do not pass through memory
/// of the process, and yields how many it was.
///
/// A range that has a beginning, as `0..` or `10..20`, is one of a file's places; `..` and `..20`
/// begin where the source is, as a socket does. It ends with the range or with the source. The
/// target is written where it is. Neither is closed or shut down.
///
/// A [`Ring`](crate::Ring) may be either, for its descriptor: what it has read ahead is not copied,
/// and what it has still to write comes later, so flush it first.
///
/// It runs on the driver of the process; [`SpliceCopy`] has more to choose from.
///
/// # Examples
///
/// ```
/// use std::fs::File;
/// use std::net::TcpStream;
/// use ringbahn::io;
///
/// /// Answers with the file.
/// async fn serve(file: &File, client: &TcpStream) -> std::io::Result<u64> {
///     io::splice_copy(file, 0.., client).await
/// }
/// ```
///
/// # Errors
///
/// Those of [`SpliceCopy::new`] and [`SpliceCopy::run`].
///
/// # Cancel safety
///
/// What has been taken and not yet given is lost with the future, up to what a pipe holds, and so
/// is the count. A range of places of a file can be copied again; from a socket, use a
/// [`SpliceCopy`] and keep it.
///
/// # Kernel
///
/// Linux 5.7; before, the fallback makes the calls on its threads.
pub async fn splice_copy(
    from: &impl AsFd,
    range: impl RangeBounds<u64>,
    to: &impl AsFd,
) -> io::Result<u64> {
    SpliceCopy::new(from, range, to)?.run().await
}

/// A copy from one file or socket to another, through a pipe and no memory of the process.
///
/// It owns the pipe, and with it what has been taken from the source and not yet given to the
/// target. So [`run`](SpliceCopy::run) may be dropped and called again.
///
/// Where a file cannot be spliced, as many files of `/proc` and what is open for appending, the
/// bytes are read and written instead.
///
/// Splices are executed by threads of the kernel, one for each that waits. So sockets and pipes
/// are polled before, and only a target that takes a part at a time keeps one busy.
///
/// # Examples
///
/// ```
/// use std::io::Read;
/// use ringbahn::io::SpliceCopy;
///
/// # fn main() -> std::io::Result<()> {
/// # if ringbahn::DefaultDriver::shared().is_err() { return Ok(()) }
/// let zero = std::fs::File::open("/dev/zero")?;
/// let (mut reader, writer) = std::io::pipe()?;
/// let mut copy = SpliceCopy::new(&zero, ..1000, &writer)?;
/// assert_eq!(futures::executor::block_on(copy.run())?, 1000);
/// reader.read_exact(&mut [1; 1000])?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct SpliceCopy<D: Drive + Unpin = DefaultDriver> {
    driver: D,
    from: End,
    to: End,
    pipe: Pipe,
    /// How many bytes of the range are still to be taken.
    left: u64,
    /// Whether the source has come to its end.
    ended: bool,
    /// How many bytes the target has got.
    copied: u64,
    /// Whether one of the two cannot be spliced.
    reads: bool,
    /// What was read and is not yet written: `bytes[written..]`.
    bytes: Vec<u8>,
    written: usize,
    motion: Motion<D>,
}

/// A file or socket, and where in it the copy is.
#[derive(Debug)]
struct End {
    file: SharedFd,
    position: Position,
    /// Whether it has places at all.
    has_places: bool,
}

impl End {
    fn new(file: &impl AsFd, position: Position) -> io::Result<End> {
        // A read or write at a place that there is not would take what comes.
        let has_places = rustix::fs::tell(file).is_ok();
        if position != Position::Current && !has_places {
            return Err(io::ErrorKind::NotSeekable.into());
        }
        Ok(End { file: SharedFd::try_from(file.as_fd())?, position, has_places })
    }

    /// Whether it may have to be waited for.
    fn is_stream(&self) -> bool {
        self.position == Position::Current
    }

    fn advance(&mut self, count: usize) {
        if let Position::At(offset) = self.position {
            self.position = Position::At(offset + count as u64);
        }
    }
}

/// The pipe, and how many bytes are in it.
#[derive(Debug)]
struct Pipe {
    end: Arc<PipeReader>,
    reader: SharedFd,
    writer: SharedFd,
    capacity: usize,
    held: usize,
}

/// The operation in flight. It stays here when nobody polls it, and so does what it moves.
#[derive(Debug)]
enum Motion<D: Drive + Unpin> {
    Idle,
    AwaitSource(Submission<PollAdd, D>),
    Fill(Submission<Splice, D>),
    Read { reads: Submission<Read<Slice<Vec<u8>>>, D>, of_pipe: bool },
    AwaitTarget(Submission<PollAdd, D>),
    Empty(Submission<Splice, D>),
    Write(Submission<Write<Slice<Vec<u8>>>, D>),
}

impl SpliceCopy {
    /// A copy of `range` of `from` to where `to` is, on the driver of the process.
    ///
    /// A range that has a beginning, as `0..` or `10..20`, is one of a file's places; `..` and
    /// `..20` begin where the source is, as a socket does. Nothing is moved yet.
    ///
    /// # Errors
    ///
    /// `NotSeekable` for places in what has none; those of making a pipe and of duplicating two
    /// descriptors: there are too many.
    pub fn new(
        from: &impl AsFd,
        range: impl RangeBounds<u64>,
        to: &impl AsFd,
    ) -> io::Result<SpliceCopy> {
        SpliceCopy::new_on_driver(from, range, to, DefaultDriver)
    }
}

impl<D: Drive + Clone + Unpin> SpliceCopy<D> {
    /// As [`new`](SpliceCopy::new), on `driver`.
    ///
    /// # Errors
    ///
    /// As `new`.
    pub fn new_on_driver(
        from: &impl AsFd,
        range: impl RangeBounds<u64>,
        to: &impl AsFd,
        driver: D,
    ) -> io::Result<SpliceCopy<D>> {
        let position = match range.start_bound() {
            Bound::Included(&start) => Position::At(start),
            Bound::Excluded(&before) => Position::At(before.saturating_add(1)),
            Bound::Unbounded => Position::Current,
        };
        let start = if let Position::At(start) = position { start } else { 0 };
        let left = match range.end_bound() {
            Bound::Included(&last) => last.saturating_add(1).saturating_sub(start),
            Bound::Excluded(&end) => end.saturating_sub(start),
            Bound::Unbounded => u64::MAX,
        };
        Ok(SpliceCopy {
            driver,
            from: End::new(from, position)?,
            to: End::new(to, Position::Current)?,
            pipe: Pipe::new()?,
            left,
            ended: false,
            copied: 0,
            reads: false,
            bytes: Vec::new(),
            written: 0,
            motion: Motion::Idle,
        })
    }

    /// Writes to the places of the target from `offset` on, which is a file.
    ///
    /// # Errors
    ///
    /// `NotSeekable` where it is none.
    pub fn target_at(mut self, offset: u64) -> io::Result<SpliceCopy<D>> {
        if !self.to.has_places {
            return Err(io::ErrorKind::NotSeekable.into());
        }
        self.to.position = Position::At(offset);
        Ok(self)
    }

    /// Has the pipe hold `bytes`, rounded up to whole pages: so many are moved at once. Without it
    /// that is what pipes of the system hold, mostly 64 KiB.
    ///
    /// # Errors
    ///
    /// `PermissionDenied` above `/proc/sys/fs/pipe-max-size`, or where the user has too many pages
    /// in pipes.
    pub fn pipe_size(mut self, bytes: usize) -> io::Result<SpliceCopy<D>> {
        self.pipe.capacity = rustix::pipe::fcntl_setpipe_size(&*self.pipe.end, bytes)?;
        Ok(self)
    }

    /// How many bytes the target has got so far.
    pub fn copied(&self) -> u64 {
        self.copied
    }

    /// Copies until the end of the range or of the source, and yields how many bytes the target has
    /// got since this was made.
    ///
    /// # Errors
    ///
    /// Those of reading and writing, whichever comes first: `BrokenPipe` or `ConnectionReset` where
    /// the other side of a socket has gone, … What the target has got, [`copied`] tells; what else
    /// was taken is kept, and given first where this is called again.
    ///
    /// [`copied`]: SpliceCopy::copied
    ///
    /// # Cancel safety
    ///
    /// Where it is dropped nothing is lost: what has been taken from the source is in the pipe, or
    /// on its way there, and another call goes on from there. It is lost where the `SpliceCopy` is
    /// dropped: up to what the pipe holds.
    pub async fn run(&mut self) -> io::Result<u64> {
        std::future::poll_fn(|cx| self.poll_run(cx)).await
    }

    fn poll_run(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<u64>> {
        for _ in 0..TURN {
            if matches!(self.motion, Motion::Idle) {
                match self.next() {
                    Some(motion) => self.motion = motion,
                    None => return Poll::Ready(Ok(self.copied)),
                }
            }
            ready!(self.poll_motion(cx))?;
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// What is to be done next; `None` where all is done.
    fn next(&mut self) -> Option<Motion<D>> {
        let gives = self.pipe.held > 0 || self.written < self.bytes.len();
        if !gives && (self.ended || self.left == 0) {
            return None;
        }
        let (end, interest) = match gives {
            true => (&self.to, Interest::WRITABLE),
            false => (&self.from, Interest::READABLE),
        };
        if !end.is_stream() {
            return Some(if gives { self.give() } else { self.take() });
        }
        let wait = self.driver.clone().submit(PollAdd::new(end.file.clone(), interest));
        Some(if gives { Motion::AwaitTarget(wait) } else { Motion::AwaitSource(wait) })
    }

    /// Takes from the source.
    fn take(&self) -> Motion<D> {
        let most = if self.reads { PIECE } else { self.pipe.capacity };
        let length = usize::try_from(self.left).unwrap_or(usize::MAX).min(most);
        let (file, position) = (self.from.file.clone(), self.from.position);
        if self.reads {
            return self.read(file, position, length, false);
        }
        let splice = Splice::into_pipe(file, position, self.pipe.writer.clone(), length);
        Motion::Fill(self.driver.clone().submit(splice))
    }

    /// Gives to the target.
    fn give(&mut self) -> Motion<D> {
        let (file, position) = (self.to.file.clone(), self.to.position);
        if self.written < self.bytes.len() {
            let bytes = std::mem::take(&mut self.bytes).slice(self.written..);
            return Motion::Write(self.driver.clone().submit(Write::new(file, bytes, position)));
        }
        let (pipe, held) = (self.pipe.reader.clone(), self.pipe.held);
        if self.reads {
            return self.read(pipe, Position::Current, held.min(PIECE), true);
        }
        let splice = Splice::from_pipe(pipe, file, position, held);
        Motion::Empty(self.driver.clone().submit(splice))
    }

    fn read(&self, file: SharedFd, from: Position, length: usize, of_pipe: bool) -> Motion<D> {
        let read = Read::new(file, vec![0; length].slice(..length), from);
        Motion::Read { reads: self.driver.clone().submit(read), of_pipe }
    }

    /// Waits for the end of the operation in flight, and notes what it has moved.
    fn poll_motion(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let next = match &mut self.motion {
            Motion::Idle => Motion::Idle,
            // Whatever it has found, the transfer tells.
            Motion::AwaitSource(wait) => match ready!(Pin::new(wait).poll(cx)) {
                Err(error) => return self.fail(error),
                Ok(_) => self.take(),
            },
            Motion::AwaitTarget(wait) => match ready!(Pin::new(wait).poll(cx)) {
                Err(error) => return self.fail(error),
                Ok(_) => self.give(),
            },
            Motion::Fill(fill) => match ready!(Pin::new(fill).poll(cx)) {
                Err(error) => return self.fall_back(error),
                Ok(count) => {
                    self.pipe.held += count;
                    self.note_taken(count)
                }
            },
            Motion::Empty(empty) => match ready!(Pin::new(empty).poll(cx)) {
                Err(error) => return self.fall_back(error),
                Ok(0) => return self.fail(io::ErrorKind::WriteZero.into()),
                Ok(count) => {
                    self.pipe.held -= count.min(self.pipe.held);
                    self.note_given(count)
                }
            },
            Motion::Read { reads, of_pipe } => {
                let of_pipe = *of_pipe;
                match ready!(Pin::new(reads).poll(cx)) {
                    (Err(error), _) => return self.fail(error),
                    (Ok(count), bytes) => {
                        self.bytes = bytes.into_inner();
                        self.bytes.truncate(count);
                        self.written = 0;
                        if of_pipe {
                            self.pipe.held -= count.min(self.pipe.held);
                            Motion::Idle
                        } else {
                            self.note_taken(count)
                        }
                    }
                }
            }
            Motion::Write(write) => {
                let (result, bytes) = ready!(Pin::new(write).poll(cx));
                self.bytes = bytes.into_inner();
                match result {
                    Err(error) => return self.fail(error),
                    Ok(0) => return self.fail(io::ErrorKind::WriteZero.into()),
                    Ok(count) => {
                        self.written += count;
                        self.note_given(count)
                    }
                }
            }
        };
        self.motion = next;
        Poll::Ready(Ok(()))
    }

    fn note_taken(&mut self, count: usize) -> Motion<D> {
        self.ended = count == 0;
        self.left -= (count as u64).min(self.left);
        self.from.advance(count);
        Motion::Idle
    }

    fn note_given(&mut self, count: usize) -> Motion<D> {
        self.copied += count as u64;
        self.to.advance(count);
        Motion::Idle
    }

    /// A splice has failed: perhaps the bytes can be read and written.
    fn fall_back(&mut self, error: io::Error) -> Poll<io::Result<()>> {
        if error.kind() == io::ErrorKind::InvalidInput && !self.reads {
            self.motion = Motion::Idle;
            self.reads = true;
            return Poll::Ready(Ok(()));
        }
        self.fail(error)
    }

    /// An operation has failed. One that found a stream not ready after all waits once more.
    fn fail(&mut self, error: io::Error) -> Poll<io::Result<()>> {
        self.motion = Motion::Idle;
        let waits = self.from.is_stream() || self.to.is_stream();
        if error.kind() == io::ErrorKind::WouldBlock && waits {
            return Poll::Ready(Ok(()));
        }
        Poll::Ready(Err(error))
    }
}

impl Pipe {
    fn new() -> io::Result<Pipe> {
        let (reader, writer) = pipe()?;
        let end = Arc::new(reader);
        let capacity = rustix::pipe::fcntl_getpipe_size(&*end)?;
        let (reader, writer) = (SharedFd::new(end.clone()), SharedFd::new(Arc::new(writer)));
        Ok(Pipe { end, reader, writer, capacity, held: 0 })
    }
}
