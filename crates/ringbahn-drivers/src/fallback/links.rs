//! Which results break a chain.
//!
//! As Linux 6.18 does it. Some operations that fail do not break a soft link, since the kernel
//! never marks them as failed: those on names, `FSYNC`, `FTRUNCATE`, `FALLOCATE`, `SHUTDOWN`,
//! extended attributes. What keeps them from being started at all does, such as a bad descriptor.

use ringbahn_core::{Sqe, opcode};

use super::opcodes::*;

/// Whether the entries linked to one with this result are cancelled.
pub(super) fn breaks(entry: &Sqe, result: i32) -> bool {
    if entry.flags() & FLAG_HARDLINK != 0 {
        return false;
    }
    let waits_for_all = entry.get_op_flags() & libc::MSG_WAITALL as u32 != 0;
    match entry.opcode() {
        opcode::READ | opcode::WRITE | SPLICE | TEE => {
            u32::try_from(result).ok() != Some(entry.get_length())
        }
        // How much was asked for is known to the call, which reports a short one as such.
        opcode::SEND | opcode::RECV | opcode::SEND_ZC if waits_for_all => {
            u32::try_from(result).ok() != Some(entry.get_length())
        }
        opcode::FSYNC | opcode::FTRUNCATE | opcode::SHUTDOWN | FALLOCATE | SYNC_FILE_RANGE => {
            result == -libc::EBADF
        }
        opcode::STATX
        | RENAMEAT
        | UNLINKAT
        | MKDIRAT
        | SYMLINKAT
        | LINKAT
        | MADVISE
        | SETXATTR
        | GETXATTR => false,
        FSETXATTR | FGETXATTR => result == -libc::EBADF,
        opcode::TIMEOUT => result < 0 && entry.get_op_flags() & TIMEOUT_ETIME_SUCCESS == 0,
        _ => result < 0,
    }
}
