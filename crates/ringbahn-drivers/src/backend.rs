//! [`Backend`]: what executes the operations.

use std::fmt;

/// What executes the operations of a driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Backend {
    /// The kernel, by io_uring.
    IoUring,
    /// An engine inside the process, by system calls, epoll and threads.
    Fallback,
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Backend::IoUring => f.write_str("io_uring"),
            Backend::Fallback => f.write_str("fallback"),
        }
    }
}
