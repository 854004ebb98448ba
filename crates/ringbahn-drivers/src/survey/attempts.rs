//! Trials that are short of memory for a moment.

use std::io;
use std::thread;
use std::time::Duration;

/// How long to wait for memory before it is believed to be short. The kernel gives back the locked
/// memory of rings just closed from a worker of its own, some milliseconds later.
const WAITS_MS: [u64; 5] = [1, 4, 16, 64, 128];

/// Tries something that may lack the memory that an earlier trial is about to give back.
pub(super) fn patiently<T>(mut attempt: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    for wait in WAITS_MS {
        match attempt() {
            Err(error) if error.raw_os_error() == Some(libc::ENOMEM) => {
                thread::sleep(Duration::from_millis(wait));
            }
            result => return result,
        }
    }
    attempt()
}
