//! A file is written, and read back at several depths, in order and at random.

use futures::stream::{self, StreamExt, TryStreamExt};
use ringbahn_core::event::{Position, Read, WriteAll};
use ringbahn_core::{IoBuf, SharedFd};

use crate::tour::finding::{Finding, When, equal, size};
use crate::tour::pattern::{Dice, Pattern};
use crate::tour::route::Toured;
use crate::tour::site::Site;

const NAME: &str = "pattern";
const LENGTH: usize = 8 << 20;
const BLOCK: usize = 64 << 10;
const BLOCKS: usize = LENGTH / BLOCK;
/// How many operations are in flight at a time. The last one is more than the ring has entries.
const DEPTHS: [usize; 3] = [1, 8, 64];

pub(crate) async fn visit<D: Toured>(site: &Site<D>) -> Finding {
    let pattern = Pattern::new(1);
    let mut dice = Dice::new(1);
    let file = site.create(NAME).await?;
    write(site, &file, pattern, dice.shuffled(BLOCKS)).await?;
    pattern.check("the file, read by std", 0, &site.contents(NAME)?)?;
    let mut bytes = 0;
    for depth in DEPTHS {
        let in_order = (0..BLOCKS).map(|block| (block * BLOCK, BLOCK)).collect();
        bytes += read(site, &file, pattern, depth, in_order).await?;
        // Anywhere, and of any length, so that pages and blocks are cut across.
        let anywhere = (0..BLOCKS).map(|_| {
            let length = 1 + dice.roll(BLOCK);
            (dice.roll(LENGTH - length), length)
        });
        bytes += read(site, &file, pattern, depth, anywhere.collect()).await?;
    }
    end(site, &file, pattern).await?;
    Ok(format!(
        "{} written, {} read at depths {}, {}, {}, in order and at random",
        size(LENGTH),
        size(bytes),
        DEPTHS[0],
        DEPTHS[1],
        DEPTHS[2],
    ))
}

async fn write<D: Toured>(
    site: &Site<D>,
    file: &SharedFd,
    pattern: Pattern,
    order: Vec<usize>,
) -> Finding<()> {
    let writes = stream::iter(order.into_iter().map(Ok));
    let write = |block: usize| async move {
        let offset = (block * BLOCK) as u64;
        let bytes = pattern.bytes(offset, BLOCK);
        let write = WriteAll::new(file.clone(), bytes, Position::At(offset));
        let (result, bytes) = site.submit(write).await;
        result.when(format_args!("writing {BLOCK} bytes at {offset}"))?;
        pattern.check("a buffer that was written", offset, &bytes)
    };
    writes.try_for_each_concurrent(16, write).await
}

/// Reads parts of the file, each by its offset and length, and checks them.
async fn read<D: Toured>(
    site: &Site<D>,
    file: &SharedFd,
    pattern: Pattern,
    depth: usize,
    parts: Vec<(usize, usize)>,
) -> Finding<usize> {
    let bytes = parts.iter().map(|(_, length)| length).sum();
    let read = |(offset, length): (usize, usize)| async move {
        let bytes = site.read(file, offset as u64, length).await?;
        equal("bytes of a read", bytes.len(), length)?;
        pattern.check("the file", offset as u64, &bytes)
    };
    let reads = stream::iter(parts).map(read).buffer_unordered(depth);
    reads.try_for_each(|()| std::future::ready(Ok(()))).await?;
    Ok(bytes)
}

/// The file ends where it ends.
async fn end<D: Toured>(site: &Site<D>, file: &SharedFd, pattern: Pattern) -> Finding<()> {
    for (before_end, expected) in [(100, 100), (0, 0)] {
        let offset = (LENGTH - before_end) as u64;
        let buffer = Vec::with_capacity(BLOCK).slice(..BLOCK);
        let read = Read::new(file.clone(), buffer, Position::At(offset));
        let (count, buffer) = site.submit(read).await;
        equal("bytes read at the end", count.when("reading at the end")?, expected)?;
        equal("bytes in the buffer", buffer.len(), expected)?;
        pattern.check("the end of the file", offset, &buffer)?;
    }
    Ok(())
}
