//! Sockets: `SEND`, `SENDMSG` and what would be without a copy, `RECV`, `RECVMSG`, `ACCEPT`,
//! `SOCKET`, `SHUTDOWN`, `BIND`, `LISTEN`.
//!
//! # Safety
//!
//! SC1. The entry's addresses are those that its opcode asks for, valid until the terminal CQE, and
//!     what is written to is left alone by everybody else (`S1` of `ringbahn_core::Sqe`). The calls
//!     have ended when they return.
//!
//! SC2. A call that takes no address touches no memory of the process.
#![allow(unsafe_code)]

use std::os::fd::RawFd;
use std::ptr;

use libc::{c_int, msghdr, socklen_t};
use ringbahn_core::{Sqe, opcode};

use super::connect::option;
use super::told;
use super::transfers::has_flag;
use super::vectors::{BYTES_MAX, Vectors};
use crate::fallback::opcodes::*;
use crate::fallback::work::{Step, Then, Wait, Work};

/// Makes the calls of an operation that may take several of them, and waits between them. `call`
/// is told what is done already, and the flags; `total` is what there is to be done.
pub(super) fn repeatedly(
    work: &mut Work,
    events: i16,
    total: usize,
    may_block: bool,
    mut call: impl FnMut(&Sqe, usize, c_int) -> i32,
) -> Step {
    let fd = work.entry.get_fd();
    let wait = Step::Wait(Wait { fd, events: events as u32, then: Then::Here });
    if work.entry.get_ioprio() & POLL_FIRST != 0 && !work.begun {
        work.begun = true;
        return wait;
    }
    let asked = work.entry.get_op_flags().cast_signed();
    let flags = if may_block { asked } else { asked | libc::MSG_DONTWAIT };
    let wants_all = asked & libc::MSG_WAITALL != 0;
    if wants_all {
        work.wanted = total;
    }
    let goes_on = wants_all
        && asked & (libc::MSG_PEEK | libc::MSG_DONTWAIT) == 0
        && matches!(option(fd, libc::SO_TYPE), Ok(libc::SOCK_STREAM | libc::SOCK_SEQPACKET));
    loop {
        match call(&work.entry, work.done, flags) {
            error if error == -libc::EINTR => {}
            error if error == -libc::EAGAIN && asked & libc::MSG_DONTWAIT == 0 => return wait,
            count if count <= 0 => {
                let done = work.done as i32;
                return Step::Done(if done > 0 { done } else { count });
            }
            count => {
                work.done += count as usize;
                if !goes_on || work.done >= total {
                    return Step::Done(work.done as i32);
                }
            }
        }
    }
}

/// Sends the buffer of an entry.
pub(super) fn send(work: &mut Work, may_block: bool) -> Step {
    if let Some(refused) = refused_zero_copy(&work.entry) {
        return refused;
    }
    let total = (work.entry.get_length() as usize).min(BYTES_MAX);
    repeatedly(work, libc::POLLOUT, total, may_block, |entry, done, flags| {
        // SAFETY: SC1; `done` bytes of the buffer have been sent.
        let from = unsafe { entry.get_address().byte_add(done) };
        let (to, length) = (entry.get_address2(), entry.get_file_index() as u16);
        let flags = flags | libc::MSG_NOSIGNAL;
        let fd = entry.get_fd();
        // SAFETY: SC1; where there is no address of a peer, it is null and its length zero.
        let sent = unsafe {
            libc::sendto(fd, from, total - done, flags, to.cast(), socklen_t::from(length))
        };
        told(sent as i64)
    })
}

/// Sends the message of an entry.
pub(super) fn send_message(work: &mut Work, may_block: bool) -> Step {
    if let Some(refused) = refused_zero_copy(&work.entry) {
        return refused;
    }
    let total = message_length(&work.entry);
    repeatedly(work, libc::POLLOUT, total, may_block, |entry, done, flags| {
        let flags = flags | libc::MSG_NOSIGNAL;
        with_message(entry, done, |message| {
            // SAFETY: SC1.
            told(unsafe { libc::sendmsg(entry.get_fd(), message, flags) } as i64)
        })
    })
}

/// Receives into the buffer of an entry.
pub(super) fn receive(work: &mut Work, may_block: bool) -> Step {
    let total = (work.entry.get_length() as usize).min(BYTES_MAX);
    let events = events_of_receive(&work.entry);
    repeatedly(work, events, total, may_block, |entry, done, flags| {
        // SAFETY: SC1; `done` bytes of the buffer have been filled.
        let into = unsafe { entry.get_address().byte_add(done) };
        // SAFETY: SC1.
        told(unsafe { libc::recv(entry.get_fd(), into, total - done, flags) } as i64)
    })
}

/// Receives a message into what an entry names.
pub(super) fn receive_message(work: &mut Work, may_block: bool) -> Step {
    let total = message_length(&work.entry);
    let events = events_of_receive(&work.entry);
    repeatedly(work, events, total, may_block, |entry, done, flags| {
        with_message(entry, done, |message| {
            // SAFETY: SC1.
            told(unsafe { libc::recvmsg(entry.get_fd(), message, flags) } as i64)
        })
    })
}

