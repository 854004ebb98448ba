//! A chain of two: the second operation starts when the first one has succeeded.

use std::sync::Arc;

use ringbahn_core::SharedFd;
use ringbahn_core::event::{EventExt, Fsync, Position, Write};

use crate::tour::finding::{Finding, When, cancelled, equal, hold, size};
use crate::tour::pattern::Pattern;
use crate::tour::route::Toured;
use crate::tour::site::Site;

const NAME: &str = "linked";
const LENGTH: usize = 64 << 10;
const PAIRS: usize = 4;

pub(crate) async fn visit<D: Toured>(site: &Site<D>) -> Finding {
    let pattern = Pattern::new(6);
    let file = site.create(NAME).await?;
    for number in 0..PAIRS {
        let offset = (number * LENGTH) as u64;
        let write = Write::new(file.clone(), pattern.bytes(offset, LENGTH), Position::At(offset));
        let ((count, _), synced) = site.submit(write.link(Fsync::new(file.clone()))).await;
        equal("bytes written", count.when("the write of a pair")?, LENGTH)?;
        synced.when("the fsync of a pair")?;
    }
    pattern.check("the file", 0, &site.contents(NAME)?)?;

    let read_only = SharedFd::new(Arc::new(site.open(NAME)?));
    let write = Write::new(read_only, "bytes", Position::At(0));
    let ((count, buffer), synced) = site.submit(write.link(Fsync::new(file))).await;
    equal("the buffer of the write that fails", buffer, "bytes")?;
    hold(count.is_err(), || "a write to a file opened for reading succeeded".to_owned())?;
    cancelled("the error of an fsync behind a failed write", synced)?;
    pattern.check("the file after a write that failed", 0, &site.contents(NAME)?)?;
    Ok(format!(
        "{PAIRS} times {} written, then synced; no fsync behind a failed write",
        size(LENGTH),
    ))
}
