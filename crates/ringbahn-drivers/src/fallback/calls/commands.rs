//! Commands of sockets: `URING_CMD`.
//!
//! # Safety
//!
//! MC1. The entry's third address is that of the option's value, of the length it says, valid until
//!     the terminal CQE (`S1` of `ringbahn_core::Sqe`).
//!
//! MC2. Calls are given locals otherwise.
#![allow(unsafe_code)]

use libc::{c_int, socklen_t};
use ringbahn_core::Sqe;

use super::connect::option;
use super::told;
use crate::fallback::work::Step;

// `SOCKET_URING_OP_*`.
const UNREAD: u32 = 0;
const UNSENT: u32 = 1;
const GET_OPTION: u32 = 2;
const SET_OPTION: u32 = 3;

/// Executes a command of a socket; no other file has any here.
pub(super) fn command(entry: &Sqe) -> Step {
    let domain = match option(entry.get_fd(), libc::SO_DOMAIN) {
        Ok(domain) => domain,
        Err(libc::ENOTSOCK) => return Step::failed(libc::EOPNOTSUPP),
        Err(errno) => return Step::failed(errno),
    };
    let (operation, rest) = words(entry.get_offset());
    if rest != 0 {
        return Step::failed(libc::EINVAL);
    }
    // Of other sockets the kernel does not tell it by this way.
    let counts = matches!(domain, libc::AF_INET | libc::AF_INET6);
    Step::Done(match operation {
        UNREAD if counts => count(entry, libc::FIONREAD),
        UNSENT if counts => count(entry, libc::TIOCOUTQ),
        GET_OPTION => get(entry),
        SET_OPTION => set(entry),
        _ => -libc::EOPNOTSUPP,
    })
}

fn count(entry: &Sqe, request: libc::Ioctl) -> i32 {
    let mut count: c_int = 0;
    // SAFETY: MC2.
    match told(unsafe { libc::ioctl(entry.get_fd(), request, &raw mut count) }) {
        0 => count,
        error => error,
    }
}

fn get(entry: &Sqe) -> i32 {
    let (level, name) = words(entry.get_address_number());
    let (level, name) = (level.cast_signed(), name.cast_signed());
    if level != libc::SOL_SOCKET {
        return -libc::EOPNOTSUPP;
    }
    let mut length: socklen_t = entry.get_file_index();
    let (fd, value) = (entry.get_fd(), entry.get_address3());
    // SAFETY: MC1, MC2.
    match told(unsafe { libc::getsockopt(fd, level, name, value, &raw mut length) }) {
        0 => length.cast_signed(),
        error => error,
    }
}

fn set(entry: &Sqe) -> i32 {
    let (level, name) = words(entry.get_address_number());
    let (level, name) = (level.cast_signed(), name.cast_signed());
    let (fd, value, length) = (entry.get_fd(), entry.get_address3(), entry.get_file_index());
    // SAFETY: MC1.
    told(unsafe { libc::setsockopt(fd, level, name, value, length) })
}

/// The two words of four bytes that a word of an entry is made of.
fn words(word: u64) -> (u32, u32) {
    let (low, high) = (word as u32, (word >> 32) as u32);
    if cfg!(target_endian = "big") { (high, low) } else { (low, high) }
}
