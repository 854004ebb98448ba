//! From one descriptor to another without a buffer: `SPLICE`, `TEE`; and `PIPE`.
//!
//! `SPLICE_F_NONBLOCK` keeps the calls from waiting for pipes, and so for what can be waited for:
//! whichever end is not ready. The other end may be a file, so they are made on a thread.
//!
//! # Safety
//!
//! IC1. The entry's address is that of room for two descriptors, valid until the terminal CQE (`S1`
//!     of `ringbahn_core::Sqe`). Other calls are given locals, or no address.
#![allow(unsafe_code)]

use std::os::fd::RawFd;
use std::ptr;

use libc::off_t;
use ringbahn_core::Sqe;

use super::{is_ready, told};
use crate::fallback::opcodes::SPLICE_FD_IN_FIXED;
use crate::fallback::pool::Class;
use crate::fallback::work::{Step, Then, Wait, Work};

/// Moves bytes from one descriptor to another.
pub(super) fn splice(work: &mut Work, may_block: bool) -> Step {
    work.wanted = work.entry.get_length() as usize;
    let entry = &work.entry;
    let mut from = entry.get_address_number().cast_signed();
    let mut to = entry.get_offset().cast_signed();
    move_bytes(entry, may_block, |input, output, length, flags| {
        let place = |place: &mut off_t| match place {
            -1 => ptr::null_mut(),
            place => ptr::from_mut(place),
        };
        let (from, to) = (place(&mut from), place(&mut to));
        // SAFETY: IC1; the places are locals of the function around this, or null.
        told(unsafe { libc::splice(input, from, output, to, length, flags) } as i64)
    })
}

/// Copies bytes from one pipe to another.
pub(super) fn tee(work: &mut Work, may_block: bool) -> Step {
    work.wanted = work.entry.get_length() as usize;
    move_bytes(&work.entry, may_block, |input, output, length, flags| {
        // SAFETY: IC1; the call takes no address.
        told(unsafe { libc::tee(input, output, length, flags) } as i64)
    })
}

fn move_bytes(
    entry: &Sqe,
    may_block: bool,
    mut call: impl FnMut(RawFd, RawFd, usize, u32) -> i32,
) -> Step {
    let flags = entry.get_op_flags();
    let (input, output) = (entry.get_file_index().cast_signed(), entry.get_fd());
    if flags & SPLICE_FD_IN_FIXED != 0 {
        return Step::failed(libc::EBADF);
    }
    if entry.get_length() == 0 {
        return Step::Done(0);
    }
    if !may_block {
        return Step::Block(Class::Others);
    }
    let without_wait = flags | libc::SPLICE_F_NONBLOCK;
    let result = call(input, output, entry.get_length() as usize, without_wait);
    if result != -libc::EAGAIN || flags & libc::SPLICE_F_NONBLOCK != 0 {
        return Step::Done(result);
    }
    let then = Then::Block(Class::Others);
    let until = |fd, events| Step::Wait(Wait { fd, events, then });
    match is_ready(input, libc::POLLIN as u32) {
        false => until(input, libc::POLLIN as u32),
        true => until(output, libc::POLLOUT as u32),
    }
}

/// Makes a pipe.
pub(super) fn pipe(entry: &Sqe) -> Step {
    let (into, flags) = (entry.get_address().cast(), entry.get_op_flags().cast_signed());
    // SAFETY: IC1; the address has room for two descriptors.
    Step::Done(told(unsafe { libc::pipe2(into, flags) }))
}
