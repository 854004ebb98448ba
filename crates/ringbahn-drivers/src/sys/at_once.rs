//! Entries executed by a system call that does not wait.
//!
//! # Safety
//!
//! X1. The entry was prepared by an event, or names what is lent for the attempt, so what it names
//!     is valid for what its opcode does with it, by S1 of `ringbahn_core::Sqe`, for as long as the
//!     attempt; and nobody has executed it.
//!
//! X2. The calls have ended when they return, and touch nothing afterwards. They do with the
//!     operands what the kernel does with them for the entry.
#![allow(unsafe_code)]

use std::io;

use libc::{c_int, iovec, off_t};
use ringbahn_core::{Attempt, Served, Sqe, opcode};

use crate::at_once::not_direct::NotDirect;

/// The least that a direct read is a multiple of, in bytes, in its length and its place.
const SECTOR: u64 = 512;

/// What a system call made of an entry.
enum Made {
    /// This count.
    Count(usize),
    /// Nothing: it would have to wait.
    Wait,
    /// Nothing: the ring is to have it.
    Nothing,
    /// This error, which there is no second chance to see.
    Error(c_int),
}

/// Executes the entry of `attempt`, if it is one that can be executed without waiting now.
pub(crate) fn serve<'a>(attempt: Attempt<'a>, not_direct: &NotDirect) -> Option<Served<'a>> {
    let entry = attempt.entry();
    let made = match entry.opcode() {
        opcode::READ | opcode::READV => read(entry, not_direct),
        opcode::WRITE | opcode::WRITEV => write(entry),
        opcode::RECV => receive(entry),
        opcode::SEND => send(entry),
        _ => Made::Nothing,
    };
    let result = match made {
        Made::Count(count) => i32::try_from(count).ok()?,
        Made::Error(errno) => -errno,
        // Whoever expects otherwise has nothing to submit, and is told.
        Made::Wait if attempt.is_expected() => -libc::EAGAIN,
        Made::Wait | Made::Nothing => return None,
    };
    // SAFETY: X1, X2; the call has done what the entry asks for, and its count is what it returned.
    Some(unsafe { attempt.served(result) })
}

/// Reads what is in memory already.
///
/// A part of what was asked for is good for a stream only. Of a file the ring brings everything up
/// to its end, so what falls short of that is left to it; unless the file's own position has moved,
/// when there is no way back.
fn read(entry: &Sqe, not_direct: &NotDirect) -> Made {
    let (single, vectors) = vectors(entry);
    let (vectors, count) = vectors.unwrap_or((&raw const single, 1));
    let offset = entry.get_offset() as off_t;
    let fd = entry.get_fd();
    // What is not of whole sectors is no direct read, so the usual one is not asked about.
    let place = entry.get_offset() | u64::from(entry.get_length());
    let whole_sectors = place.is_multiple_of(SECTOR);
    let may_be_direct = whole_sectors || entry.opcode() == opcode::READV;
    if may_be_direct && !not_direct.know(fd, || waits_for_disk(fd, libc::O_DIRECT)) {
        return Made::Nothing;
    }
    // SAFETY: X1, X2; the vectors are those of the entry, or its one buffer.
    let read = unsafe { libc::preadv2(fd, vectors, count, offset, libc::RWF_NOWAIT) };
    let first = made(read);
    let Made::Count(done) = first else { return first };
    if done == 0 || offset == -1 {
        return first;
    }
    if entry.opcode() == opcode::READV {
        // SAFETY: X1; the entry names so many vectors.
        let vectors = unsafe { std::slice::from_raw_parts(vectors, count as usize) };
        let asked: usize = vectors.iter().map(|vector| vector.iov_len).sum();
        return if done == asked { first } else { Made::Nothing };
    }
    let asked = single.iov_len;
    if done == asked {
        return first;
    }
    // SAFETY: X1; `done` bytes of the buffer have been filled, so its rest begins there.
    let base = unsafe { single.iov_base.byte_add(done) };
    let rest = iovec { iov_base: base, iov_len: asked - done };
    // SAFETY: X1, X2; the rest of the entry's buffer.
    let at_end =
        unsafe { libc::preadv2(fd, &raw const rest, 1, offset + done as off_t, libc::RWF_NOWAIT) };
    if at_end == 0 { first } else { Made::Nothing }
}

