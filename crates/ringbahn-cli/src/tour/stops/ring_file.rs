//! [`Ring`] as a file: copied by the traits of `futures-io`, and sought in.

use std::fs::File;
use std::io::SeekFrom;
use std::path::Path;

use futures::io::{
    AsyncBufReadExt, AsyncReadExt, AsyncSeekExt, AsyncWriteExt, BufReader, copy, copy_buf,
};
use ringbahn::Ring;
use ringbahn::fs::OpenOptions;

use crate::tour::finding::{Finding, When, equal, size};
use crate::tour::pattern::{Dice, Pattern};
use crate::tour::route::Toured;
use crate::tour::site::Site;

/// Not a multiple of anything.
const LENGTH: usize = (3 << 20) + 12_345;
const SEEKS: usize = 64;
/// The longest piece that is read or written after a seek.
const PIECE: usize = 5000;

/// Copies a file twice: with one read and one write at a time, and through a reader's buffer.
pub(crate) async fn visit_copy<D: Toured>(site: &Site<D>) -> Finding {
    let pattern = Pattern::new(7);
    let from = site.path("ring-from");
    let mut original = Ring::create_on_driver(&from, site.driver.clone()).await.when("creating")?;
    original.write_all(&pattern.bytes(0, LENGTH)).await.when("writing")?;
    original.close().await.when("closing what was written")?;

    for (name, buffered) in [("ring-to", false), ("ring-to-buffered", true)] {
        let mut from = open(site, &from).await?;
        let to = site.path(name);
        let mut to = Ring::create_on_driver(to, site.driver.clone()).await.when("creating")?;
        let copied = if buffered {
            copy_buf(&mut from, &mut to).await
        } else {
            copy(BufReader::with_capacity(50_000, &mut from), &mut to).await
        };
        equal("bytes copied", copied.when("copying")?, LENGTH as u64)?;
        to.sync_all().await.when("bringing the copy to the disk")?;
        let metadata = to.metadata().await.when("asking for the size")?;
        equal("the size of the copy", metadata.len(), LENGTH as u64)?;
        to.close().await.when("closing the copy")?;
        pattern.check("the copy", 0, &site.contents(name)?)?;
        equal("that the copy is the file", site.contents(name)?, site.contents("ring-from")?)?;
    }
    Ok(format!("{} written, and copied by two ways of reading", size(LENGTH)))
}

/// Reads and writes at positions that it has sought, and lines.
pub(crate) async fn visit_seek<D: Toured>(site: &Site<D>) -> Finding {
    let mut dice = Dice::new(8);
    let mut expected = Pattern::new(8).bytes(0, LENGTH);
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    let path = site.path("ring-seek");
    let mut file = options.open_on_driver(path, site.driver.clone()).await.when("creating")?;
    file.write_all(&expected).await.when("writing")?;

    for number in 0..SEEKS {
        let length = 1 + dice.roll(PIECE);
        let offset = dice.roll(LENGTH - length);
        let target = match number % 3 {
            0 => SeekFrom::Start(offset as u64),
            1 => SeekFrom::End(offset as i64 - LENGTH as i64),
            _ => {
                let now = file.stream_position().await.when("asking for the position")?;
                SeekFrom::Current(offset as i64 - now as i64)
            }
        };
        let found = file.seek(target).await.when("seeking")?;
        equal("where a seek leads to", found, offset as u64)?;
        let piece = &mut expected[offset..offset + length];
        if number % 2 == 0 {
            let mut bytes = vec![0; length];
            file.read_exact(&mut bytes).await.when("reading after a seek")?;
            equal("that the bytes after a seek are right", bytes == piece, true)?;
        } else {
            piece.copy_from_slice(&Pattern::new(1000 + number as u64).bytes(0, length));
            file.write_all(piece).await.when("writing after a seek")?;
        }
    }
    lines(&mut file).await?;
    let file = file.into_inner().await.when("taking the file out")?;
    equal("the length by std", file.metadata().when("metadata")?.len(), LENGTH as u64 + 12)?;
    let contents = site.contents("ring-seek")?;
    equal("that the file is right", contents[..LENGTH] == expected, true)?;
    Ok(format!("{SEEKS} seeks from start, end and here, each with a read or a write"))
}

/// Writes lines behind the end, and reads them back: reading ahead does not move the position.
async fn lines<D: Toured>(file: &mut Ring<File, D>) -> Finding<()> {
    file.seek(SeekFrom::End(0)).await.when("seeking to the end")?;
    file.write_all(b"one\ntwo\nend\n").await.when("writing lines")?;
    file.seek(SeekFrom::Current(-12)).await.when("seeking back")?;
    for (line, position) in [("one\n", -8), ("two\n", -4)] {
        let mut found = String::new();
        file.read_line(&mut found).await.when("reading a line")?;
        equal("a line", &*found, line)?;
        let here = file.stream_position().await.when("asking for the position")?;
        equal("the position behind a line", here as i64, LENGTH as i64 + 12 + position)?;
    }
    Ok(())
}

async fn open<D: Toured>(site: &Site<D>, path: &Path) -> Finding<Ring<File, D>> {
    Ring::open_on_driver(path, site.driver.clone()).await.when("opening")
}
