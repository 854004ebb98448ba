//! The three system calls, and whether they reach the kernel's io_uring.

use std::io;

use super::capability::{Capability, Standing};
use super::listing::Listing;
use super::listing::Usage::{Required, Used};
use crate::sys::setup_trial::{enter_nothing, register_nothing};
use crate::sys::uapi::REGISTER_PROBE;

/// The system calls of io_uring, with their numbers on every architecture but alpha.
pub const SYSTEM_CALLS: &[Listing] = &[
    Listing::new(425, "io_uring_setup", (5, 1), Required, "makes rings"),
    Listing::new(426, "io_uring_enter", (5, 1), Required, "submits, and waits for completions"),
    Listing::new(
        427,
        "io_uring_register",
        (5, 1),
        Used,
        "the probe of the opcodes, and whatever a ring is to keep: buffers, files, limits",
    ),
];

/// What `io_uring_setup` has returned, and what the others say to calls without a ring.
pub(super) fn survey<T>(made: &io::Result<T>) -> Vec<Capability> {
    let standings = [
        Standing::of_trial(made, Some(true)),
        of_refusal(&enter_nothing()),
        of_refusal(&register_nothing(REGISTER_PROBE)),
    ];
    let calls = SYSTEM_CALLS.iter().zip(standings);
    calls.map(|(listing, standing)| Capability::new(listing, standing)).collect()
}

/// How it stands with a call that has to fail: what fails for the right reason works.
fn of_refusal(result: &io::Result<()>) -> Standing {
    match result.as_ref().err().and_then(io::Error::raw_os_error) {
        Some(errno @ (libc::EPERM | libc::EACCES | libc::ENOSYS)) => Standing::Refused(errno),
        Some(libc::EBADF) => Standing::Works,
        errno => Standing::Known(errno),
    }
}
