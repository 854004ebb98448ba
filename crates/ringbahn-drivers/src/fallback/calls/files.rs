//! What is done to an open file or to memory: `FSYNC`, `SYNC_FILE_RANGE`, `FALLOCATE`, `FTRUNCATE`,
//! `FADVISE`, `MADVISE`, `FSETXATTR`, `FGETXATTR`.
//!
//! # Safety
//!
//! FC1. The entry's addresses are those that its opcode asks for, valid until the terminal CQE
//!     (`S1` of `ringbahn_core::Sqe`). The calls have ended when they return.
//!
//! FC2. A call that takes no address touches no memory of the process.
#![allow(unsafe_code)]

use libc::{c_char, off_t};
use ringbahn_core::{Sqe, opcode};

use super::told;
use crate::fallback::opcodes::*;
use crate::fallback::pool::Class;
use crate::fallback::work::Step;

const FSYNC_DATASYNC: u32 = 1;

/// Makes the call of an entry, on a thread that may block.
pub(super) fn call(entry: &Sqe, may_block: bool) -> Step {
    if !may_block {
        return Step::Block(Class::Files);
    }
    let result = match entry.opcode() {
        opcode::FSYNC => sync(entry),
        SYNC_FILE_RANGE => sync_range(entry),
        FALLOCATE => allocate(entry),
        opcode::FTRUNCATE => truncate(entry),
        FADVISE => advise_file(entry),
        MADVISE => advise_memory(entry),
        FSETXATTR => set_attribute(entry),
        FGETXATTR => get_attribute(entry),
        _ => -libc::EINVAL,
    };
    Step::Done(result)
}

/// Makes a descriptor for the file of a slot, in whose place the entry has one already.
pub(super) fn install(entry: &Sqe) -> Step {
    if entry.flags() & FLAG_FIXED_FILE == 0 {
        return Step::failed(libc::EBADF);
    }
    let is_passed_on = entry.get_op_flags() & INSTALL_NO_CLOEXEC != 0;
    let how = if is_passed_on { libc::F_DUPFD } else { libc::F_DUPFD_CLOEXEC };
    // SAFETY: FC2.
    Step::Done(told(unsafe { libc::fcntl(entry.get_fd(), how, 0) }))
}

fn sync(entry: &Sqe) -> i32 {
    let fd = entry.get_fd();
    match entry.get_op_flags() {
        // SAFETY: FC2.
        0 => told(unsafe { libc::fsync(fd) }),
        // SAFETY: FC2.
        FSYNC_DATASYNC => told(unsafe { libc::fdatasync(fd) }),
        _ => -libc::EINVAL,
    }
}

fn sync_range(entry: &Sqe) -> i32 {
    let (offset, length) = (entry.get_offset() as off_t, off_t::from(entry.get_length()));
    let flags = entry.get_op_flags();
    // SAFETY: FC2.
    told(unsafe { libc::sync_file_range(entry.get_fd(), offset, length, flags) })
}

fn allocate(entry: &Sqe) -> i32 {
    let (offset, length) = (entry.get_offset() as off_t, entry.get_address_number() as off_t);
    let mode = entry.get_length().cast_signed();
    // SAFETY: FC2.
    told(unsafe { libc::fallocate(entry.get_fd(), mode, offset, length) })
}

fn truncate(entry: &Sqe) -> i32 {
    // SAFETY: FC2.
    told(unsafe { libc::ftruncate(entry.get_fd(), entry.get_offset() as off_t) })
}

fn advise_file(entry: &Sqe) -> i32 {
    let offset = entry.get_offset() as off_t;
    let length = match entry.get_address_number() {
        0 => u64::from(entry.get_length()),
        length => length,
    };
    let advice = entry.get_op_flags().cast_signed();
    // SAFETY: FC2. It returns its error, and leaves `errno` alone.
    -unsafe { libc::posix_fadvise(entry.get_fd(), offset, length as off_t, advice) }
}

fn advise_memory(entry: &Sqe) -> i32 {
    let length = match entry.get_offset() {
        0 => u64::from(entry.get_length()),
        length => length,
    };
    let advice = entry.get_op_flags().cast_signed();
    // SAFETY: FC1; the entry names memory of its own, for which the advice is meant.
    told(unsafe { libc::madvise(entry.get_address(), length as usize, advice) })
}

fn set_attribute(entry: &Sqe) -> i32 {
    let (name, value) = (entry.get_address().cast::<c_char>(), entry.get_address2());
    let (length, flags) = (entry.get_length() as usize, entry.get_op_flags().cast_signed());
    // SAFETY: FC1.
    told(unsafe { libc::fsetxattr(entry.get_fd(), name, value, length, flags) })
}

fn get_attribute(entry: &Sqe) -> i32 {
    let (name, value) = (entry.get_address().cast::<c_char>(), entry.get_address2());
    // SAFETY: FC1.
    let got = unsafe { libc::fgetxattr(entry.get_fd(), name, value, entry.get_length() as usize) };
    told(got as i64)
}
