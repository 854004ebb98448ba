//! The features that the kernel tells of with every ring.

use super::capability::{Capability, Standing};
use super::listing::Listing;
use super::listing::Usage::{Offered, Required, Unused, Used};

/// The features of io_uring, by bit.
pub const FEATURES: &[Listing] = &[
    Listing::new(0, "SINGLE_MMAP", (5, 4), Required, "both queues in one mapping"),
    Listing::new(1, "NODROP", (5, 5), Required, "no CQE is lost where the queue is full"),
    Listing::new(2, "SUBMIT_STABLE", (5, 5), Required, "what an entry names is read at submission"),
    Listing::new(3, "RW_CUR_POS", (5, 6), Required, "reads and writes at the file's position"),
    Listing::new(4, "CUR_PERSONALITY", (5, 6), Unused, "operations have the submitter's rights"),
    Listing::new(5, "FAST_POLL", (5, 7), Required, "sockets and pipes wait without a thread"),
    Listing::new(6, "POLL_32BITS", (5, 9), Unused, "all bits of epoll in polls"),
    Listing::new(7, "SQPOLL_NONFIXED", (5, 11), Unused, "SQPOLL with files not registered"),
    Listing::new(8, "EXT_ARG", (5, 11), Required, "waits with a timeout"),
    Listing::new(9, "NATIVE_WORKERS", (5, 12), Unused, "worker threads belong to the process"),
    Listing::new(10, "RSRC_TAGS", (5, 13), Unused, "tags on registered buffers and files"),
    Listing::new(11, "CQE_SKIP", (5, 17), Unused, "no CQE for what succeeds"),
    Listing::new(12, "LINKED_FILE", (5, 17), Unused, "a file opened earlier in the same chain"),
    Listing::new(13, "REG_REG_RING", (6, 3), Unused, "io_uring_register by a registered ring"),
    Listing::new(14, "RECVSEND_BUNDLE", (6, 10), Unused, "several buffers in one send or receive"),
    Listing::new(15, "MIN_TIMEOUT", (6, 12), Offered, "a shortest time to wait for several CQEs"),
    Listing::new(16, "RW_ATTR", (6, 14), Unused, "attributes of reads and writes, for integrity"),
    Listing::new(17, "NO_IOWAIT", (6, 15), Used, "waits that do not count as waits for IO"),
];

/// What the bits of a ring say.
pub(super) fn survey(bits: u32) -> Vec<Capability> {
    let of_bit = |listing: &Listing| {
        Capability::new(listing, Standing::of_answer(bits & 1 << listing.number != 0))
    };
    let mut features: Vec<_> = FEATURES.iter().map(of_bit).collect();
    features.extend(super::nameless(FEATURES, Some(u64::from(bits))));
    features
}

/// The features that nobody could tell anything about.
pub(super) fn untested() -> Vec<Capability> {
    super::all(FEATURES, Standing::Untested(None))
}
