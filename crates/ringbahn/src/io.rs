//! [`copy`] and [`copy_bidirectional`]: from one handle to another; [`splice_copy`]: from one
//! descriptor to another, through no memory.
//!
//! What is read goes to the write in the very buffer that it was read into, so the bytes are not
//! copied by the processor, and while one piece is written the next is read. Pieces have up to
//! 64 KiB; each direction holds up to two.

use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll, ready};

mod splice_copy;

pub use crate::ring::transfer::{Sink, Source};
pub use splice_copy::{SpliceCopy, splice_copy};

/// How many pieces a copy moves before it lets other tasks have their turn.
const TURN: usize = 16;

/// Copies everything from `reader` to `writer`, until the end, and yields how many bytes that was.
///
/// Both are a [`Ring`](crate::Ring) of any kind, or half of one. It flushes `writer` and leaves it
/// open. What `reader` had buffered comes first.
///
/// # Examples
///
/// ```
/// use std::fs::File;
/// use std::io::{Read, Write};
/// use ringbahn::{Ring, io};
///
/// # fn main() -> std::io::Result<()> {
/// # if ringbahn::DefaultDriver::shared().is_err() { return Ok(()) }
/// let (mut reader, writer) = std::io::pipe()?;
/// let mut passwords = Ring::new(File::open("/etc/passwd")?);
/// let mut writer = Ring::new(writer);
/// # // Shorter than what a pipe holds.
/// # if passwords.get_ref().metadata()?.len() > 60_000 { return Ok(()) }
/// let count = futures::executor::block_on(io::copy(&mut passwords, &mut writer))?;
/// drop(writer);
/// assert_eq!(reader.read_to_end(&mut Vec::new())? as u64, count);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// Those of reading and of writing, whichever comes first. Bytes that a failed write was given
/// may be written in part; all others are still to be read.
///
/// # Cancel safety
///
/// It loses at most the count: where it is dropped, what has been read is either still to be read
/// from `reader` or was accepted by `writer`, which writes it as it does for `AsyncWrite`. Another
/// `copy` goes on where this one was.
pub async fn copy(reader: &mut impl Source, writer: &mut impl Sink) -> io::Result<u64> {
    let mut direction = Direction::new(false);
    poll_fn(|cx| direction.poll(reader, writer, cx)).await
}

/// Copies in both directions at once, until both have come to their end, and yields how many bytes
/// went from `a` to `b` and from `b` to `a`.
///
/// The end of what one side sends is told to the other side, which may go on to send: what a proxy
/// does between two sockets.
///
/// # Examples
///
/// ```
/// use std::net::{SocketAddr, TcpListener, TcpStream};
/// use ringbahn::{Ring, io};
///
/// /// Passes each connection on.
/// async fn proxy(listener: Ring<TcpListener>, to: SocketAddr) -> std::io::Result<()> {
///     loop {
///         let (mut client, _address) = listener.accept().await?;
///         let mut server = Ring::<TcpStream>::connect(to).await?;
///         let (sent, received) = io::copy_bidirectional(&mut client, &mut server).await?;
///         println!("{sent} bytes there, {received} bytes back");
///     }
/// }
/// ```
///
/// # Errors
///
/// The first one of either direction, which ends both. It may leave bytes of the other direction
/// with the handles, as when it is dropped. That a side has gone altogether where it is to be told
/// of the end (`NotConnected`) is no error.
///
/// # Cancel safety
///
/// It loses at most the counts, as [`copy`] does.
pub async fn copy_bidirectional<A, B>(a: &mut A, b: &mut B) -> io::Result<(u64, u64)>
where
    A: Source + Sink,
    B: Source + Sink,
{
    let (mut there, mut back) = (Direction::new(true), Direction::new(true));
    poll_fn(|cx| {
        let there = there.poll(a, b, cx)?;
        let back = back.poll(b, a, cx)?;
        Poll::Ready(Ok((ready!(there), ready!(back))))
    })
    .await
}

/// How far a copy in one direction has come.
#[derive(Debug)]
struct Direction {
    /// How many bytes the writer has accepted.
    count: u64,
    stage: Stage,
    /// Whether the writer is told of the end.
    tells: bool,
}

#[derive(Debug)]
enum Stage {
    Moving,
    /// The end has been read.
    Flushing,
    Done,
}

impl Direction {
    fn new(tells: bool) -> Direction {
        Direction { count: 0, stage: Stage::Moving, tells }
    }

    fn poll(
        &mut self,
        reader: &mut impl Source,
        writer: &mut impl Sink,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<u64>> {
        if matches!(self.stage, Stage::Moving) {
            ready!(self.poll_move(reader, writer, cx))?;
            self.stage = Stage::Flushing;
        }
        if matches!(self.stage, Stage::Flushing) {
            ready!(writer.poll_flush(cx))?;
            if self.tells {
                ready!(writer.poll_end(cx))?;
            }
            self.stage = Stage::Done;
        }
        Poll::Ready(Ok(self.count))
    }

    /// Moves pieces until the end.
    fn poll_move(
        &mut self,
        reader: &mut impl Source,
        writer: &mut impl Sink,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        for _ in 0..TURN {
            let Poll::Ready(more) = reader.poll_bytes(cx)? else {
                // A write that has failed is not to wait for the next piece.
                if let Poll::Ready(Err(error)) = writer.poll_idle(cx) {
                    return Poll::Ready(Err(error));
                }
                return Poll::Pending;
            };
            if !more {
                return Poll::Ready(Ok(()));
            }
            ready!(writer.poll_idle(cx))?;
            // From here to the start of the write there is no await: the bytes are always either
            // the reader's or the writer's.
            let spare = writer.take_spare();
            let bytes = reader.take_bytes();
            let count = bytes.len() as u64;
            if let Some(bytes) = writer.start(bytes, cx)? {
                self.count += count - bytes.len() as u64;
                reader.put_back(bytes);
                return Poll::Pending;
            }
            reader.lend(spare);
            self.count += count;
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}