/// What a receive waits for. Errors, which it may ask for, are told in any case.
fn events_of_receive(entry: &Sqe) -> i16 {
    let of_errors = entry.get_op_flags().cast_signed() & libc::MSG_ERRQUEUE != 0;
    if of_errors { 0 } else { libc::POLLIN }
}

/// Some sockets refuse what is to be sent without a copy, and so does the fallback, which copies.
fn refused_zero_copy(entry: &Sqe) -> Option<Step> {
    if !matches!(entry.opcode(), opcode::SEND_ZC | SENDMSG_ZC) {
        return None;
    }
    match option(entry.get_fd(), libc::SO_DOMAIN) {
        Ok(libc::AF_INET | libc::AF_INET6 | libc::AF_VSOCK) => None,
        Ok(_) => Some(Step::failed(libc::EOPNOTSUPP)),
        Err(errno) => Some(Step::failed(errno)),
    }
}

/// How many bytes the buffers of a message have.
fn message_length(entry: &Sqe) -> usize {
    let message = entry.get_address().cast::<msghdr>();
    // SAFETY: SC1; the address is that of a message, or null.
    let Some(message) = (unsafe { message.as_ref() }) else { return 0 };
    Vectors::several(message.msg_iov, message.msg_iovlen, 0).map_or(0, |vectors| vectors.len())
}

/// Calls with the message of an entry: with itself at first, which is written to; and with one of
/// its buffers' rest alone, when a part has been transferred.
fn with_message(entry: &Sqe, done: usize, call: impl FnOnce(*mut msghdr) -> i32) -> i32 {
    let message = entry.get_address().cast::<msghdr>();
    if done == 0 {
        return call(message);
    }
    // SAFETY: SC1; the address is that of a message, since a part of it has been transferred.
    let mut rest = unsafe { message.read() };
    let Some(vectors) = Vectors::several(rest.msg_iov, rest.msg_iovlen, done) else {
        return -libc::EMSGSIZE;
    };
    rest.msg_iov = vectors.as_slice().as_ptr().cast_mut();
    rest.msg_iovlen = vectors.as_slice().len() as _;
    rest.msg_control = ptr::null_mut();
    rest.msg_controllen = 0;
    rest.msg_name = ptr::null_mut();
    rest.msg_namelen = 0;
    call(&raw mut rest)
}

/// Accepts a connection.
pub(super) fn accept(entry: &Sqe, may_block: bool) -> Step {
    let fd = entry.get_fd();
    let is_listener = match option(fd, libc::SO_ACCEPTCONN) {
        Ok(is_listener) => is_listener != 0,
        Err(errno) => return Step::failed(errno),
    };
    let is_nonblocking = has_flag(fd, libc::O_NONBLOCK);
    let ready = || super::is_ready(fd, libc::POLLIN as u32);
    let wait = |then| Step::Wait(Wait { fd, events: libc::POLLIN as u32, then });
    let may_wait = entry.get_ioprio() & ACCEPT_DONTWAIT == 0;
    // What does not listen refuses at once.
    if is_listener && !is_nonblocking {
        if !may_wait && !ready() {
            return Step::failed(libc::EAGAIN);
        }
        if !may_block || !ready() {
            return wait(Then::BlockAlone);
        }
    }
    loop {
        match accept_now(fd, entry) {
            error if error == -libc::EINTR => {}
            error if error == -libc::EAGAIN && may_wait => return wait(Then::Here),
            result => return Step::Done(result),
        }
    }
}

fn accept_now(fd: RawFd, entry: &Sqe) -> i32 {
    let (address, length) = (entry.get_address(), entry.get_address2());
    let flags = entry.get_op_flags().cast_signed();
    // SAFETY: SC1; both are null where nobody wants to know the peer.
    told(unsafe { libc::accept4(fd, address.cast(), length.cast(), flags) })
}

/// Makes a socket.
pub(super) fn socket(entry: &Sqe) -> Step {
    let (domain, protocol) = (entry.get_fd(), entry.get_length().cast_signed());
    let kind = entry.get_offset() as c_int;
    // SAFETY: SC2.
    Step::Done(told(unsafe { libc::socket(domain, kind, protocol) }))
}

/// Shuts a connection down, or half of it.
pub(super) fn shutdown(entry: &Sqe) -> Step {
    let how = entry.get_length().cast_signed();
    // SAFETY: SC2.
    Step::Done(told(unsafe { libc::shutdown(entry.get_fd(), how) }))
}

/// Gives a socket its own address.
pub(super) fn bind(entry: &Sqe) -> Step {
    let (address, length) = (entry.get_address().cast(), entry.get_offset() as socklen_t);
    // SAFETY: SC1.
    Step::Done(told(unsafe { libc::bind(entry.get_fd(), address, length) }))
}

/// Lets a socket be connected to.
pub(super) fn listen(entry: &Sqe) -> Step {
    let backlog = entry.get_length().cast_signed();
    // SAFETY: SC2.
    Step::Done(told(unsafe { libc::listen(entry.get_fd(), backlog) }))
}
