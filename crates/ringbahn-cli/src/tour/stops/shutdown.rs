//! The driver is shut down with operations in flight: they end, and it reports how.

use std::pin::Pin;
use std::time::{Duration, Instant};

use futures::poll;
use ringbahn_core::event::{Nop, Position, Read};

use crate::tour::finding::{Failure, Finding, equal, hold};
use crate::tour::route::Toured;
use crate::tour::site::Site;

const READS: usize = 8;
const DEADLINE: Duration = Duration::from_secs(5);

pub(crate) async fn visit<D: Toured>(site: &Site<D>) -> Finding {
    site.settle_operations().await?;
    let (reader, _writer) = site.pipe()?;
    let read = || site.submit(Read::new(reader.clone(), b"kept".to_vec(), Position::Current));
    let mut reads: Vec<_> = (0..READS).map(|_| read()).collect();
    for read in &mut reads {
        let pending = poll!(Pin::new(read)).is_pending();
        hold(pending, || "a read of an empty pipe ended".to_owned())?;
    }

    let begin = Instant::now();
    let report = site.driver.shut_down(DEADLINE).await;
    hold(begin.elapsed() < DEADLINE, || {
        format!("a shutdown took {:?}, with nothing to wait for", begin.elapsed())
    })?;
    equal("operations cancelled by the shutdown", report.cancelled, READS as u64)?;
    equal("operations completed meanwhile", report.completed, 0)?;
    equal("operations leaked", report.leaked, 0)?;
    for read in reads {
        let (result, buffer) = read.await;
        hold(result.is_err(), || "a read succeeded that had nothing to read".to_owned())?;
        equal("the buffer of a read that was shut down", &*buffer, b"kept")?;
    }
    if site.submit(Nop::new()).await.is_ok() {
        return Err(Failure::Broken("a driver that was shut down took an event".to_owned()));
    }
    Ok(format!("{READS} reads cancelled, buffers back; none leaked, new events refused"))
}
