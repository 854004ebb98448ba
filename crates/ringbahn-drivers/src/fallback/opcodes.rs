//! The kernel's numbers that entries are made of, beyond those that events need; and which entries
//! are refused at once.

use ringbahn_core::{Sqe, opcode};

use super::shots::is_multishot;
use super::slots::opens_into_slot;

macro_rules! numbers {
    ($type:ty: $($name:ident = $number:expr,)*) => {
        $(pub(super) const $name: $type = $number;)*
    };
}

numbers! { u8:
    POLL_REMOVE = 7,
    SYNC_FILE_RANGE = 8,
    TIMEOUT_REMOVE = 12,
    LINK_TIMEOUT = 15,
    FALLOCATE = 17,
    FADVISE = 24,
    MADVISE = 25,
    OPENAT2 = 28,
    EPOLL_CTL = 29,
    SPLICE = 30,
    TEE = 33,
    RENAMEAT = 35,
    UNLINKAT = 36,
    MKDIRAT = 37,
    SYMLINKAT = 38,
    LINKAT = 39,
    FSETXATTR = 41,
    SETXATTR = 42,
    FGETXATTR = 43,
    GETXATTR = 44,
    SENDMSG_ZC = 48,
    BIND = 56,
    LISTEN = 57,
    EPOLL_WAIT = 59,
    PIPE = 62,
}

// `IOSQE_*`.
numbers! { u8:
    FLAG_FIXED_FILE = 1 << 0,
    FLAG_DRAIN = 1 << 1,
    FLAG_LINK = 1 << 2,
    FLAG_HARDLINK = 1 << 3,
    FLAG_ASYNC = 1 << 4,
    FLAG_BUFFER_SELECT = 1 << 5,
    FLAG_SKIP_SUCCESS = 1 << 6,
    LINKS = FLAG_LINK | FLAG_HARDLINK,
}

// `IORING_TIMEOUT_*`, `IORING_ASYNC_CANCEL_*`, `IORING_POLL_*`, `IORING_NOP_*`, `IORING_CQE_F_*`.
numbers! { u32:
    POLL_UPDATE_EVENTS = 1 << 1,
    NOP_INJECT_RESULT = 1 << 0,
    NOP_FILE = 1 << 1,
    NOP_FIXED_FILE = 1 << 2,
    // Which thread does nothing is all the same here.
    NOP_DEFERRED = 1 << 4,
    TIMEOUT_ABS = 1 << 0,
    TIMEOUT_UPDATE = 1 << 1,
    TIMEOUT_BOOTTIME = 1 << 2,
    TIMEOUT_REALTIME = 1 << 3,
    TIMEOUT_LINK_UPDATE = 1 << 4,
    TIMEOUT_ETIME_SUCCESS = 1 << 5,
    TIMEOUT_MULTISHOT = 1 << 6,
    CANCEL_ALL = 1 << 0,
    CANCEL_FD = 1 << 1,
    CANCEL_ANY = 1 << 2,
    CANCEL_FD_FIXED = 1 << 3,
    CANCEL_USERDATA = 1 << 4,
    CANCEL_OP = 1 << 5,
    CANCELS = CANCEL_ALL
        | CANCEL_FD
        | CANCEL_ANY
        | CANCEL_FD_FIXED
        | CANCEL_USERDATA
        | CANCEL_OP,
    // A timeout keeps its clock.
    UPDATES = TIMEOUT_UPDATE | TIMEOUT_LINK_UPDATE | TIMEOUT_ABS,
    // `SPLICE_F_FD_IN_FIXED`: the first descriptor is a registered one.
    SPLICE_FD_IN_FIXED = 1 << 31,
    // `IORING_POLL_ADD_MULTI`, in the word of the length.
    POLL_MULTISHOT = 1 << 0,
    // `IORING_FILE_INDEX_ALLOC`: a slot is chosen.
    ANY_SLOT = u32::MAX,
    // `IORING_FIXED_FD_NO_CLOEXEC`
    INSTALL_NO_CLOEXEC = 1 << 0,
    CQE_BUFFER = 1 << 0,
    CQE_BUFFER_SHIFT = 16,
    CQE_MORE = 1 << 1,
    CQE_NOTIFICATION = 1 << 3,
    // `IORING_NOTIF_USAGE_ZC_COPIED`
    NOTIFICATION_COPIED = 1 << 31,
}

// `IORING_RECVSEND_*` and `IORING_ACCEPT_*`, in the word of the priority.
numbers! { u16:
    POLL_FIRST = 1 << 0,
    RECV_MULTISHOT = 1 << 1,
    SEND_FIXED_BUFFER = 1 << 2,
    REPORT_USAGE = 1 << 3,
    ACCEPT_MULTISHOT = 1 << 0,
    ACCEPT_DONTWAIT = 1 << 1,
    ACCEPT_POLL_FIRST = 1 << 2,
}

