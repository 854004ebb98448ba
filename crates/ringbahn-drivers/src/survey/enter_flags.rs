//! The flags of `io_uring_enter`. No call of a survey tries them: drivers do with every call, and
//! what a kernel lacks is known by its features.

use super::listing::Listing;
use super::listing::Usage::{Offered, Required, Used};

/// The flags of `io_uring_enter`, by bit.
pub const ENTER_FLAGS: &[Listing] = &[
    Listing::new(0, "GETEVENTS", (5, 1), Required, "waits for completions, or brings them in"),
    Listing::new(1, "SQ_WAKEUP", (5, 1), Offered, "wakes the thread of SQPOLL"),
    Listing::new(
        2,
        "SQ_WAIT",
        (5, 10),
        Offered,
        "waits for room in a queue that SQPOLL takes from",
    ),
    Listing::new(3, "EXT_ARG", (5, 11), Required, "a timeout for the wait"),
    Listing::new(4, "REGISTERED_RING", (5, 18), Used, "the ring is named by a thread's own index"),
    Listing::new(5, "ABS_TIMER", (6, 12), Offered, "the timeout is a moment"),
    Listing::new(
        6,
        "EXT_ARG_REG",
        (6, 13),
        Offered,
        "the timeout lies in memory that is registered",
    ),
    Listing::new(7, "NO_IOWAIT", (6, 15), Used, "the wait does not count as one for IO"),
];
