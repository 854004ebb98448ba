//! Which results break a chain.
//!
//! As Linux 6.18 does it. Some operations that fail do not break a soft link, since the kernel
//! never marks them as failed: those on names, `FSYNC`, `FTRUNCATE`, `FALLOCATE`, `SHUTDOWN`,
//! extended attributes. What keeps them from being started at all does, such as a bad descriptor.

use ringbahn_core::opcode;

use super::calls::is_open;
use super::opcodes::*;
use super::work::Work;

/// Whether the entries linked to one with this result are cancelled.
pub(super) fn breaks(work: &Work, result: i32) -> bool {
    let entry = &work.entry;
    if entry.flags() & FLAG_HARDLINK != 0 {
        return false;
    }
    let no_file = || result == -libc::EBADF && !is_open(entry.get_fd());
    match (entry.opcode(), u32::try_from(result)) {
        (_, Ok(result)) => (result as usize) < work.wanted,
        (opcode::SHUTDOWN, Err(_)) => result == -libc::ENOTSOCK || no_file(),
        (opcode::FSYNC | opcode::FTRUNCATE | FALLOCATE | SYNC_FILE_RANGE, Err(_)) => no_file(),
        (FSETXATTR | FGETXATTR, Err(_)) => no_file(),
        (opcode::STATX | RENAMEAT | UNLINKAT | MKDIRAT | SYMLINKAT | LINKAT, Err(_)) => false,
        (MADVISE | SETXATTR | GETXATTR, Err(_)) => false,
        (opcode::TIMEOUT, Err(_)) => {
            let is_success = entry.get_op_flags() & TIMEOUT_ETIME_SUCCESS != 0;
            result != -libc::ETIME || !is_success
        }
        (_, Err(_)) => true,
    }
}
