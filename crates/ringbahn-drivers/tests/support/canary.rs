//! Buffers that find out when they are written to after they have been given back.
//!
//! No sanitizer sees the kernel write. So memory that a buffer has let go is filled with a
//! pattern and kept in quarantine, and looked at again before it is really freed.
#![allow(unsafe_code)]

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use ringbahn_core::{IoBuf, IoBufMut};

/// What freed memory is filled with.
const FREED: u8 = 0xA5;
/// How much memory stays in quarantine, and how long at least.
const BUFFERS_MAX: usize = 4096;
const TIME_MIN: Duration = Duration::from_millis(100);

/// The size of every buffer, and its alignment: that of a block of a disk.
pub(crate) const SIZE: usize = 4096;

#[repr(C, align(4096))]
struct Block([u8; SIZE]);

static QUARANTINE: Mutex<VecDeque<(Instant, Box<Block>)>> = Mutex::new(VecDeque::new());
static MADE: AtomicU64 = AtomicU64::new(0);
static GIVEN_BACK: AtomicU64 = AtomicU64::new(0);

/// A buffer whose memory is watched after its end.
pub(crate) struct Canary {
    block: Option<Box<Block>>,
    filled: usize,
}

impl Canary {
    pub(crate) fn new() -> Canary {
        MADE.fetch_add(1, Ordering::Relaxed);
        Canary { block: Some(Box::new(Block([0; SIZE]))), filled: 0 }
    }

    /// What was read.
    #[allow(dead_code, reason = "not every test reads")]
    pub(crate) fn filled(&self) -> &[u8] {
        &self.block.as_ref().unwrap().0[..self.filled]
    }
}

// SAFETY: the block is on the heap and stays where it is, owned by this buffer alone.
unsafe impl IoBuf for Canary {
    fn bytes_ptr(&self) -> *const u8 {
        self.block.as_ref().unwrap().0.as_ptr()
    }

    fn bytes_len(&self) -> usize {
        SIZE
    }
}

// SAFETY: as above; all of the block may be written, and it is initialised throughout.
unsafe impl IoBufMut for Canary {
    fn target_ptr(&mut self) -> *mut u8 {
        self.block.as_mut().unwrap().0.as_mut_ptr()
    }

    fn target_len(&self) -> usize {
        SIZE
    }

    unsafe fn set_filled(&mut self, count: usize) {
        self.filled = count;
    }
}

impl Drop for Canary {
    fn drop(&mut self) {
        let mut block = self.block.take().unwrap();
        block.0.fill(FREED);
        GIVEN_BACK.fetch_add(1, Ordering::Relaxed);
        let released = {
            let mut quarantine = QUARANTINE.lock().unwrap_or_else(PoisonError::into_inner);
            quarantine.push_back((Instant::now(), block));
            let due = quarantine.len() > BUFFERS_MAX
                && quarantine.front().is_some_and(|(since, _)| since.elapsed() > TIME_MIN);
            if due { quarantine.pop_front() } else { None }
        };
        if let Some((_, block)) = released {
            assert_untouched(&block);
        }
    }
}

fn assert_untouched(block: &Block) {
    let touched = block.0.iter().position(|byte| *byte != FREED);
    assert_eq!(touched, None, "freed memory was written to");
}

/// Looks at all that is still in quarantine, after the shortest stay; yields how many buffers were
/// made and how many of them have been given back.
pub(crate) fn inspect() -> (u64, u64) {
    let mut quarantine = QUARANTINE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((since, _)) = quarantine.back() {
        // sleep: gives a late write its time; no test result depends on an order.
        std::thread::sleep(TIME_MIN.saturating_sub(since.elapsed()));
    }
    for (_, block) in quarantine.drain(..) {
        assert_untouched(&block);
    }
    (MADE.load(Ordering::Relaxed), GIVEN_BACK.load(Ordering::Relaxed))
}
