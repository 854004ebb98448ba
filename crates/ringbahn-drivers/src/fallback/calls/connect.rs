//! `CONNECT`.
//!
//! A TCP connection takes its time. A socket with `O_NONBLOCK` begins it without waiting; one
//! without is given a moment on a thread (`SO_SNDTIMEO`, which is put back: nobody sends through a
//! socket that is about to be connected). Then the socket is waited for, so that the operation can
//! be cancelled, and a second call says what has come of it.
//!
//! # Safety
//!
//! CC1. The entry's address is that of a socket address of the length it says, valid until the
//!     terminal CQE (`S1` of `ringbahn_core::Sqe`).
//!
//! CC2. Options are read into locals and out of them, of the lengths given.
#![allow(unsafe_code)]

use std::os::fd::RawFd;

use libc::{c_int, socklen_t, timeval};
use ringbahn_core::Sqe;

use super::transfers::has_flag;
use super::{is_ready, told};
use crate::fallback::pool::Class;
use crate::fallback::work::{Step, Then, Wait, Work};

/// Connects a socket.
pub(super) fn connect(work: &mut Work, may_block: bool) -> Step {
    let entry = &work.entry;
    let fd = entry.get_fd();
    if work.begun {
        if !is_ready(fd, libc::POLLOUT as u32) {
            return Step::until_writable(fd);
        }
        return match call(entry) {
            result if result == -libc::EALREADY => Step::until_writable(fd),
            // The second call of old kernels.
            result if result == -libc::EISCONN => Step::Done(0),
            result => Step::Done(result),
        };
    }
    let kind = match option(fd, libc::SO_TYPE) {
        Ok(kind) => kind,
        Err(errno) => return Step::failed(errno),
    };
    let waits = matches!(kind, libc::SOCK_STREAM | libc::SOCK_SEQPACKET);
    let result = if !waits || has_flag(fd, libc::O_NONBLOCK) {
        call(entry)
    } else if !may_block {
        return Step::Block(Class::Others);
    } else if matches!(option(fd, libc::SO_DOMAIN), Ok(libc::AF_INET | libc::AF_INET6)) {
        for_a_moment(fd, || call(entry))
    } else {
        call(entry)
    };
    if result == -libc::EAGAIN && may_block {
        // The listener has no room: its path is tried again until it has.
        let then = Then::Block(Class::Others);
        return Step::Wait(Wait { fd, events: libc::POLLOUT as u32, then });
    } else if result == -libc::EAGAIN {
        return Step::Block(Class::Others);
    }
    if result == -libc::EINPROGRESS {
        work.begun = true;
        return Step::until_writable(fd);
    }
    Step::Done(result)
}

fn call(entry: &Sqe) -> i32 {
    let (address, length) = (entry.get_address().cast(), entry.get_offset() as socklen_t);
    // SAFETY: CC1.
    told(unsafe { libc::connect(entry.get_fd(), address, length) })
}

/// Runs `call`, which waits for a socket, so that it waits for a tick of the kernel's clock only.
fn for_a_moment(fd: RawFd, call: impl FnOnce() -> i32) -> i32 {
    let mut before = timeval { tv_sec: 0, tv_usec: 0 };
    let mut length = size_of::<timeval>() as socklen_t;
    let (level, name) = (libc::SOL_SOCKET, libc::SO_SNDTIMEO);
    let value = (&raw mut before).cast();
    // SAFETY: CC2.
    let got = unsafe { libc::getsockopt(fd, level, name, value, &raw mut length) };
    if got != 0 {
        return call();
    }
    let set = |time: &timeval| {
        let value = std::ptr::from_ref(time).cast();
        // SAFETY: CC2.
        unsafe { libc::setsockopt(fd, level, name, value, length) };
    };
    set(&timeval { tv_sec: 0, tv_usec: 1 });
    let result = call();
    set(&before);
    result
}

/// An option of a socket that is a number.
///
/// # Errors
///
/// `ENOTSOCK`, and what else says that there is no such socket.
pub(super) fn option(fd: RawFd, name: c_int) -> Result<c_int, i32> {
    let mut value: c_int = 0;
    let mut length = size_of::<c_int>() as socklen_t;
    let into = (&raw mut value).cast();
    // SAFETY: CC2.
    match told(unsafe { libc::getsockopt(fd, libc::SOL_SOCKET, name, into, &raw mut length) }) {
        0 => Ok(value),
        error => Err(-error),
    }
}
