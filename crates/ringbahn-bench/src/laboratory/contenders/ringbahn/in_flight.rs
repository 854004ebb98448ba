//! Reads that wait, of which one at a time ends.

use std::future::{Future as _, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use ringbahn::event::{Position, Read};
use ringbahn::{BufResultExt as _, Drive as _, SharedFd};
use rustix::event::{EventfdFlags, eventfd};
use rustix::io::write;

use super::Host;
use crate::laboratory::case::InFlight;
use crate::laboratory::contender::Failure;
use crate::laboratory::meter::Meter;

pub(super) fn run(host: &impl Host, case: &InFlight, meter: &mut Meter) -> Result<(), Failure> {
    let read = |counter: &SharedFd, number| Read::new(counter.clone(), number, Position::Current);
    let (mut reads, mut counters) = (Vec::new(), Vec::new());
    for _ in 0..case.waiting {
        let counter = Arc::new(eventfd(0, EventfdFlags::CLOEXEC)?);
        let shared = SharedFd::new(counter.clone());
        reads.push(host.driver().submit(read(&shared, [0; 8])));
        counters.push((counter, shared));
    }
    // All of them wait before the first one is measured.
    host.block_on(poll_fn(|cx| {
        let mut reads = reads.iter_mut().map(Pin::new);
        let are_pending = reads.all(|read| read.poll(cx).is_pending());
        Poll::Ready(if are_pending { Ok(()) } else { Err("a read has ended by itself") })
    }))?;
    let mut stopwatch = meter.stopwatch();
    let mut next = 0;
    while meter.goes_on() {
        host.block_on(async {
            for _ in 0..case.lap() {
                let mut reading = Pin::new(&mut reads[next]);
                let (counter, shared) = &counters[next];
                let start = stopwatch.start();
                write(counter, &1_u64.to_ne_bytes())?;
                let (count, number) = reading.as_mut().await.both()?;
                reading.as_mut().restart(read(shared, number));
                let is_pending = poll_fn(|cx| Poll::Ready(reading.as_mut().poll(cx).is_pending()));
                let is_pending = is_pending.await;
                stopwatch.stop(start);
                if count != 8 || u64::from_ne_bytes(number) != 1 || !is_pending {
                    return Err("what was read is not what was written".into());
                }
                next = (next + 1) % counters.len();
            }
            Result::<(), Failure>::Ok(())
        })?;
        meter.did(case.lap());
        meter.took(&mut stopwatch);
    }
    Ok(())
}
