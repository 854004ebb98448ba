//! [`Interrupt`]: ends a call of another thread that blocks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rustix::event::Timespec;
use rustix::thread::futex;

/// A futex that is 0 until it is called, and 1 from then on.
#[derive(Clone, Debug, Default)]
pub(super) struct Interrupt {
    word: Arc<AtomicU32>,
}

impl Interrupt {
    /// Ends the call that waits for it, now or as soon as it does.
    pub(super) fn call(&self) {
        // Relaxed: the kernel orders this before the wake, and whoever is woken, or finds the word
        // changed, asks for nothing else.
        self.word.store(1, Ordering::Relaxed);
        // It fails for a bad address only.
        let _ = futex::wake(&self.word, futex::Flags::PRIVATE, u32::MAX);
    }

    pub(super) fn is_called(&self) -> bool {
        self.word.load(Ordering::Relaxed) != 0 // As told at `call`.
    }

    /// Waits until it is called, or for this time. Says whether it was called.
    pub(super) fn wait(&self, time: Duration) -> bool {
        let timeout = Timespec::try_from(time).ok();
        // However it ends, the word tells.
        let _ = futex::wait(&self.word, futex::Flags::PRIVATE, 0, timeout.as_ref());
        self.is_called()
    }

    /// The word, for a call that waits for others as well.
    pub(super) fn word(&self) -> &AtomicU32 {
        &self.word
    }
}
