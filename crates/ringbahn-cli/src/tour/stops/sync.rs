//! What was written reaches the disk, and a file is as long as it is said to be.

use ringbahn_core::event::{Fsync, Position, Statx, Truncate, WriteAll};
use ringbahn_core::{SharedFd, opcode};

use crate::tour::finding::{Finding, When, equal, hold, size};
use crate::tour::pattern::Pattern;
use crate::tour::route::Toured;
use crate::tour::site::Site;

const NAME: &str = "synced";
const LENGTH: usize = 300_000;
const SHORTER: usize = 123_456;
const LONGER: usize = 200_000;

pub(crate) async fn visit<D: Toured>(site: &Site<D>) -> Finding {
    let pattern = Pattern::new(4);
    let file = site.create(NAME).await?;
    expect_length(site, &file, 0).await?;
    let write = WriteAll::new(file.clone(), pattern.bytes(0, LENGTH), Position::At(0));
    site.submit(write).await.0.when("writing")?;
    site.submit(Fsync::new(file.clone()).data_only(true)).await.when("fdatasync")?;
    site.submit(Fsync::new(file.clone())).await.when("fsync")?;
    expect_length(site, &file, LENGTH).await?;
    let done = format!("{} brought to the disk", size(LENGTH));
    if site.require(opcode::FTRUNCATE, "ftruncate", "Linux 6.9").is_err() {
        return Ok(format!("{done}, its size right; this kernel cannot truncate by io_uring"));
    }

    for length in [SHORTER, LONGER] {
        let truncate = Truncate::new(file.clone(), length as u64);
        site.submit(truncate).await.when(format_args!("truncating to {length}"))?;
        expect_length(site, &file, length).await?;
    }
    let contents = site.read(&file, 0, LONGER).await?;
    let (kept, zeroes) = contents.split_at(SHORTER);
    pattern.check("what was left", 0, kept)?;
    hold(zeroes.iter().all(|&byte| byte == 0), || {
        "the file was not extended by zeroes".to_owned()
    })?;
    Ok(format!("{done}, cut to {}, extended to {}", size(SHORTER), size(LONGER)))
}

/// The file is as long, by its descriptor, by its path, and as std sees it.
async fn expect_length<D: Toured>(site: &Site<D>, file: &SharedFd, length: usize) -> Finding<()> {
    let by_descriptor = site.submit(Statx::of(file.clone())).await.when("statx")?;
    let by_path = Statx::at(site.path(NAME)).when("statx by path")?;
    let by_path = site.submit(by_path).await.when("statx by path")?;
    let by_std = site.open(NAME)?.metadata().when("metadata by std")?;
    let lengths = [by_descriptor.len(), by_path.len(), by_std.len()];
    equal("the size of the file", lengths, [length as u64; 3])?;
    equal("that it is a file", by_descriptor.is_file() && !by_path.is_dir(), true)
}
