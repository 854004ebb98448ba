//! The operations, and which of them the kernel knows.

use super::capability::{Capability, Standing};
use super::listing::Listing;
use super::listing::Usage::{Required, Unused, Used};
use crate::Probe;

/// The operations of io_uring, by opcode.
pub const OPCODES: &[Listing] = &[
    Listing::new(0, "NOP", (5, 1), Required, "does nothing; how a ring is tried"),
    Listing::new(1, "READV", (5, 1), Used, "vectored reads"),
    Listing::new(2, "WRITEV", (5, 1), Used, "vectored writes"),
    Listing::new(3, "FSYNC", (5, 1), Used, "files to the disk"),
    Listing::new(4, "READ_FIXED", (5, 1), Unused, "reads into registered buffers"),
    Listing::new(5, "WRITE_FIXED", (5, 1), Unused, "writes from registered buffers"),
    Listing::new(6, "POLL_ADD", (5, 1), Used, "readiness of a file"),
    Listing::new(7, "POLL_REMOVE", (5, 1), Used, "ends or changes a poll"),
    Listing::new(8, "SYNC_FILE_RANGE", (5, 2), Used, "a part of a file to the disk"),
    Listing::new(9, "SENDMSG", (5, 3), Used, "messages with an address or control data, sent"),
    Listing::new(10, "RECVMSG", (5, 3), Used, "messages with an address or control data, received"),
    Listing::new(11, "TIMEOUT", (5, 4), Used, "timers"),
    Listing::new(12, "TIMEOUT_REMOVE", (5, 5), Used, "ends or changes a timer"),
    Listing::new(13, "ACCEPT", (5, 5), Used, "connections, accepted"),
    Listing::new(14, "ASYNC_CANCEL", (5, 5), Required, "ends an operation in flight"),
    Listing::new(15, "LINK_TIMEOUT", (5, 5), Used, "a time limit for the operation before it"),
    Listing::new(16, "CONNECT", (5, 5), Used, "connections, made"),
    Listing::new(17, "FALLOCATE", (5, 6), Used, "space for a file"),
    Listing::new(18, "OPENAT", (5, 6), Used, "files, opened"),
    Listing::new(19, "CLOSE", (5, 6), Used, "descriptors, closed"),
    Listing::new(20, "FILES_UPDATE", (5, 6), Used, "changes the registered files"),
    Listing::new(21, "STATX", (5, 6), Used, "metadata of files"),
    Listing::new(22, "READ", (5, 6), Used, "reads"),
    Listing::new(23, "WRITE", (5, 6), Used, "writes"),
    Listing::new(24, "FADVISE", (5, 6), Used, "how a file will be used"),
    Listing::new(25, "MADVISE", (5, 6), Used, "how memory will be used"),
    Listing::new(26, "SEND", (5, 6), Used, "data, sent"),
    Listing::new(27, "RECV", (5, 6), Used, "data, received"),
    Listing::new(28, "OPENAT2", (5, 6), Used, "files, opened below a directory"),
    Listing::new(29, "EPOLL_CTL", (5, 6), Used, "changes an epoll set"),
    Listing::new(30, "SPLICE", (5, 7), Used, "moves data between a pipe and a file"),
    Listing::new(31, "PROVIDE_BUFFERS", (5, 7), Used, "buffers for receives to choose from"),
    Listing::new(32, "REMOVE_BUFFERS", (5, 7), Used, "takes such buffers back"),
    Listing::new(33, "TEE", (5, 8), Used, "copies data between pipes"),
    Listing::new(34, "SHUTDOWN", (5, 11), Used, "ends one direction of a connection"),
    Listing::new(35, "RENAMEAT", (5, 11), Used, "renames files"),
    Listing::new(36, "UNLINKAT", (5, 11), Used, "removes files"),
    Listing::new(37, "MKDIRAT", (5, 15), Used, "makes directories"),
    Listing::new(38, "SYMLINKAT", (5, 15), Used, "makes symbolic links"),
    Listing::new(39, "LINKAT", (5, 15), Used, "makes hard links"),
    Listing::new(40, "MSG_RING", (5, 18), Used, "messages from ring to ring"),
    Listing::new(41, "FSETXATTR", (5, 19), Used, "sets an attribute of an open file"),
    Listing::new(42, "SETXATTR", (5, 19), Used, "sets an attribute of a file"),
    Listing::new(43, "FGETXATTR", (5, 19), Used, "reads an attribute of an open file"),
    Listing::new(44, "GETXATTR", (5, 19), Used, "reads an attribute of a file"),
    Listing::new(45, "SOCKET", (5, 19), Used, "sockets, made"),
    Listing::new(46, "URING_CMD", (5, 19), Used, "commands of devices and options of sockets"),
    Listing::new(47, "SEND_ZC", (6, 0), Used, "data, sent without a copy"),
    Listing::new(48, "SENDMSG_ZC", (6, 1), Used, "messages, sent without a copy"),
    Listing::new(49, "READ_MULTISHOT", (6, 7), Used, "one read that completes many times"),
    Listing::new(50, "WAITID", (6, 7), Used, "the end of a process"),
    Listing::new(51, "FUTEX_WAIT", (6, 7), Used, "waits for a futex"),
    Listing::new(52, "FUTEX_WAKE", (6, 7), Used, "wakes those who wait for a futex"),
    Listing::new(53, "FUTEX_WAITV", (6, 7), Used, "waits for one of several futexes"),
    Listing::new(54, "FIXED_FD_INSTALL", (6, 8), Used, "a descriptor for a registered file"),
    Listing::new(55, "FTRUNCATE", (6, 9), Used, "the length of a file"),
    Listing::new(56, "BIND", (6, 11), Used, "the address of a socket"),
    Listing::new(57, "LISTEN", (6, 11), Used, "makes a socket a listener"),
    Listing::new(58, "RECV_ZC", (6, 15), Used, "data, received without a copy")
        .needs("a network card that can, and ZCRX_IFQ"),
    Listing::new(59, "EPOLL_WAIT", (6, 15), Used, "the events of an epoll set"),
    Listing::new(60, "READV_FIXED", (6, 15), Unused, "vectored reads into registered buffers"),
    Listing::new(61, "WRITEV_FIXED", (6, 15), Unused, "vectored writes from registered buffers"),
    Listing::new(62, "PIPE", (6, 16), Used, "makes pipes"),
    Listing::new(63, "NOP128", (6, 19), Unused, "does nothing, in an entry of 128 bytes")
        .needs("the setup flag SQE128 or SQE_MIXED"),
    Listing::new(
        64,
        "URING_CMD128",
        (6, 19),
        Unused,
        "commands of devices, in an entry of 128 bytes",
    )
    .needs("the setup flag SQE128 or SQE_MIXED"),
];

