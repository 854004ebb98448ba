//! Receives from which nothing comes, each of which is cancelled.
//!
//! # Safety
//!
//! RX1. The memory is never freed, and nobody reads it.
#![allow(unsafe_code)]

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;

use io_uring::opcode;
use io_uring::squeue::Flags;
use io_uring::types::Fixed;
use rustix::io::Errno;

use super::ring::{Ring, is};
use crate::laboratory::case::Cancel;
use crate::laboratory::contender::Failure;
use crate::laboratory::contenders::memory;
use crate::laboratory::meter::Meter;

/// How much each would receive, in bytes.
const LENGTH: usize = 64;

/// The mark of a request to cancel in its `user_data`.
const CANCEL: u64 = 1 << 63;

pub(super) fn cancel(case: &Cancel, meter: &mut Meter) -> Result<(), Failure> {
    let depth = case.depth as usize;
    let pairs: Vec<_> = (0..depth).map(|_| UnixStream::pair()).collect::<io::Result<_>>()?;
    let (ours, theirs): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
    let ours: Vec<File> = ours.into_iter().map(|socket| OwnedFd::from(socket).into()).collect();
    let mut ring = Ring::new(256, 512)?;
    ring.register_files(&ours.iter().collect::<Vec<_>>())?;
    let memory = memory::pages(depth * LENGTH);
    let mut completions = Vec::with_capacity(512);
    while meter.goes_on() {
        for _ in 0..case.lap() / u64::from(case.depth) {
            for (number, buffer) in memory.chunks_exact_mut(LENGTH).enumerate() {
                let file = Fixed(number as u32);
                let receive = opcode::Recv::new(file, buffer.as_mut_ptr(), LENGTH as u32).build();
                // SAFETY: RX1.
                unsafe { ring.push(&[receive.user_data(number as u64)]) }?;
            }
            // They wait before they are cancelled.
            ring.submit_and_wait(0)?;
            for number in 0..u64::from(case.depth) {
                let cancel = opcode::AsyncCancel::new(number).build();
                let cancel = cancel.flags(Flags::SKIP_SUCCESS).user_data(CANCEL);
                // SAFETY: RX1: it names no memory.
                unsafe { ring.push(&[cancel]) }?;
            }
            let mut left = depth;
            while left > 0 {
                ring.submit_and_wait(left)?;
                ring.take(&mut completions);
                for cqe in completions.drain(..) {
                    if cqe.user_data() == CANCEL || !is(&cqe, Errno::CANCELED) {
                        return Err("a receive was not cancelled".into());
                    }
                    left -= 1;
                }
            }
        }
        meter.did(case.lap());
    }
    drop(theirs);
    Ok(())
}
