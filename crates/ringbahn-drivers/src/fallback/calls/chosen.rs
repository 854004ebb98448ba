//! Reading and receiving into a buffer of a group: `READ`, `READ_MULTISHOT`, `RECV`, and `RECVMSG`
//! of many results, whose buffer also takes what comes along with the data.
//!
//! # Safety
//!
//! CH1. A buffer of a group is this side's to fill from when it is found in its ring, with the
//!      groups locked, until its CQE. It has as many bytes as its ring says. The call has ended
//!      when it returns.
//!
//! CH2. The entry of a `RECVMSG` names a message, valid until the terminal CQE (`S1` of
//!      `ringbahn_core::Sqe`). A message is numbers and addresses, for which zero is valid.
#![allow(unsafe_code)]

use std::mem::{self, MaybeUninit};

use libc::{c_int, iovec, msghdr};
use ringbahn_core::{Sqe, opcode};

use super::sockets::{self, receive};
use super::transfers::{self, kind, read};
use super::{is_ready, told};
use crate::fallback::groups::{Groups, Offer};
use crate::fallback::shots::is_multishot;
use crate::fallback::work::{Step, Then, Wait, Work};

/// The header before a message: four words of 32 bits.
const HEADER: usize = 16;

/// Makes an attempt at an entry that a buffer is chosen for.
pub(super) fn attempt(work: &mut Work, may_block: bool, groups: &Groups) -> Step {
    if work.entry.opcode() == opcode::READ_MULTISHOT && !can_be_polled(&work.entry) {
        return Step::failed(libc::EBADFD);
    }
    if let Some(chosen) = work.chosen {
        // It has been begun with that one.
        return fill(work, &chosen, may_block);
    }
    let id = work.entry.get_buffer_index();
    let mut groups = groups.lock();
    let Some(offer) = groups.first(id) else { return Step::failed(libc::ENOBUFS) };
    if !may_block {
        let step = fill(work, &offer, false);
        if work.done > 0 {
            groups.take(id);
            work.chosen = Some(offer);
        }
        return step;
    }
    let fd = work.entry.get_fd();
    let events = libc::POLLIN as u32;
    if !is_ready(fd, events) {
        return Step::Wait(Wait { fd, events, then: Then::BlockAlone });
    }
    groups.take(id);
    work.chosen = Some(offer);
    drop(groups);
    fill(work, &offer, true)
}

/// Whether a file can be waited for, as the kernel asks of what is read again and again.
fn can_be_polled(entry: &Sqe) -> bool {
    !matches!(kind(entry.get_fd()), Some(libc::S_IFREG | libc::S_IFBLK | libc::S_IFDIR))
}

/// Fills a buffer. What is in it then is counted in `done`.
fn fill(work: &mut Work, offer: &Offer, may_block: bool) -> Step {
    match work.entry.opcode() {
        opcode::RECVMSG => receive_message(work, offer, may_block),
        opcode::RECV => {
            aim(work, offer);
            receive(work, may_block)
        }
        _ => {
            aim(work, offer);
            read(work, may_block)
        }
    }
}

/// Has the entry name the buffer, as far as it wants to fill it.
fn aim(work: &mut Work, offer: &Offer) {
    let length = match work.asked {
        0 => offer.length,
        asked => asked.min(offer.length),
    };
    let entry = mem::replace(&mut work.entry, Sqe::nop());
    work.entry = entry.address(offer.address()).length(length);
}

/// Receives a message, with what comes along: a header, the sender's address, control messages and
/// the data, of which the middle two have as much room as the entry's own message says.
fn receive_message(work: &mut Work, offer: &Offer, may_block: bool) -> Step {
    let own = work.entry.get_address().cast::<msghdr>();
    // SAFETY: CH2.
    let Some(own) = (unsafe { own.as_ref() }) else { return Step::failed(libc::EFAULT) };
    #[allow(clippy::unnecessary_cast, reason = "it is not with every libc")]
    let (name, control) = (own.msg_namelen as usize, own.msg_controllen as usize);
    let length = offer.length as usize;
    let overhead = HEADER + name + control;
    if overhead > length {
        return Step::failed(libc::EFAULT);
    }
    // SAFETY: CH1: so far the buffer goes.
    let at = |offset: usize| unsafe { offer.address().byte_add(offset) };
    let mut data = iovec { iov_base: at(overhead), iov_len: length - overhead };
    // SAFETY: CH2.
    let mut message: msghdr = unsafe { MaybeUninit::zeroed().assume_init() };
    message.msg_name = at(HEADER);
    message.msg_namelen = name as _;
    message.msg_control = at(HEADER + name);
    message.msg_controllen = control as _;
    message.msg_iov = &raw mut data;
    message.msg_iovlen = 1;
    let count = sockets::repeatedly(work, libc::POLLIN, 0, may_block, |entry, _, flags: c_int| {
        // SAFETY: CH1; the message and its vector are locals.
        told(unsafe { libc::recvmsg(entry.get_fd(), &raw mut message, flags) } as i64)
    });
    let Step::Done(count @ 0..) = count else { return count };
    let header: [u32; 4] = [
        message.msg_namelen,
        message.msg_controllen as u32,
        count.cast_unsigned(),
        message.msg_flags.cast_unsigned(),
    ];
    // SAFETY: CH1: it has room for a header, wherever that may be aligned.
    unsafe { offer.address().cast::<[u32; 4]>().write_unaligned(header) };
    // Nothing more comes out of a stream; an empty datagram brings its sender.
    work.is_last = count == 0;
    work.done = overhead + count as usize;
    Step::Done(work.done as i32)
}

/// What an operation of many results waits for, after some.
pub(in crate::fallback) fn shot_wait(entry: &Sqe) -> Wait {
    debug_assert!(is_multishot(entry));
    let fd = entry.get_fd();
    let alone = entry.opcode() == opcode::ACCEPT && !transfers::has_flag(fd, libc::O_NONBLOCK);
    let then = if alone { Then::BlockAlone } else { Then::Here };
    Wait { fd, events: libc::POLLIN as u32, then }
}
