//! What is cancelled comes back with everything; what is dropped leaves nothing behind.

use std::net::{TcpListener, TcpStream};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use futures::poll;
use ringbahn_core::event::{Accept, Position, Read, Timeout, WriteAll};
use ringbahn_core::{Event, SharedFd};

use crate::tour::finding::{Finding, When, cancelled, equal, hold};
use crate::tour::machine;
use crate::tour::route::Toured;
use crate::tour::site::Site;
use crate::tour::stops::echo;

/// How many operations of a kind.
const COUNT: usize = 16;
/// Longer than any tour.
const FOR_EVER: Duration = Duration::from_secs(3600);

pub(crate) async fn visit<D: Toured>(site: &Site<D>) -> Finding {
    let listener = Arc::new(echo::bind(echo::IPV4)?);
    let (reader, writer) = site.pipe()?;
    for _ in 0..COUNT {
        cancel_accept(site, &listener).await?;
        cancel_read(site, &reader).await?;
    }
    let disposed = site.driver.counters().disposed;
    drop_many(site, || Accept::new(SharedFd::new(listener.clone()))).await?;
    let bytes = || Vec::with_capacity(100);
    drop_many(site, || Read::new(reader.clone(), bytes(), Position::Current)).await?;
    drop_many(site, || Timeout::new(FOR_EVER)).await?;
    let now = || site.driver.counters().disposed - disposed;
    site.settle("results disposed of", now, 3 * COUNT as u64).await?;
    for _ in 0..COUNT {
        drop_late(site).await?;
    }

    // None of them has taken the byte that is meant for this one.
    site.submit(WriteAll::new(writer, "a", Position::Current)).await.0.when("writing")?;
    let (count, bytes) = site.submit(Read::new(reader, bytes(), Position::Current)).await;
    equal("bytes read", count.when("a read after others were cancelled")?, 1)?;
    equal("what was read", &*bytes, b"a")?;
    let (stopped, dropped) = (2 * COUNT, 4 * COUNT);
    Ok(format!("{stopped} cancelled, buffers back; {dropped} dropped, nothing left behind"))
}

async fn cancel_accept<D: Toured>(site: &Site<D>, listener: &Arc<TcpListener>) -> Finding<()> {
    let mut accept = site.submit(Accept::new(SharedFd::new(listener.clone())));
    let pending = poll!(Pin::new(&mut accept)).is_pending();
    hold(pending, || "an accept ended though nobody called".to_owned())?;
    let ended = accept.cancel().await;
    hold(ended.is_cancelled(), || format!("a cancelled accept ended with {ended:?}"))?;
    cancelled("the error of a cancelled accept", ended.into_inner())
}

async fn cancel_read<D: Toured>(site: &Site<D>, pipe: &SharedFd) -> Finding<()> {
    let buffer = b"as it was".to_vec();
    let place = buffer.as_ptr();
    let mut read = site.submit(Read::new(pipe.clone(), buffer, Position::Current));
    let pending = poll!(Pin::new(&mut read)).is_pending();
    hold(pending, || "a read of an empty pipe ended".to_owned())?;
    let ended = read.cancel().await;
    hold(ended.is_cancelled(), || format!("a cancelled read ended with {ended:?}"))?;
    let (result, buffer) = ended.into_inner();
    cancelled("the error of a cancelled read", result)?;
    equal("where the buffer is", buffer.as_ptr(), place)?;
    equal("the buffer of a cancelled read", &*buffer, b"as it was")
}

/// Starts many operations that do not end, and drops them all.
async fn drop_many<D: Toured, E: Event>(site: &Site<D>, event: impl Fn() -> E) -> Finding<()> {
    site.settle_operations().await?;
    let mut operations: Vec<_> = (0..COUNT).map(|_| Box::pin(site.submit(event()))).collect();
    for operation in &mut operations {
        let pending = poll!(operation.as_mut()).is_pending();
        hold(pending, || "an operation ended that had nothing to end it".to_owned())?;
    }
    equal("operations in flight", site.driver.counters().in_flight, COUNT as u64)?;
    drop(operations);
    site.settle_operations().await
}

/// Drops an accept just when somebody has called. If it was faster than the drop, whoever accepted
/// them hangs up; if not, they wait, for as long as there is a listener.
async fn drop_late<D: Toured>(site: &Site<D>) -> Finding<()> {
    let descriptors = machine::open_descriptors();
    let listener = Arc::new(TcpListener::bind("127.0.0.1:0").when("listening")?);
    let address = listener.local_addr().when("asking for the address")?;
    {
        let mut accept = pin!(site.submit(Accept::new(SharedFd::new(listener.clone()))));
        let pending = poll!(accept.as_mut()).is_pending();
        hold(pending, || "an accept ended though nobody called".to_owned())?;
        let _caller = TcpStream::connect(address).when("connecting")?;
    }
    drop(listener);
    site.settle_operations().await?;
    site.settle_descriptors(descriptors).await
}
