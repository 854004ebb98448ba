//! What is done by name, and descriptors of files: `OPENAT`, `OPENAT2`, `CLOSE`, `STATX`,
//! `RENAMEAT`, `UNLINKAT`, `MKDIRAT`, `SYMLINKAT`, `LINKAT`, `SETXATTR`, `GETXATTR`.
//!
//! # Safety
//!
//! PC1. The entry's addresses are those that its opcode asks for, valid until the terminal CQE
//!     (`S1` of `ringbahn_core::Sqe`). The calls have ended when they return.
//!
//! PC2. An entry of `CLOSE` owns its descriptor.
//!
//! PC3. A call that takes no address touches no memory of the process, and one that is given a
//!     local touches nothing else. The structures are numbers, for which zero is valid.
#![allow(unsafe_code)]

use std::mem::MaybeUninit;
use std::os::fd::RawFd;

use libc::{c_char, c_long, mode_t, open_how};
use ringbahn_core::{Sqe, opcode};

use super::told;
use super::transfers::{has_flag, kind};
use crate::fallback::opcodes::*;
use crate::fallback::pool::Class;
use crate::fallback::work::Step;

/// Opens a file: at once where its name is known to the kernel, or else on a thread.
///
/// The kernel opens at once with `O_NONBLOCK`, which it takes off again. So a FIFO is opened
/// without anybody at its other end, and this does the same.
pub(super) fn open(entry: &Sqe, may_block: bool) -> Step {
    if may_block {
        return Step::Done(match entry.opcode() {
            opcode::OPENAT => open_at(entry),
            _ => open_at_2(entry),
        });
    }
    let opened = if entry.flags() & FLAG_ASYNC != 0 { None } else { open_cached(entry) };
    opened.map_or(Step::Block(Class::Others), Step::Done)
}

fn open_at(entry: &Sqe) -> i32 {
    let path = entry.get_address().cast::<c_char>();
    let flags = entry.get_op_flags().cast_signed() | libc::O_LARGEFILE;
    // SAFETY: PC1.
    told(unsafe { libc::openat(entry.get_fd(), path, flags, entry.get_length()) })
}

fn open_at_2(entry: &Sqe) -> i32 {
    let (path, how) = (entry.get_address(), entry.get_address2());
    let size = entry.get_length() as usize;
    // SAFETY: PC1; the entry says how large its `open_how` is.
    told(unsafe { libc::syscall(libc::SYS_openat2, entry.get_fd(), path, how, size) })
}

/// Opens a file if that takes no access to a disk. `None` where it does, or where that cannot be
/// told.
fn open_cached(entry: &Sqe) -> Option<i32> {
    // SAFETY: PC3; an `open_how` is numbers.
    let mut how: open_how = unsafe { MaybeUninit::zeroed().assume_init() };
    if entry.opcode() == opcode::OPENAT {
        how.flags = u64::from(entry.get_op_flags());
    } else {
        if entry.get_length() as usize != size_of::<open_how>() {
            return None;
        }
        // SAFETY: PC1; the address is that of an `open_how` of this size.
        how = unsafe { entry.get_address2().cast::<open_how>().read_unaligned() };
    }
    let changes = (libc::O_CREAT | libc::O_TRUNC | libc::O_TMPFILE) & !libc::O_DIRECTORY;
    if how.flags & changes as u64 != 0 {
        return None;
    }
    let wants_nonblock = how.flags & libc::O_NONBLOCK as u64 != 0;
    let is_path = how.flags & libc::O_PATH as u64 != 0;
    if !is_path {
        how.flags |= libc::O_NONBLOCK as u64;
    }
    how.resolve |= libc::RESOLVE_CACHED;
    let (path, size) = (entry.get_address(), size_of::<open_how>());
    let how = &raw const how;
    // SAFETY: PC1; `how` is a local.
    let fd = told(unsafe { libc::syscall(libc::SYS_openat2, entry.get_fd(), path, how, size) });
    match -fd {
        // Not in memory, or no such call or flag, or one that a filter forbids.
        libc::EAGAIN | libc::EINVAL | libc::ENOSYS | libc::EPERM | libc::E2BIG => None,
        _ => {
            if fd >= 0 && !wants_nonblock && !is_path {
                unset_nonblock(fd);
            }
            Some(fd)
        }
    }
}

/// Takes the flag off a file that has just been opened, which nobody else knows of.
fn unset_nonblock(fd: RawFd) {
    // SAFETY: PC3.
    let flags = unsafe { libc::fcntl(fd, libc::F_GETFL) };
    // SAFETY: PC3.
    unsafe { libc::fcntl(fd, libc::F_SETFL, flags & !libc::O_NONBLOCK) };
}

