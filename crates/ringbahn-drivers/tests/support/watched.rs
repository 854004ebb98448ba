//! A buffer that counts its ends, on top of one that finds out about late writes.
#![allow(unsafe_code)]
#![allow(dead_code, reason = "no scenario needs all of it")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ringbahn_core::{IoBuf, IoBufMut};

use crate::canary::Canary;

/// A buffer whose end is counted where its maker sees it.
pub(crate) struct Watched {
    canary: Canary,
    ends: Arc<AtomicUsize>,
}

impl Watched {
    pub(crate) fn new(ends: &Arc<AtomicUsize>) -> Watched {
        Watched { canary: Canary::new(), ends: ends.clone() }
    }

    pub(crate) fn filled(&self) -> &[u8] {
        self.canary.filled()
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.ends.fetch_add(1, Ordering::SeqCst);
    }
}

// SAFETY: the memory is that of the buffer inside.
unsafe impl IoBuf for Watched {
    fn bytes_ptr(&self) -> *const u8 {
        self.canary.bytes_ptr()
    }

    fn bytes_len(&self) -> usize {
        self.canary.bytes_len()
    }
}

// SAFETY: as above.
unsafe impl IoBufMut for Watched {
    fn target_ptr(&mut self) -> *mut u8 {
        self.canary.target_ptr()
    }

    fn target_len(&self) -> usize {
        self.canary.target_len()
    }

    unsafe fn set_filled(&mut self, count: usize) {
        // SAFETY: by the contract of this method.
        unsafe { self.canary.set_filled(count) };
    }
}