/// Writes what finds its place in memory already.
fn write(entry: &Sqe) -> Made {
    let (single, vectors) = vectors(entry);
    let (vectors, count) = vectors.unwrap_or((&raw const single, 1));
    let offset = entry.get_offset() as off_t;
    let fd = entry.get_fd();
    if waits_for_disk(fd, libc::O_DIRECT | libc::O_DSYNC) {
        return Made::Nothing;
    }
    // SAFETY: X1, X2; the vectors are those of the entry, or its one buffer.
    let written = unsafe { libc::pwritev2(fd, vectors, count, offset, libc::RWF_NOWAIT) };
    made(written)
}

/// Receives what has arrived already.
fn receive(entry: &Sqe) -> Made {
    let flags = entry.get_op_flags().cast_signed();
    if flags & libc::MSG_WAITALL != 0 {
        return Made::Nothing;
    }
    let (fd, length) = (entry.get_fd(), entry.get_length() as usize);
    // SAFETY: X1, X2; the entry's buffer.
    let received =
        unsafe { libc::recv(fd, entry.get_address(), length, flags | libc::MSG_DONTWAIT) };
    told_by_socket(received)
}

/// Sends what the socket has room for.
fn send(entry: &Sqe) -> Made {
    let flags = entry.get_op_flags().cast_signed() | libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
    let (fd, length) = (entry.get_fd(), entry.get_length() as usize);
    // SAFETY: X1, X2; the entry's buffer.
    told_by_socket(unsafe { libc::send(fd, entry.get_address(), length, flags) })
}

/// The entry's one buffer, or the vectors that it names.
fn vectors(entry: &Sqe) -> (iovec, Option<(*const iovec, c_int)>) {
    let length = entry.get_length();
    let single = iovec { iov_base: entry.get_address(), iov_len: length as usize };
    let several = matches!(entry.opcode(), opcode::READV | opcode::WRITEV);
    (single, several.then(|| (entry.get_address().cast_const().cast(), length as c_int)))
}

fn made(returned: isize) -> Made {
    match usize::try_from(returned) {
        Ok(count) => Made::Count(count),
        Err(_) => match io::Error::last_os_error().raw_os_error().unwrap_or(0) {
            // It would have to wait, or the file has no way of not waiting, or it is none of the
            // kind that the call is for. The ring knows what to do, also about a fault.
            0
            | libc::EAGAIN
            | libc::EINTR
            | libc::EOPNOTSUPP
            | libc::ENOSYS
            | libc::EINVAL
            | libc::ESPIPE
            | libc::ENOTSOCK
            | libc::EFAULT
            | libc::EBADF
            | libc::ENOMEM => Made::Nothing,
            // An error of a socket is told once.
            errno => Made::Error(errno),
        },
    }
}

/// As [`made`], of a call that the ring would make in the same way: an error is told once, whatever
/// it is, as `ENOBUFS` by a netlink socket that has lost messages.
fn told_by_socket(returned: isize) -> Made {
    match usize::try_from(returned) {
        Ok(count) => Made::Count(count),
        Err(_) => match io::Error::last_os_error().raw_os_error().unwrap_or(0) {
            libc::EAGAIN => Made::Wait,
            0 | libc::EINTR | libc::ENOTSOCK | libc::EFAULT | libc::EBADF => Made::Nothing,
            errno => Made::Error(errno),
        },
    }
}

/// Whether reads and writes of a file wait for the disk, whatever they are told.
fn waits_for_disk(fd: c_int, waiting: c_int) -> bool {
    // SAFETY: X2; the call takes no address.
    let flags = unsafe { libc::fcntl(fd, libc::F_GETFL) };
    flags & waiting != 0
}