/// Closes a descriptor: on a thread, where that may wait for a disk or a peer.
pub(super) fn close(entry: &Sqe, may_block: bool) -> Step {
    let fd = entry.get_fd();
    let may_wait = || match kind(fd) {
        Some(libc::S_IFREG | libc::S_IFBLK) => has_flag(fd, libc::O_WRONLY | libc::O_RDWR),
        Some(libc::S_IFSOCK) => lingers(fd),
        _ => false,
    };
    if !may_block && may_wait() {
        return Step::Block(Class::Others);
    }
    // SAFETY: PC2.
    Step::Done(told(unsafe { libc::close(fd) }))
}

/// Whether a socket waits, as it is closed, until all has been sent.
fn lingers(fd: RawFd) -> bool {
    let mut linger = libc::linger { l_onoff: 0, l_linger: 0 };
    let mut length = size_of::<libc::linger>() as libc::socklen_t;
    let option = (&raw mut linger).cast();
    // SAFETY: PC3; no more than `length` bytes are written to the local.
    let got =
        unsafe { libc::getsockopt(fd, libc::SOL_SOCKET, libc::SO_LINGER, option, &raw mut length) };
    got == 0 && linger.l_onoff != 0 && linger.l_linger != 0
}

/// Makes the call of an entry, on a thread that may block.
pub(super) fn call(entry: &Sqe, may_block: bool) -> Step {
    if !may_block {
        return Step::Block(Class::Files);
    }
    let result = match entry.opcode() {
        opcode::STATX => status(entry),
        RENAMEAT => rename(entry),
        UNLINKAT => unlink(entry),
        MKDIRAT => make_directory(entry),
        SYMLINKAT => make_symbolic_link(entry),
        LINKAT => make_link(entry),
        SETXATTR => set_attribute(entry),
        GETXATTR => get_attribute(entry),
        _ => -libc::EINVAL,
    };
    Step::Done(result)
}

fn status(entry: &Sqe) -> i32 {
    let (path, into) = (entry.get_address().cast::<c_char>(), entry.get_address2());
    let (flags, mask) = (entry.get_op_flags().cast_signed(), entry.get_length());
    // SAFETY: PC1.
    told(unsafe { libc::statx(entry.get_fd(), path, flags, mask, into.cast()) })
}

fn rename(entry: &Sqe) -> i32 {
    let (old, new) = (entry.get_address(), entry.get_address2());
    let new_directory = c_long::from(entry.get_length().cast_signed());
    let (directory, flags) = (c_long::from(entry.get_fd()), entry.get_op_flags());
    let call = libc::SYS_renameat2;
    // SAFETY: PC1.
    told(unsafe { libc::syscall(call, directory, old, new_directory, new, flags) })
}

fn unlink(entry: &Sqe) -> i32 {
    let path = entry.get_address().cast::<c_char>();
    // SAFETY: PC1.
    told(unsafe { libc::unlinkat(entry.get_fd(), path, entry.get_op_flags().cast_signed()) })
}

fn make_directory(entry: &Sqe) -> i32 {
    let path = entry.get_address().cast::<c_char>();
    // SAFETY: PC1.
    told(unsafe { libc::mkdirat(entry.get_fd(), path, entry.get_length() as mode_t) })
}

fn make_symbolic_link(entry: &Sqe) -> i32 {
    let (target, path) = (entry.get_address(), entry.get_address2());
    // SAFETY: PC1.
    told(unsafe { libc::symlinkat(target.cast(), entry.get_fd(), path.cast()) })
}

fn make_link(entry: &Sqe) -> i32 {
    let (old, new) = (entry.get_address().cast(), entry.get_address2().cast());
    let new_directory = entry.get_length().cast_signed();
    let flags = entry.get_op_flags().cast_signed();
    // SAFETY: PC1.
    told(unsafe { libc::linkat(entry.get_fd(), old, new_directory, new, flags) })
}

fn set_attribute(entry: &Sqe) -> i32 {
    let (name, value) = (entry.get_address().cast::<c_char>(), entry.get_address2());
    let path = entry.get_address3().cast::<c_char>();
    let (length, flags) = (entry.get_length() as usize, entry.get_op_flags().cast_signed());
    // SAFETY: PC1.
    told(unsafe { libc::setxattr(path, name, value, length, flags) })
}

fn get_attribute(entry: &Sqe) -> i32 {
    let (name, value) = (entry.get_address().cast::<c_char>(), entry.get_address2());
    let path = entry.get_address3().cast::<c_char>();
    // SAFETY: PC1.
    let got = unsafe { libc::getxattr(path, name, value, entry.get_length() as usize) };
    told(got as i64)
}
