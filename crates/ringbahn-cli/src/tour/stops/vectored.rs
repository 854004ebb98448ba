//! Several buffers of different sizes are written by one operation, and read by another.

use ringbahn_core::event::{Position, ReadVectored, WriteVectored};

use crate::tour::finding::{Finding, When, equal, size};
use crate::tour::pattern::Pattern;
use crate::tour::route::Toured;
use crate::tour::site::Site;

const NAME: &str = "vectored";
/// Of no length, of one byte, across pages, and of many.
const WRITTEN: [usize; 6] = [1, 0, 4095, 4097, 100_000, 65_536];
const READ: [usize; 5] = [70_000, 3, 4096, 0, 99_630];
/// Where in the file it all begins.
const OFFSET: u64 = 1234;

pub(crate) async fn visit<D: Toured>(site: &Site<D>) -> Finding {
    let pattern = Pattern::new(2);
    let file = site.create(NAME).await?;
    let total: usize = WRITTEN.iter().sum();
    equal("the buffers' lengths", READ.iter().sum(), total)?;

    let mut offset = OFFSET;
    let buffers = WRITTEN.map(|length| {
        let bytes = pattern.bytes(offset, length);
        offset += length as u64;
        bytes
    });
    let write = WriteVectored::new(file.clone(), buffers, Position::At(OFFSET));
    let (count, _buffers) = site.submit(write).await;
    equal("bytes written", count.when("a vectored write")?, total)?;

    // The kernel fills them up to their capacity, which is then their length.
    let buffers: Vec<Box<[u8]>> = READ.iter().map(|&length| vec![0; length].into()).collect();
    let read = ReadVectored::new(file, buffers, Position::At(OFFSET));
    let (count, buffers) = site.submit(read).await;
    equal("bytes read", count.when("a vectored read")?, total)?;
    let mut offset = OFFSET;
    for buffer in buffers {
        pattern.check("a vectored read", offset, &buffer)?;
        offset += buffer.len() as u64;
    }

    let contents = site.contents(NAME)?;
    let (hole, bytes) = contents.split_at(OFFSET as usize);
    equal("the bytes before", hole.iter().all(|&byte| byte == 0), true)?;
    pattern.check("the file, read by std", OFFSET, bytes)?;
    Ok(format!(
        "{} written from {} buffers at once, read into {} others",
        size(total),
        WRITTEN.len(),
        READ.len(),
    ))
}
