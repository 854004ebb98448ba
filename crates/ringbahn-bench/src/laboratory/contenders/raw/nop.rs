//! Operations that do nothing.
//!
//! # Safety
//!
//! RN1. The entries name no memory and no descriptor.
#![allow(unsafe_code)]

use io_uring::opcode;

use super::ring::ring;
use crate::laboratory::case::Nop;
use crate::laboratory::contender::Failure;
use crate::laboratory::meter::Meter;

pub(super) fn nop(case: &Nop, meter: &mut Meter) -> Result<(), Failure> {
    let mut ring = ring(256, 512)?;
    let depth = case.depth as usize;
    while meter.goes_on() {
        for _ in 0..case.lap() / u64::from(case.depth) {
            for number in 0..case.depth {
                let entry = opcode::Nop::new().build().user_data(u64::from(number));
                // SAFETY: RN1.
                let pushed = unsafe { ring.submission().push(&entry) };
                pushed.map_err(|_| "the queue is shorter than a batch")?;
            }
            ring.submit_and_wait(depth)?;
            if ring.completion().filter(|cqe| cqe.result() == 0).count() != depth {
                return Err("an operation that does nothing has failed".into());
            }
        }
        meter.did(case.lap());
    }
    Ok(())
}
