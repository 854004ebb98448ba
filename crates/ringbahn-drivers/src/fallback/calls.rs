//! What entries ask for, as system calls.

use ringbahn_core::opcode;

use super::work::{Step, Work};

mod poll;

pub(super) use poll::is_ready;

/// Makes an attempt at an entry. Where `may_block` is not set it waits for nothing.
pub(super) fn perform(work: &mut Work, may_block: bool) -> Step {
    let _ = may_block;
    match work.entry.opcode() {
        opcode::NOP => Step::Done(0),
        opcode::POLL_ADD => poll::add(&work.entry),
        _ => Step::failed(libc::EINVAL),
    }
}
