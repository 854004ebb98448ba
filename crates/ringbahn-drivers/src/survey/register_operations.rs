//! The operations of `io_uring_register`, each tried.

use std::io;
use std::os::fd::OwnedFd;

use rustix::event::{EventfdFlags, eventfd};

use super::attempts::patiently;
use super::capability::{Capability, Standing};
use super::listing::Listing;
use super::listing::Usage::{Offered, Unused, Used};
use crate::sys::register_trial::{Rings, try_all};
use crate::sys::setup::setup;
use crate::sys::setup_trial::register_nothing;
use crate::sys::uapi::{
    Params, REGISTER_QUERY, SETUP_CQE32, SETUP_DEFER_TASKRUN, SETUP_R_DISABLED, SETUP_SINGLE_ISSUER,
};

/// The operations of `io_uring_register`, by number.
pub const REGISTER_OPERATIONS: &[Listing] = &[
    Listing::new(0, "REGISTER_BUFFERS", (5, 1), Unused, "buffers that stay pinned"),
    Listing::new(1, "UNREGISTER_BUFFERS", (5, 1), Unused, "takes them back"),
    Listing::new(2, "REGISTER_FILES", (5, 1), Unused, "files that operations name by index"),
    Listing::new(3, "UNREGISTER_FILES", (5, 1), Unused, "takes them back"),
    Listing::new(4, "REGISTER_EVENTFD", (5, 2), Used, "an eventfd that tells of completions"),
    Listing::new(5, "UNREGISTER_EVENTFD", (5, 2), Offered, "takes it back"),
    Listing::new(6, "REGISTER_FILES_UPDATE", (5, 5), Used, "changes the registered files"),
    Listing::new(
        7,
        "REGISTER_EVENTFD_ASYNC",
        (5, 6),
        Offered,
        "an eventfd that tells of late completions only",
    ),
    Listing::new(8, "REGISTER_PROBE", (5, 6), Used, "which operations the kernel knows"),
    Listing::new(
        9,
        "REGISTER_PERSONALITY",
        (5, 6),
        Offered,
        "credentials for operations to run with",
    ),
    Listing::new(10, "UNREGISTER_PERSONALITY", (5, 6), Offered, "takes them back"),
    Listing::new(11, "REGISTER_RESTRICTIONS", (5, 10), Offered, "limits what a ring may do"),
    Listing::new(12, "REGISTER_ENABLE_RINGS", (5, 10), Used, "starts a ring made with R_DISABLED"),
    Listing::new(13, "REGISTER_FILES2", (5, 13), Used, "files with tags"),
    Listing::new(14, "REGISTER_FILES_UPDATE2", (5, 13), Unused, "changes files with tags"),
    Listing::new(15, "REGISTER_BUFFERS2", (5, 13), Used, "buffers with tags"),
    Listing::new(16, "REGISTER_BUFFERS_UPDATE", (5, 13), Used, "changes buffers with tags"),
    Listing::new(17, "REGISTER_IOWQ_AFF", (5, 14), Offered, "binds worker threads to CPUs"),
    Listing::new(18, "UNREGISTER_IOWQ_AFF", (5, 14), Offered, "lets them go"),
    Listing::new(19, "REGISTER_IOWQ_MAX_WORKERS", (5, 15), Offered, "limits the worker threads"),
    Listing::new(20, "REGISTER_RING_FDS", (5, 18), Used, "rings that a thread enters by index"),
    Listing::new(21, "UNREGISTER_RING_FDS", (5, 18), Used, "takes them back"),
    Listing::new(
        22,
        "REGISTER_PBUF_RING",
        (5, 19),
        Used,
        "a ring of buffers for receives to choose from",
    ),
    Listing::new(23, "UNREGISTER_PBUF_RING", (5, 19), Used, "takes it back"),
    Listing::new(
        24,
        "REGISTER_SYNC_CANCEL",
        (6, 0),
        Offered,
        "ends an operation, and waits for its end",
    ),
    Listing::new(
        25,
        "REGISTER_FILE_ALLOC_RANGE",
        (6, 0),
        Offered,
        "where the kernel places new registered files",
    ),
    Listing::new(
        26,
        "REGISTER_PBUF_STATUS",
        (6, 8),
        Offered,
        "how far a ring of buffers has been used",
    ),
    Listing::new(27, "REGISTER_NAPI", (6, 9), Offered, "polls the network card while waiting")
        .needs("a kernel with CONFIG_NET_RX_BUSY_POLL"),
    Listing::new(28, "UNREGISTER_NAPI", (6, 9), Offered, "ends that")
        .needs("a kernel with CONFIG_NET_RX_BUSY_POLL"),
    Listing::new(29, "REGISTER_CLOCK", (6, 12), Offered, "the clock that waits are measured by"),
    Listing::new(
        30,
        "REGISTER_CLONE_BUFFERS",
        (6, 12),
        Offered,
        "shares registered buffers between rings",
    ),
    Listing::new(
        31,
        "REGISTER_SEND_MSG_RING",
        (6, 13),
        Unused,
        "a message to a ring from a thread that has none",
    ),
    Listing::new(
        32,
        "REGISTER_ZCRX_IFQ",
        (6, 15),
        Unused,
        "a queue of a network card, for receives without a copy",
    )
    .needs("CAP_NET_ADMIN, and a network card that can"),
    Listing::new(
        33,
        "REGISTER_RESIZE_RINGS",
        (6, 13),
        Offered,
        "changes the size of a ring in use",
    )
    .needs("a ring made with DEFER_TASKRUN"),
    Listing::new(
        34,
        "REGISTER_MEM_REGION",
        (6, 13),
        Offered,
        "memory shared with the kernel, for the arguments of waits",
    ),
    Listing::new(35, "REGISTER_QUERY", (6, 18), Used, "what the kernel knows, as counts and bits"),
    Listing::new(36, "REGISTER_ZCRX_CTRL", (6, 19), Unused, "controls a queue of a network card")
        .needs("a network card that can"),
    Listing::new(
        37,
        "REGISTER_BPF_FILTER",
        (7, 0),
        Unused,
        "a BPF program that decides which operations may run",
    ),
];