/// What a probe says.
pub(super) fn survey(probe: &Probe) -> Vec<Capability> {
    let of_opcode = |listing: &Listing| {
        let known = u8::try_from(listing.number).is_ok_and(|opcode| probe.supports(opcode));
        Capability::new(listing, Standing::of_answer(known))
    };
    let mut opcodes: Vec<_> = OPCODES.iter().map(of_opcode).collect();
    let beyond = (0..=u8::MAX).skip(OPCODES.len()).filter(|&opcode| probe.supports(opcode));
    opcodes.extend(beyond.map(|opcode| super::beyond(u32::from(opcode))));
    opcodes
}

/// The operations that nobody could tell anything about, and why.
pub(super) fn untested(errno: Option<i32>) -> Vec<Capability> {
    super::all(OPCODES, Standing::Untested(errno))
}

#[cfg(test)]
mod tests {
    use ringbahn_core::event::EVENTS;

    use super::*;

    #[test]
    fn the_table_uses_what_the_events_use_and_agrees_about_the_versions() {
        for listing in OPCODES {
            let events =
                EVENTS.iter().filter(|event| event.opcode.map(u32::from) == Some(listing.number));
            // Of several events with one opcode, some need a flag that came later.
            let first = events.map(|event| event.since).min();
            // No driver's ring has entries of 128 bytes, so nobody misses what takes them.
            let is_used = listing.usage != Unused || listing.needs.contains("SQE128");
            assert_eq!(is_used, first.is_some(), "{}", listing.name);
            let since = listing.since.expect("the table has a version for each");
            let agrees = |(major, minor): (u8, u8)| {
                (u16::from(major), u16::from(minor)) == (since.major, since.minor)
            };
            // Its one event which came with it is about slots; that the kernel chooses came later.
            let is_late = listing.name == "FILES_UPDATE" && first == Some((5, 19));
            assert!(is_late || first.is_none_or(agrees), "{}", listing.name);
        }
    }
}
