//! What entries ask for, as system calls.
//!
//! Each attempt says what is to come of it. One that must not wait uses the flags of its call
//! (`RWF_NOWAIT`, `MSG_DONTWAIT`), or leaves the call to a thread of the pool, which makes the
//! attempt that may block.

use ringbahn_core::{Sqe, opcode};

use super::epoll::last_errno;
use super::groups::Groups;
use super::opcodes::*;
use super::work::{Step, Work};

mod children;
mod chosen;
mod commands;
mod connect;
mod files;
mod futexes;
mod paths;
mod pipes;
mod poll;
mod sockets;
mod transfers;
mod vectors;

pub(super) use chosen::shot_wait;
pub(super) use poll::{interest, is_ready};
pub(super) use transfers::is_open;

/// Makes an attempt at an entry. Where `may_block` is not set it waits for nothing.
pub(super) fn perform(work: &mut Work, may_block: bool, groups: &Groups) -> Step {
    let entry = &work.entry;
    let code = entry.opcode();
    if code == opcode::NOP {
        return do_nothing(entry);
    }
    if entry.flags() & FLAG_BUFFER_SELECT != 0 {
        return chosen::attempt(work, may_block, groups);
    }
    match code {
        opcode::READ | opcode::READ_FIXED | opcode::READV => transfers::read(work, may_block),
        opcode::WRITE | opcode::WRITE_FIXED | opcode::WRITEV => transfers::write(work, may_block),
        opcode::FSYNC
        | SYNC_FILE_RANGE
        | FALLOCATE
        | opcode::FTRUNCATE
        | FADVISE
        | MADVISE
        | FSETXATTR
        | FGETXATTR => files::call(entry, may_block),
        opcode::FIXED_FD_INSTALL => files::install(entry),
        opcode::OPENAT | OPENAT2 => paths::open(entry, may_block),
        opcode::CLOSE => paths::close(entry, may_block),
        opcode::STATX
        | RENAMEAT
        | UNLINKAT
        | MKDIRAT
        | SYMLINKAT
        | LINKAT
        | SETXATTR
        | GETXATTR => paths::call(entry, may_block),
        opcode::POLL_ADD => poll::add(entry),
        EPOLL_CTL => poll::change_set(entry),
        EPOLL_WAIT => poll::wait_for_set(entry),
        opcode::SEND | opcode::SEND_ZC => sockets::send(work, may_block),
        opcode::SENDMSG | SENDMSG_ZC => sockets::send_message(work, may_block),
        opcode::RECV => sockets::receive(work, may_block),
        opcode::RECVMSG => sockets::receive_message(work, may_block),
        opcode::ACCEPT => sockets::accept(entry, may_block),
        opcode::CONNECT => connect::connect(work, may_block),
        opcode::SOCKET => sockets::socket(entry),
        opcode::SHUTDOWN => sockets::shutdown(entry),
        BIND => sockets::bind(entry),
        LISTEN => sockets::listen(entry),
        SPLICE => pipes::splice(work, may_block),
        TEE => pipes::tee(work, may_block),
        PIPE => pipes::pipe(entry),
        opcode::URING_CMD => commands::command(entry),
        opcode::WAITID => children::wait(work, may_block),
        opcode::FUTEX_WAIT | opcode::FUTEX_WAITV => futexes::wait(work, may_block),
        opcode::FUTEX_WAKE => futexes::wake(entry),
        _ => Step::failed(libc::EINVAL),
    }
}

/// Answers as is asked for, to a file that is open or to none.
fn do_nothing(entry: &Sqe) -> Step {
    let flags = entry.get_op_flags();
    if flags & NOP_FILE != 0 && (flags & NOP_FIXED_FILE != 0 || !is_open(entry.get_fd())) {
        return Step::failed(libc::EBADF);
    }
    let answers = flags & NOP_INJECT_RESULT != 0;
    Step::Done(if answers { entry.get_length().cast_signed() } else { 0 })
}

/// What a CQE says of a system call that has returned this.
fn told(returned: impl Into<i64>) -> i32 {
    let returned = returned.into();
    if returned < 0 { -last_errno() } else { i32::try_from(returned).unwrap_or(i32::MAX) }
}
