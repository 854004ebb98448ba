//! A file is copied with several operations in flight, and through a pipe, where every read is
//! short.

use futures::future::try_join;
use futures::stream::{self, TryStreamExt};
use ringbahn_core::event::{Position, Read, WriteAll};
use ringbahn_core::{IoBuf, SharedFd};

use crate::tour::finding::{Finding, When, equal, hold, size};
use crate::tour::pattern::Pattern;
use crate::tour::route::Toured;
use crate::tour::site::Site;

/// Not a multiple of anything.
const LENGTH: usize = (5 << 20) + 4321;
const PIECE: usize = 96 << 10;
const DEPTH: usize = 8;
/// More than a pipe holds, so that it is never filled by one read.
const PIPE_READ: usize = 1 << 20;

pub(crate) async fn visit<D: Toured>(site: &Site<D>) -> Finding {
    let pattern = Pattern::new(3);
    let from = site.create("copy-from").await?;
    write_at(site, &from, 0, pattern.bytes(0, LENGTH)).await?;

    let to = site.create("copy-to").await?;
    let pieces = stream::iter((0..LENGTH).step_by(PIECE).map(Ok));
    let copy = |offset| copy_piece(site, &from, &to, offset as u64);
    pieces.try_for_each_concurrent(DEPTH, copy).await?;
    compare(site, "copy-to", pattern)?;

    let piped = site.create("copy-piped").await?;
    let (reader, writer) = site.pipe()?;
    let (_, short) = try_join(feed(site, &from, writer), drain(site, &reader, &piped)).await?;
    hold(short > 0, || "no read of a pipe was short".to_owned())?;
    compare(site, "copy-piped", pattern)?;
    Ok(format!(
        "{} copied, {DEPTH} pieces at a time; through a pipe, {short} reads short",
        size(LENGTH),
    ))
}

async fn write_at<D: Toured>(
    site: &Site<D>,
    file: &SharedFd,
    offset: u64,
    bytes: Vec<u8>,
) -> Finding<()> {
    let write = WriteAll::new(file.clone(), bytes, Position::At(offset));
    site.submit(write).await.0.when(format_args!("writing at {offset}"))
}

/// Copies a piece, the last of which is cut off by the end of the file.
async fn copy_piece<D: Toured>(
    site: &Site<D>,
    from: &SharedFd,
    to: &SharedFd,
    offset: u64,
) -> Finding<()> {
    let mut done = 0;
    while done < PIECE {
        let at = offset + done as u64;
        let room = PIECE - done;
        let buffer = Vec::with_capacity(room).slice(..room);
        let (count, buffer) = site.submit(Read::new(from.clone(), buffer, Position::At(at))).await;
        let count = count.when(format_args!("reading at {at}"))?;
        if count == 0 {
            break;
        }
        write_at(site, to, at, buffer.into_inner()).await?;
        done += count;
    }
    Ok(())
}

/// Writes a file to a pipe, and closes that.
async fn feed<D: Toured>(site: &Site<D>, from: &SharedFd, pipe: SharedFd) -> Finding<()> {
    for offset in (0..LENGTH).step_by(PIECE) {
        let bytes = site.read(from, offset as u64, PIECE.min(LENGTH - offset)).await?;
        let write = WriteAll::new(pipe.clone(), bytes, Position::Current);
        site.submit(write).await.0.when("writing to a pipe")?;
    }
    Ok(())
}

/// Writes to a file what comes out of a pipe, and yields how many reads were short.
async fn drain<D: Toured>(site: &Site<D>, pipe: &SharedFd, to: &SharedFd) -> Finding<usize> {
    let mut done = 0;
    let mut short = 0;
    let mut buffer = Vec::with_capacity(PIPE_READ);
    loop {
        buffer.clear();
        let read = Read::new(pipe.clone(), buffer, Position::Current);
        let (count, bytes) = site.submit(read).await;
        let count = count.when("reading from a pipe")?;
        equal("bytes in the buffer", bytes.len(), count)?;
        if count == 0 {
            return Ok(short);
        }
        short += usize::from(count < PIPE_READ);
        let write = WriteAll::new(to.clone(), bytes, Position::At(done));
        let (result, bytes) = site.submit(write).await;
        result.when("writing what came out of a pipe")?;
        done += count as u64;
        buffer = bytes;
    }
}

fn compare<D: Toured>(site: &Site<D>, name: &str, pattern: Pattern) -> Finding<()> {
    let copy = site.contents(name)?;
    equal("the length of the copy", copy.len(), LENGTH)?;
    pattern.check("the copy", 0, &copy)?;
    equal("that the copy is the file", copy == site.contents("copy-from")?, true)
}