/// A number that no operation will have: the kernel uses the bits above for flags.
const IMPOSSIBLE: u32 = 0x7fff;

/// Tries each operation on rings made for it. `count` is how many the kernel says it has.
pub(super) fn survey(count: Option<u32>) -> Vec<Capability> {
    let rings = match rings() {
        Ok(rings) => rings,
        Err(error) => return untested(error.raw_os_error()),
    };
    let results = try_all(&rings);
    let queried = count.map(|_| (REGISTER_QUERY, Ok(0)));
    let results: Vec<_> = results.into_iter().chain(queried).collect();
    let tells = tells_by_number();
    let known = |number| match count {
        Some(count) => Some(number < count),
        None if tells => Some(knows(number)),
        None => None,
    };
    let of_operation = |listing: &Listing| {
        let number = listing.number;
        let trial = results.iter().find(|(tried, _)| *tried == number);
        let standing = match (trial, known(number)) {
            (Some((_, result)), known) => Standing::of_trial(result, known),
            (None, Some(known)) => Standing::of_answer(known),
            // Neither has this kernel been asked, nor could it have been: it is older than all
            // that have no trial.
            (None, None) => Standing::Missing,
        };
        Capability::new(listing, standing)
    };
    let mut operations: Vec<_> = REGISTER_OPERATIONS.iter().map(of_operation).collect();
    let beyond = REGISTER_OPERATIONS.len() as u32..count.unwrap_or_default();
    operations.extend(beyond.map(super::beyond));
    operations
}

/// The operations that nobody could tell anything about, and why.
pub(super) fn untested(errno: Option<i32>) -> Vec<Capability> {
    super::all(REGISTER_OPERATIONS, Standing::Untested(errno))
}

/// The operations, where the system call itself is not permitted.
pub(super) fn refused(errno: i32) -> Vec<Capability> {
    super::all(REGISTER_OPERATIONS, Standing::Refused(errno))
}

/// Whether this kernel looks at the number of an operation before it looks for the ring.
fn tells_by_number() -> bool {
    !knows(IMPOSSIBLE) && knows(0)
}

fn knows(number: u32) -> bool {
    let error = register_nothing(number).err();
    error.and_then(|error| error.raw_os_error()) == Some(libc::EBADF)
}

fn rings() -> io::Result<Rings> {
    let disabled = ring(SETUP_R_DISABLED).ok();
    let deferred = ring(SETUP_SINGLE_ISSUER | SETUP_DEFER_TASKRUN | SETUP_CQE32).ok();
    let eventfd = eventfd(0, EventfdFlags::CLOEXEC)?;
    Ok(Rings { plain: ring(0)?, other: ring(0)?, disabled, deferred, eventfd })
}

fn ring(flags: u32) -> io::Result<OwnedFd> {
    patiently(|| setup(4, &mut Params { flags, ..Params::default() }))
}