/// The most buffers that a call takes (`UIO_MAXIOV`).
pub(super) const VECTORS_MAX: u32 = 1024;

/// The opcodes that the engine knows.
pub(super) const KNOWN: &[u8] = &[
    opcode::NOP,
    opcode::READV,
    opcode::WRITEV,
    opcode::FSYNC,
    opcode::READ_FIXED,
    opcode::WRITE_FIXED,
    opcode::POLL_ADD,
    POLL_REMOVE,
    SYNC_FILE_RANGE,
    opcode::SENDMSG,
    opcode::RECVMSG,
    opcode::TIMEOUT,
    TIMEOUT_REMOVE,
    opcode::ACCEPT,
    opcode::ASYNC_CANCEL,
    LINK_TIMEOUT,
    opcode::CONNECT,
    FALLOCATE,
    opcode::OPENAT,
    opcode::CLOSE,
    opcode::STATX,
    opcode::READ,
    opcode::WRITE,
    FADVISE,
    MADVISE,
    opcode::SEND,
    opcode::RECV,
    OPENAT2,
    EPOLL_CTL,
    SPLICE,
    TEE,
    opcode::SHUTDOWN,
    RENAMEAT,
    UNLINKAT,
    MKDIRAT,
    SYMLINKAT,
    LINKAT,
    FSETXATTR,
    SETXATTR,
    FGETXATTR,
    GETXATTR,
    opcode::SOCKET,
    opcode::SEND_ZC,
    SENDMSG_ZC,
    opcode::READ_MULTISHOT,
    opcode::FIXED_FD_INSTALL,
    opcode::FTRUNCATE,
    BIND,
    LISTEN,
    EPOLL_WAIT,
    PIPE,
    opcode::URING_CMD,
    opcode::WAITID,
    opcode::FUTEX_WAIT,
    opcode::FUTEX_WAKE,
    opcode::FUTEX_WAITV,
];

/// What an engine cannot do by its nature: operations on what is registered with a ring, and on
/// other rings. They are refused as unsupported, and not as unknown.
const OF_RINGS: &[u8] =
    &[opcode::FILES_UPDATE, opcode::PROVIDE_BUFFERS, opcode::REMOVE_BUFFERS, opcode::MSG_RING];

/// The `errno` with which an entry is refused before anything of its chain is executed, or 0.
/// `before` is the opcode of the one before it in its chain.
pub(super) fn refusal(entry: &Sqe, before: Option<u8>) -> i32 {
    const KNOWN_FLAGS: u8 = FLAG_SKIP_SUCCESS | (FLAG_SKIP_SUCCESS - 1);
    let code = entry.opcode();
    if OF_RINGS.contains(&code) {
        return libc::EOPNOTSUPP;
    }
    if !KNOWN.contains(&code) || entry.flags() & !KNOWN_FLAGS != 0 {
        return libc::EINVAL;
    }
    let selects = entry.flags() & FLAG_BUFFER_SELECT != 0;
    let multishot = is_multishot(entry);
    let may_select = match code {
        opcode::READ | opcode::READ_MULTISHOT | opcode::RECV => true,
        // Of one message the buffers are its own.
        opcode::RECVMSG => multishot,
        _ => false,
    };
    if selects && !may_select {
        return libc::EOPNOTSUPP;
    }
    let takes_priority = match code {
        opcode::SEND | opcode::SENDMSG => POLL_FIRST,
        opcode::RECV | opcode::RECVMSG => POLL_FIRST | RECV_MULTISHOT,
        opcode::SEND_ZC => POLL_FIRST | SEND_FIXED_BUFFER | REPORT_USAGE,
        SENDMSG_ZC => POLL_FIRST | REPORT_USAGE,
        opcode::ACCEPT => ACCEPT_MULTISHOT | ACCEPT_DONTWAIT | ACCEPT_POLL_FIRST,
        // A priority of the disk, which there is nobody to tell of.
        opcode::READ | opcode::WRITE | opcode::READV | opcode::WRITEV => u16::MAX,
        opcode::READ_FIXED | opcode::WRITE_FIXED | opcode::READ_MULTISHOT => u16::MAX,
        _ => 0,
    };
    if entry.get_ioprio() & !takes_priority != 0 {
        return libc::EINVAL;
    }
    match code {
        LINK_TIMEOUT if before.is_none_or(|before| before == LINK_TIMEOUT) => libc::EINVAL,
        opcode::TIMEOUT | LINK_TIMEOUT => super::timeouts::refusal(entry),
        opcode::READV | opcode::WRITEV if entry.get_length() > VECTORS_MAX => libc::EINVAL,
        opcode::READ | opcode::READV | opcode::WRITE | opcode::WRITEV => 0,
        // The buffers are where their addresses are.
        opcode::READ_FIXED | opcode::WRITE_FIXED => 0,
        opcode::SEND_ZC if entry.get_ioprio() & SEND_FIXED_BUFFER != 0 => 0,
        // What comes in pieces needs a buffer for each, and waits for no whole.
        opcode::READ_MULTISHOT if !selects => libc::EINVAL,
        opcode::RECV | opcode::RECVMSG if multishot && (!selects || waits_for_all(entry)) => {
            libc::EINVAL
        }
        _ if entry.get_buffer_index() != 0 && !selects => libc::EINVAL,
        _ if has_unknown_flags(entry) => libc::EINVAL,
        // A slot is chosen for what is opened, and named by nobody.
        _ if opens_into_slot(entry) => 0,
        opcode::OPENAT | OPENAT2 | opcode::ACCEPT | opcode::SOCKET | opcode::CLOSE | PIPE
            if entry.get_file_index() != 0 =>
        {
            libc::ENXIO
        }
        _ => 0,
    }
}

