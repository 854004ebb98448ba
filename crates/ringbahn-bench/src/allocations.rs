//! How often a piece of code allocates, and how much it keeps.
//!
//! Nothing is counted while nobody asks, so that what is timed is not slowed down by it.
//!
//! # Safety
//!
//! AC1. Every call is passed on to the system's allocator as it came, and with it the promises
//!      that the caller has made.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

static IS_COUNTING: AtomicBool = AtomicBool::new(false);
static COUNT: AtomicU64 = AtomicU64::new(0);
static BYTES: AtomicI64 = AtomicI64::new(0);

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The system's allocator, counted.
struct Counting;

/// How often the process allocates while `work` runs.
pub(crate) fn count(work: impl FnOnce()) -> u64 {
    COUNT.store(0, Ordering::Relaxed);
    IS_COUNTING.store(true, Ordering::Relaxed);
    work();
    IS_COUNTING.store(false, Ordering::Relaxed);
    COUNT.load(Ordering::Relaxed)
}

/// How many bytes the process has allocated while `work` ran, and not freed.
pub(crate) fn bytes<T>(work: impl FnOnce() -> T) -> (T, i64) {
    BYTES.store(0, Ordering::Relaxed);
    IS_COUNTING.store(true, Ordering::Relaxed);
    let value = work();
    IS_COUNTING.store(false, Ordering::Relaxed);
    (value, BYTES.load(Ordering::Relaxed))
}

/// Notes that the memory in use has become more by `bytes`; and an allocation, where `is_new`.
fn note(bytes: i64, is_new: bool) {
    if IS_COUNTING.load(Ordering::Relaxed) {
        COUNT.fetch_add(u64::from(is_new), Ordering::Relaxed);
        BYTES.fetch_add(bytes, Ordering::Relaxed);
    }
}

// SAFETY: AC1.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(layout.size() as i64, true);
        // SAFETY: AC1.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        note(layout.size() as i64, true);
        // SAFETY: AC1.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note(size as i64 - layout.size() as i64, true);
        // SAFETY: AC1.
        unsafe { System.realloc(memory, layout, size) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        note(-(layout.size() as i64), false);
        // SAFETY: AC1.
        unsafe { System.dealloc(memory, layout) }
    }
}
