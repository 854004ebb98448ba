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
static KEPT: AtomicI64 = AtomicI64::new(0);

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

/// How many bytes the process has allocated while `work` runs and not freed.
pub(crate) fn kept(work: impl FnOnce()) -> i64 {
    KEPT.store(0, Ordering::Relaxed);
    count(work);
    KEPT.load(Ordering::Relaxed)
}

/// What `work` yields, and how many bytes the process has allocated meanwhile and not freed.
pub(crate) fn bytes<T>(work: impl FnOnce() -> T) -> (T, i64) {
    let mut value = None;
    let bytes = kept(|| value = Some(work()));
    (value.expect("the work was done"), bytes)
}

/// Begins to count for good.
pub(crate) fn begin() {
    IS_COUNTING.store(true, Ordering::Relaxed);
}

/// How often the process has allocated while it was counted.
pub(crate) fn so_far() -> u64 {
    COUNT.load(Ordering::Relaxed)
}

fn note(allocations: u64, bytes: usize, freed: usize) {
    if IS_COUNTING.load(Ordering::Relaxed) {
        COUNT.fetch_add(allocations, Ordering::Relaxed);
        KEPT.fetch_add(bytes as i64 - freed as i64, Ordering::Relaxed);
    }
}

// SAFETY: AC1.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(1, layout.size(), 0);
        // SAFETY: AC1.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        note(1, layout.size(), 0);
        // SAFETY: AC1.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note(1, size, layout.size());
        // SAFETY: AC1.
        unsafe { System.realloc(memory, layout, size) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        note(0, 0, layout.size());
        // SAFETY: AC1.
        unsafe { System.dealloc(memory, layout) }
    }
}