/// Whether a receive is to end only when it has all that it asks for.
fn waits_for_all(entry: &Sqe) -> bool {
    entry.get_op_flags().cast_signed() & libc::MSG_WAITALL != 0
}

/// Whether the entry asks its opcode for something that this does not know.
fn has_unknown_flags(entry: &Sqe) -> bool {
    const FSYNC_DATASYNC: u32 = 1;
    const SPLICES: u32 = 0xf | SPLICE_FD_IN_FIXED;
    const O_NOTIFICATION_PIPE: i32 = libc::O_EXCL;
    let flags = entry.get_op_flags();
    let beyond = |known: u32| flags & !known != 0;
    let beyond_of_c = |known: i32| beyond(known.cast_unsigned());
    let addresses = entry.get_offset() | entry.get_address_number();
    match entry.opcode() {
        opcode::NOP => beyond(NOP_INJECT_RESULT | NOP_FILE | NOP_FIXED_FILE | NOP_DEFERRED),
        opcode::SOCKET | opcode::CLOSE | opcode::URING_CMD => beyond(0),
        opcode::WAITID => beyond(0) || entry.get_address_number() != 0,
        opcode::FUTEX_WAIT | opcode::FUTEX_WAKE => {
            beyond(0) || entry.get_length() != 0 || entry.get_file_index() != 0
        }
        opcode::FUTEX_WAITV => {
            let others = entry.get_fd() != 0 || entry.get_offset() != 0;
            beyond(0) || others || entry.get_file_index() != 0
        }
        opcode::FSYNC => beyond(FSYNC_DATASYNC),
        opcode::FIXED_FD_INSTALL => beyond(INSTALL_NO_CLOEXEC),
        opcode::ACCEPT => beyond_of_c(libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK),
        // What tells again and again is to be heard.
        opcode::POLL_ADD => {
            let unheard = is_multishot(entry) && entry.flags() & FLAG_SKIP_SUCCESS != 0;
            entry.get_length() & !POLL_MULTISHOT != 0 || addresses != 0 || unheard
        }
        POLL_REMOVE if entry.get_length() == POLL_UPDATE_EVENTS => entry.get_offset() != 0,
        POLL_REMOVE => beyond(0) || entry.get_length() != 0 || entry.get_offset() != 0,
        SPLICE => beyond(SPLICES),
        TEE => beyond(SPLICES) || addresses != 0,
        PIPE => {
            beyond_of_c(libc::O_CLOEXEC | libc::O_NONBLOCK | libc::O_DIRECT | O_NOTIFICATION_PIPE)
        }
        opcode::SHUTDOWN => beyond(0) || addresses != 0,
        opcode::ASYNC_CANCEL => {
            let by_other = flags & (CANCEL_FD | CANCEL_OP) != 0;
            let contradicts = flags & CANCEL_ANY != 0 && by_other;
            beyond(CANCELS) || contradicts || entry.get_offset() != 0
        }
        TIMEOUT_REMOVE => {
            let updates = flags & (TIMEOUT_UPDATE | TIMEOUT_LINK_UPDATE) != 0;
            entry.get_length() != 0 || beyond(if updates { UPDATES } else { 0 })
        }
        _ => false,
    }
}

#[cfg(all(test, not(loom)))]
pub(super) mod testing {
    #![allow(unsafe_code, reason = "entries with flags that no event sets")]

    use ringbahn_core::Sqe;

    /// The entry with other `IOSQE_*` flags.
    pub(in crate::fallback) fn with_flags(entry: Sqe, flags: u8) -> Sqe {
        // SAFETY: an entry is 64 bytes of the kernel's layout, of which any are valid.
        let mut bytes =
            unsafe { std::mem::transmute::<Sqe, [std::mem::MaybeUninit<u8>; 64]>(entry) };
        bytes[1].write(flags);
        // SAFETY: as above.
        unsafe { std::mem::transmute::<[std::mem::MaybeUninit<u8>; 64], Sqe>(bytes) }
    }
}
