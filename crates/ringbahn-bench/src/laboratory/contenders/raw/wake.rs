//! A loop that is woken by another thread: it reads an eventfd, always.
//!
//! # Safety
//!
//! RW1. The memory is never freed, and there is one read at a time.
#![allow(unsafe_code)]

use std::fs::File;
use std::io::Write as _;

use io_uring::opcode;
use io_uring::types::Fixed;
use rustix::event::{EventfdFlags, eventfd};

use super::ring::{Ring, result};
use crate::laboratory::case::Wake;
use crate::laboratory::contender::Failure;
use crate::laboratory::contenders::{memory, waker};
use crate::laboratory::meter::Meter;

/// What an eventfd counts, in bytes.
const COUNT: usize = 8;

pub(super) fn wake(case: &Wake, meter: &mut Meter) -> Result<(), Failure> {
    let event = File::from(eventfd(0, EventfdFlags::CLOEXEC)?);
    let mut ring = Ring::new(8, 16)?;
    ring.register_files(&[&event])?;
    let count = memory::pages(COUNT).as_mut_ptr();
    let mut completions = Vec::with_capacity(16);
    let wake = move |_| match (&event).write(&1_u64.to_ne_bytes())? {
        COUNT => Ok(()),
        _ => Err("an eventfd has taken less than a number".into()),
    };
    waker::wakes(case, meter, wake, |_| {
        let read = opcode::Read::new(Fixed(0), count, COUNT as u32).build();
        // SAFETY: RW1.
        unsafe { ring.push(&[read]) }?;
        while completions.is_empty() {
            ring.submit_and_wait(1)?;
            ring.take(&mut completions);
        }
        for cqe in completions.drain(..) {
            result(&cqe)?;
        }
        Ok(())
    })
}
