//! The flags of `io_uring_setup`, and a ring made with each.

use std::fs;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use super::attempts::patiently;
use super::capability::{Capability, Standing};
use super::listing::Usage::{Offered, Unused, Used};
use super::listing::{Listing, Usage};
use crate::sys::setup::setup;
use crate::sys::setup_trial::setup_in_own_memory;
use crate::sys::uapi::{
    Params, SETUP_ATTACH_WQ, SETUP_COOP_TASKRUN, SETUP_CQSIZE, SETUP_DEFER_TASKRUN,
    SETUP_HYBRID_IOPOLL, SETUP_IOPOLL, SETUP_NO_MMAP, SETUP_NO_SQARRAY, SETUP_REGISTERED_FD_ONLY,
    SETUP_SINGLE_ISSUER, SETUP_SQ_AFF, SETUP_SQ_REWIND, SETUP_SQPOLL, SETUP_TASKRUN_FLAG,
};

const fn flag(
    number: u32,
    name: &'static str,
    since: (u16, u16),
    usage: Usage,
    purpose: &'static str,
) -> Listing {
    Listing::new(number, name, since, usage, purpose)
}

/// The flags of `io_uring_setup`, by bit.
pub const SETUP_FLAGS: &[Listing] = &[
    flag(0, "IOPOLL", (5, 1), Offered, "completions by polling the device")
        .needs("a device and a file system that can be polled, and O_DIRECT"),
    flag(
        1,
        "SQPOLL",
        (5, 1),
        Offered,
        "submission by a thread of the kernel, without a system call",
    )
    .needs("CAP_SYS_ADMIN or CAP_SYS_NICE before Linux 5.11"),
    flag(2, "SQ_AFF", (5, 1), Offered, "binds the thread of SQPOLL to a CPU"),
    flag(3, "CQSIZE", (5, 5), Used, "a completion queue of a size of its own"),
    flag(4, "CLAMP", (5, 6), Used, "sizes beyond the maximum become the maximum"),
    flag(5, "ATTACH_WQ", (5, 6), Offered, "shares the thread of SQPOLL with another ring"),
    flag(6, "R_DISABLED", (5, 10), Used, "a ring that is made on one thread for another"),
    flag(7, "SUBMIT_ALL", (5, 18), Used, "a bad entry does not hold up those behind it"),
    flag(8, "COOP_TASKRUN", (5, 19), Used, "completions without interrupting the submitter"),
    flag(9, "TASKRUN_FLAG", (5, 19), Used, "shows that completions wait for the submitter"),
    flag(10, "SQE128", (5, 19), Unused, "entries of 128 bytes, for commands of devices"),
    flag(
        11,
        "CQE32",
        (5, 19),
        Offered,
        "CQEs of 32 bytes, for receives without a copy and commands of devices",
    ),
    flag(12, "SINGLE_ISSUER", (6, 0), Used, "a ring that one thread submits to, for less locking"),
    flag(13, "DEFER_TASKRUN", (6, 1), Used, "completions when the one submitter asks for them"),
    flag(14, "NO_MMAP", (6, 5), Offered, "a ring in memory that the program brings"),
    flag(15, "REGISTERED_FD_ONLY", (6, 5), Unused, "a ring without a descriptor"),
    flag(16, "NO_SQARRAY", (6, 6), Used, "a submission queue without an array of indices"),
    flag(17, "HYBRID_IOPOLL", (6, 13), Offered, "IOPOLL that sleeps for a while first")
        .needs("a device and a file system that can be polled, and O_DIRECT"),
    flag(18, "CQE_MIXED", (6, 18), Offered, "CQEs of 16 and of 32 bytes in one queue"),
    flag(19, "SQE_MIXED", (6, 19), Unused, "entries of 64 and of 128 bytes in one queue"),
    flag(20, "SQ_REWIND", (7, 0), Unused, "a submission queue that begins at its start each time"),
];

/// Makes a ring with each flag, and with what the flag needs to be accepted. `base` is a ring to
/// attach to, and `known` the flags that the kernel has, where it says.
pub(super) fn survey(base: BorrowedFd<'_>, known: Option<u64>) -> Vec<Capability> {
    let of_flag = |listing: &Listing| {
        let flag = 1 << listing.number;
        let known = known.map(|known| known & u64::from(flag) != 0);
        Capability::new(listing, Standing::of_trial(&patiently(|| attempt(flag, base)), known))
    };
    let mut flags: Vec<_> = SETUP_FLAGS.iter().map(of_flag).collect();
    flags.extend(super::nameless(SETUP_FLAGS, known));
    flags
}

/// The flags that nobody could tell anything about.
pub(super) fn untested() -> Vec<Capability> {
    super::all(SETUP_FLAGS, Standing::Untested(None))
}

/// Makes a ring of one entry with `flag`.
fn attempt(flag: u32, base: BorrowedFd<'_>) -> io::Result<()> {
    let flags = flag | companions(flag);
    if flags & SETUP_NO_MMAP != 0 {
        return setup_in_own_memory(flags);
    }
    let mut params = Params { flags, ..Params::default() };
    match flag {
        SETUP_CQSIZE => params.cq_entries = 8,
        SETUP_SQ_AFF => params.sq_thread_cpu = allowed_cpu(),
        SETUP_ATTACH_WQ => params.wq_fd = base.as_fd().as_raw_fd() as u32,
        _ => {}
    }
    setup(1, &mut params).map(drop)
}

/// The flags without which the kernel refuses `flag`.
fn companions(flag: u32) -> u32 {
    match flag {
        SETUP_SQ_AFF => SETUP_SQPOLL,
        SETUP_TASKRUN_FLAG => SETUP_COOP_TASKRUN,
        SETUP_DEFER_TASKRUN => SETUP_SINGLE_ISSUER,
        SETUP_REGISTERED_FD_ONLY => SETUP_NO_MMAP,
        SETUP_HYBRID_IOPOLL => SETUP_IOPOLL,
        SETUP_SQ_REWIND => SETUP_NO_SQARRAY,
        _ => 0,
    }
}

/// The first CPU that this thread may run on; 0 where that cannot be told.
fn allowed_cpu() -> u32 {
    let status = fs::read_to_string("/proc/thread-self/status").unwrap_or_default();
    let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
    let first = list.and_then(|list| list.trim().split([',', '-']).next()?.parse().ok());
    first.unwrap_or_default()
}
