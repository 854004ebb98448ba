//! Reading and writing: `READ`, `READV`, `WRITE`, `WRITEV`.
//!
//! What is in memory is transferred at once (`RWF_NOWAIT`). Where there is nothing yet, the
//! descriptor is waited for; a file, which epoll does not take, goes to a thread. Files whose calls
//! know no way of not waiting (terminals, inotify) are waited for, and go to a thread then.
//!
//! # Safety
//!
//! TC1. The entry's buffers are those of [`Vectors`], and are left alone by everybody else until
//!     the terminal CQE. The calls have ended when they return.
//!
//! TC2. A call that takes no address touches no memory of the process, and one that is given a
//!     local touches nothing else. A `stat` is numbers, for which zero is valid.
#![allow(unsafe_code)]

use std::mem::MaybeUninit;
use std::os::fd::RawFd;

use libc::{c_int, off_t};
use ringbahn_core::{Sqe, opcode};

use super::is_ready;
use super::vectors::Vectors;
use crate::fallback::epoll::last_errno;
use crate::fallback::pool::Class;
use crate::fallback::work::{Step, Then, Wait, Work};

/// The least that a direct read is a multiple of, in bytes, in its length and its place.
const SECTOR: u64 = 512;

/// Which way the bytes go.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Read,
    Write,
}

/// Reads into the buffers of an entry.
pub(super) fn read(work: &mut Work, may_block: bool) -> Step {
    let entry = &work.entry;
    // What is not of whole sectors is no direct read, so the usual one is not asked about.
    let place = entry.get_offset() | u64::from(entry.get_length());
    let may_be_direct = place.is_multiple_of(SECTOR) || entry.opcode() == opcode::READV;
    let waits = !may_block && may_be_direct && has_flag(entry.get_fd(), libc::O_DIRECT);
    if waits { Step::Block(Class::Files) } else { transfer(work, Way::Read, may_block) }
}

/// Writes the buffers of an entry.
pub(super) fn write(work: &mut Work, may_block: bool) -> Step {
    let waiting = libc::O_DIRECT | libc::O_DSYNC;
    let waits = !may_block && has_flag(work.entry.get_fd(), waiting);
    if waits { Step::Block(Class::Files) } else { transfer(work, Way::Write, may_block) }
}

fn transfer(work: &mut Work, way: Way, may_block: bool) -> Step {
    let entry = &work.entry;
    let fd = entry.get_fd();
    let asked_not_to_wait = entry.get_op_flags().cast_signed() & libc::RWF_NOWAIT != 0;
    let events = if way == Way::Read { libc::POLLIN } else { libc::POLLOUT } as u32;
    let until_ready = |then| Step::Wait(Wait { fd, events, then });
    if may_block && !is_ready(fd, events) {
        return until_ready(Then::BlockAlone);
    }
    let mut is_stream = false;
    loop {
        let Some(vectors) = rest(&work.entry, work.done) else { return Step::failed(libc::EINVAL) };
        work.wanted = work.done + vectors.len();
        let offset = if is_stream { None } else { place(&work.entry, work.done) };
        let flags = work.entry.get_op_flags().cast_signed();
        let flags = if may_block { flags } else { flags | libc::RWF_NOWAIT };
        match call(fd, way, &vectors, offset, flags) {
            Ok(0) => return Step::Done(work.done as i32),
            Ok(count) => {
                work.done += count;
                // A file is transferred whole, up to its end; of anything else, what there is.
                if count == vectors.len() || !is_file(fd) {
                    return Step::Done(work.done as i32);
                }
            }
            Err(libc::EINTR) => {}
            // The kernel takes no notice of where in a stream something is to be.
            Err(libc::ESPIPE) if !is_stream && offset.is_some() => is_stream = true,
            Err(errno) if may_block || asked_not_to_wait => {
                let again = may_block && errno == libc::EAGAIN && !asked_not_to_wait;
                return if again { until_ready(Then::BlockAlone) } else { Step::failed(errno) };
            }
            Err(libc::EAGAIN) => return until_ready(Then::Here),
            Err(libc::EOPNOTSUPP | libc::ENOSYS) => return until_ready(Then::BlockAlone),
            Err(errno) => return Step::failed(errno),
        }
    }
}

/// What is left to be transferred. `None` where there are more buffers than a call takes.
fn rest(entry: &Sqe, done: usize) -> Option<Vectors> {
    let (address, length) = (entry.get_address(), entry.get_length() as usize);
    match entry.opcode() {
        opcode::READ
        | opcode::READ_FIXED
        | opcode::READ_MULTISHOT
        | opcode::WRITE
        | opcode::WRITE_FIXED => Some(Vectors::one(address, length, done)),
        _ => Vectors::several(address.cast_const().cast(), length, done),
    }
}

/// Where in the file the rest is to be; `None` for its own position.
fn place(entry: &Sqe, done: usize) -> Option<off_t> {
    let offset = entry.get_offset().cast_signed();
    (offset != -1).then(|| offset.wrapping_add_unsigned(done as u64))
}

fn call(
    fd: RawFd,
    way: Way,
    vectors: &Vectors,
    offset: Option<off_t>,
    flags: c_int,
) -> Result<usize, i32> {
    let vectors = vectors.as_slice();
    let (first, count, offset) = (vectors.as_ptr(), vectors.len() as c_int, offset.unwrap_or(-1));
    let returned = match way {
        // SAFETY: TC1.
        Way::Read => unsafe { libc::preadv2(fd, first, count, offset, flags) },
        // SAFETY: TC1.
        Way::Write => unsafe { libc::pwritev2(fd, first, count, offset, flags) },
    };
    usize::try_from(returned).map_err(|_| last_errno())
}

/// Whether a descriptor is that of a file that lies on a disk.
pub(super) fn is_file(fd: RawFd) -> bool {
    matches!(kind(fd), Some(libc::S_IFREG | libc::S_IFBLK))
}

/// What kind of file a descriptor is that of: `S_IFREG` and the like.
pub(super) fn kind(fd: RawFd) -> Option<libc::mode_t> {
    let mut stat = MaybeUninit::<libc::stat>::zeroed();
    // SAFETY: TC2; the call writes to the local, or fails.
    let returned = unsafe { libc::fstat(fd, stat.as_mut_ptr()) };
    // SAFETY: TC2; the kernel has written to it, or it is zero.
    let stat = unsafe { stat.assume_init() };
    (returned == 0).then_some(stat.st_mode & libc::S_IFMT)
}

/// Whether there is such a descriptor.
pub(in crate::fallback) fn is_open(fd: RawFd) -> bool {
    // SAFETY: TC2.
    unsafe { libc::fcntl(fd, libc::F_GETFD) >= 0 }
}

/// Whether the open file has one of the flags of `open(2)`.
pub(super) fn has_flag(fd: RawFd, flags: c_int) -> bool {
    // SAFETY: TC2.
    let has = unsafe { libc::fcntl(fd, libc::F_GETFL) };
    has >= 0 && has & flags != 0
}
