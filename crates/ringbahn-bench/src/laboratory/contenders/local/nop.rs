//! Operations that do nothing, each a submission of its own.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use ringbahn_core::{Drive, Submission, event};
use ringbahn_drivers::LocalDriver;

use crate::laboratory::case::Nop;
use crate::laboratory::contender::Failure;
use crate::laboratory::meter::Meter;

pub(super) fn nop(case: &Nop, meter: &mut Meter) -> Result<(), Failure> {
    let driver = LocalDriver::builder().serve_at_once(false).build()?;
    let mut slots: Vec<_> = (0..case.depth).map(|_| None).collect();
    while meter.goes_on() {
        for _ in 0..case.lap() / u64::from(case.depth) {
            driver.block_on(batch(&driver, &mut slots))?;
        }
        meter.did(case.lap());
    }
    Ok(())
}

async fn batch(
    driver: &LocalDriver,
    slots: &mut [Option<Submission<event::Nop, LocalDriver>>],
) -> Result<(), Failure> {
    let mut left = slots.len();
    for slot in &mut *slots {
        *slot = Some(driver.clone().submit(event::Nop));
    }
    poll_fn(|cx| {
        for slot in &mut *slots {
            let Some(submission) = slot else { continue };
            if let Poll::Ready(result) = Pin::new(submission).poll(cx) {
                *slot = None;
                left -= 1;
                result?;
            }
        }
        if left == 0 { Poll::Ready(Ok(())) } else { Poll::Pending }
    })
    .await
}
