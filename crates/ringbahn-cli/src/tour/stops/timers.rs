//! Timers do not fire early, and a read that times out gives its buffer back.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use futures::future::try_join_all;
use ringbahn_core::SharedFd;
use ringbahn_core::event::{Position, Read, WriteAll};

use crate::tour::finding::{Finding, When, equal, fails, hold};
use crate::tour::route::Toured;
use crate::tour::site::Site;

const TIMERS: u32 = 50;
/// The longest of the timers, and the time of the reads.
const TIME: Duration = Duration::from_millis(50);
const READS: usize = 4;

pub(crate) async fn visit<D: Toured>(site: &Site<D>) -> Finding {
    let late = try_join_all((1..=TIMERS).map(|number| timer(site, TIME * number / TIMERS)));
    let late = late.await?.into_iter().max().unwrap_or_default();

    let (reader, writer) = site.pipe()?;
    try_join_all((0..READS).map(|_| read_nothing(site, &reader))).await?;

    // Nothing was lost with the reads that timed out: the next one gets the first byte.
    let write = WriteAll::new(writer, "bytes", Position::Current);
    site.submit(write).await.0.when("writing to a pipe")?;
    let read = Read::new(reader, Vec::with_capacity(16), Position::Current);
    let (count, bytes) = site.submit(read).timeout(Duration::from_secs(10)).await;
    equal("bytes read in time", count.when("a read in time")?, 5)?;
    equal("what was read in time", &*bytes, b"bytes")?;
    Ok(format!(
        "{TIMERS} timers, none early, at most {}.{} ms late; {READS} reads timed out",
        late.as_micros() / 1000,
        late.as_micros() / 100 % 10,
    ))
}

/// Waits for a time, and yields how much more it was.
async fn timer<D: Toured>(site: &Site<D>, time: Duration) -> Finding<Duration> {
    let begin = Instant::now();
    site.sleep(time).await?;
    let passed = begin.elapsed();
    hold(passed >= time, || format!("a timer of {time:?} fired after {passed:?}"))?;
    Ok(passed - time)
}

async fn read_nothing<D: Toured>(site: &Site<D>, pipe: &SharedFd) -> Finding<()> {
    let buffer = b"as it was".to_vec();
    let place = buffer.as_ptr();
    let begin = Instant::now();
    let read = site.submit(Read::new(pipe.clone(), buffer, Position::Current));
    let (result, buffer) = read.timeout(TIME).await;
    let passed = begin.elapsed();
    fails("a read of an empty pipe", result, ErrorKind::TimedOut)?;
    hold(passed >= TIME, || format!("a read timed out after {passed:?}, and not {TIME:?}"))?;
    equal("where the buffer is", buffer.as_ptr(), place)?;
    equal("the buffer of a read that timed out", &*buffer, b"as it was")
}
