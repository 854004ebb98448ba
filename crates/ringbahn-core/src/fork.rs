//! [`Process`]: whether this process is still the one that made something.
//!
//! # Safety
//!
//! FK1. The handler that the C library calls in a forked child touches one atomic word and nothing
//!      else, so it may run whatever the threads of the parent were doing.
#![allow(unsafe_code)]

use std::io;
use std::sync::Once;
use std::sync::atomic::{AtomicU64, Ordering};

/// How often this process and those it descends from have been forked off since they first asked.
static FORKS: AtomicU64 = AtomicU64::new(0);

/// The process that made something in memory which a forked child must leave alone: locks may be
/// held there by threads that the child does not have.
///
/// Forks are seen that the C library makes. A bare system call `clone` is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Process(u64);

extern "C" fn in_child() {
    // Relaxed: there is one thread in the child.
    FORKS.fetch_add(1, Ordering::Relaxed);
}

impl Process {
    /// This process.
    pub(crate) fn this() -> Process {
        static HANDLER: Once = Once::new();
        HANDLER.call_once(|| {
            // SAFETY: FK1. It fails for want of memory only, and then forks are not seen.
            unsafe { libc::pthread_atfork(None, None, Some(in_child)) };
        });
        Process(FORKS.load(Ordering::Relaxed))
    }

    /// Whether this process has been forked off the one that made this.
    #[inline]
    pub(crate) fn forked(self) -> bool {
        FORKS.load(Ordering::Relaxed) != self.0
    }
}

/// Why timers do nothing in a child of the process that made them.
pub(crate) fn forked() -> io::Error {
    let message = "the timers belong to the parent process; make others on a new driver after fork";
    io::Error::new(io::ErrorKind::Unsupported, message)
}
