//! [`Waits`]: memory in which the kernel finds the arguments of waits, without being told where.
//!
//! # Safety
//!
//! WT1. The words lie at the start of a mapping that the `Waits` own. They are written as atomics,
//!      so that it harms nobody where two threads write at a time: one waits as long as the other
//!      wants to. Only the ring of one thread has them.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::BorrowedFd;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::sys::fork::ForkGuard;
use crate::sys::mmap::Mapping;
use crate::sys::tuning::register_waits;
use crate::sys::uapi::{RegisteredWait, WAIT_HAS_TIMEOUT};

/// Memory that is registered with a ring for the arguments of its waits.
#[derive(Debug)]
pub(super) struct Waits {
    words: NonNull<AtomicU64>,
    _mapping: Mapping,
}

// SAFETY: WT1: the memory is the process's, and its words are atomics.
unsafe impl Send for Waits {}
// SAFETY: WT1, as for `Send`.
unsafe impl Sync for Waits {}

impl Waits {
    /// Registers a page with `ring`, which has not been enabled yet.
    ///
    /// # Errors
    ///
    /// Those of `mmap(2)` and of `io_uring_register(2)`.
    pub(super) fn register(ring: BorrowedFd<'_>, guard: ForkGuard) -> io::Result<Waits> {
        let page = rustix::param::page_size();
        let mapping = Mapping::anonymous(page, None, guard)?;
        register_waits(ring, mapping.address_number(0), page)?;
        let words = mapping.array(0, (size_of::<RegisteredWait>() / 8) as u32)?;
        Ok(Waits { words, _mapping: mapping })
    }

    /// Has the next wait end after `timeout`, and yields where in the region it says so.
    pub(super) fn until(&self, timeout: Duration) -> u64 {
        let seconds = i64::try_from(timeout.as_secs()).unwrap_or(i64::MAX);
        self.set(0, seconds.cast_unsigned());
        self.set(1, u64::from(timeout.subsec_nanos()));
        // The shortest wait, and then the flags, each of 32 bits.
        let ([a, b, c, d], [e, f, g, h]) = (0_u32.to_ne_bytes(), WAIT_HAS_TIMEOUT.to_ne_bytes());
        self.set(2, u64::from_ne_bytes([a, b, c, d, e, f, g, h]));
        0
    }

    fn set(&self, number: usize, value: u64) {
        // SAFETY: WT1: it is one of the eight words.
        let word = unsafe { self.words.add(number) };
        // SAFETY: WT1: the mapping is there, and any bytes are an atomic.
        let word = unsafe { word.as_ref() };
        // Relaxed: the kernel reads it within a call of this thread.
        word.store(value, Ordering::Relaxed);
    }
}
