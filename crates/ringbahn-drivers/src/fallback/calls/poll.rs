//! Waiting for descriptors, as operations: `POLL_ADD`, `EPOLL_CTL`, `EPOLL_WAIT`.
//!
//! # Safety
//!
//! LC1. The entry's addresses are valid until its terminal CQE (`S1` of `ringbahn_core::Sqe`).
//!
//! LC2. `poll(2)` reads and writes one `pollfd` at the address given, during the call only.
#![allow(unsafe_code)]

use std::os::fd::RawFd;

use ringbahn_core::Sqe;

use super::told;
use crate::fallback::epoll::last_errno;
use crate::fallback::work::{Step, Then, Wait};

/// What a descriptor tells whether it was asked or not.
const ALWAYS: u32 = (libc::POLLERR | libc::POLLHUP) as u32;

/// What of `events` a descriptor is ready for, without waiting.
fn look(fd: RawFd, events: u32) -> Result<u32, i32> {
    let mut poll = libc::pollfd { fd, events: events as i16, revents: 0 };
    // SAFETY: LC2; `poll` is a local.
    let count = unsafe { libc::poll(&raw mut poll, 1, 0) };
    if count < 0 {
        return Err(last_errno());
    }
    if poll.revents & libc::POLLNVAL != 0 {
        return Err(libc::EBADF);
    }
    Ok(u32::from(poll.revents.cast_unsigned()))
}

/// Whether a descriptor is ready for some of `events`. One that is not open is: the call that comes
/// next says what is the matter with it.
pub(in crate::fallback) fn is_ready(fd: RawFd, events: u32) -> bool {
    look(fd, events) != Ok(0)
}

/// What of its descriptor a `POLL_ADD` is about.
pub(in crate::fallback) fn interest(entry: &Sqe) -> u32 {
    let mask = entry.get_op_flags();
    let mask = if cfg!(target_endian = "big") { mask.rotate_left(16) } else { mask };
    // The end of what the peer sends is told unasked, too.
    mask & 0x7fff | libc::POLLRDHUP as u32
}

/// Waits until a descriptor is ready for something.
pub(super) fn add(entry: &Sqe) -> Step {
    let (fd, events) = (entry.get_fd(), interest(entry));
    match look(fd, events) {
        Ok(0) => Step::Wait(Wait { fd, events: events & !ALWAYS, then: Then::Look }),
        Ok(ready) => Step::Done(ready.cast_signed()),
        Err(errno) => Step::failed(errno),
    }
}

/// Changes another set of epoll.
pub(super) fn change_set(entry: &Sqe) -> Step {
    let (set, operation) = (entry.get_fd(), entry.get_length().cast_signed());
    let fd = entry.get_offset() as RawFd;
    // SAFETY: LC1; the address is that of an event, or the operation needs none.
    Step::Done(told(unsafe { libc::epoll_ctl(set, operation, fd, entry.get_address().cast()) }))
}

/// Waits for what another set of epoll waits for.
pub(super) fn wait_for_set(entry: &Sqe) -> Step {
    let (set, count) = (entry.get_fd(), entry.get_length().cast_signed());
    // SAFETY: LC1; the entry has room for so many events.
    let returned = unsafe { libc::epoll_wait(set, entry.get_address().cast(), count, 0) };
    match told(returned) {
        0 => Step::until_readable(set),
        result => Step::Done(result),
    }
}
