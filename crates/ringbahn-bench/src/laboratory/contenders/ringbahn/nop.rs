//! Operations that do nothing, each a submission of its own.

use std::future::{Future as _, poll_fn};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use ringbahn::event::Nop;
use ringbahn::{Drive, Submission};

use super::Host;
use crate::laboratory::case;
use crate::laboratory::contender::Failure;
use crate::laboratory::meter::Meter;

pub(super) fn run(host: &impl Host, case: &case::Nop, meter: &mut Meter) -> Result<(), Failure> {
    let submission = |_| (host.driver().submit(Nop), false);
    let mut slots: Vec<_> = (0..case.depth).map(submission).collect();
    while meter.goes_on() {
        host.block_on(async {
            for _ in 0..case.lap() / u64::from(case.depth) {
                // A submission is good for the next operation as well, and spares its memory.
                for (submission, is_running) in &mut slots {
                    Pin::new(submission).restart(Nop);
                    *is_running = true;
                }
                poll_fn(|cx| poll_all(&mut slots, cx)).await?;
            }
            io::Result::Ok(())
        })?;
        meter.did(case.lap());
    }
    Ok(())
}

fn poll_all<D: Drive + Unpin>(
    slots: &mut [(Submission<Nop, D>, bool)],
    cx: &mut Context<'_>,
) -> Poll<io::Result<()>> {
    let mut is_pending = false;
    for (submission, is_running) in slots {
        if *is_running {
            match Pin::new(submission).poll(cx) {
                Poll::Ready(result) => {
                    result?;
                    *is_running = false;
                }
                Poll::Pending => is_pending = true,
            }
        }
    }
    if is_pending { Poll::Pending } else { Poll::Ready(Ok(())) }
}
