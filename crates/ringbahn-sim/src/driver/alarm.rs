//! [`Alarm`]: what the wakers of a simulation ring.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Wake;

/// What the wakers of a simulation ring: a word that says that the future is to be polled.
///
/// A simulation never sleeps, so there is nobody to be called.
#[derive(Debug)]
pub(crate) struct Alarm(AtomicBool);

impl Alarm {
    pub(super) fn new() -> Alarm {
        Alarm(AtomicBool::new(false))
    }

    pub(crate) fn notify(&self) {
        self.0.store(true, Ordering::Release); // Acquire in `take`.
    }

    pub(super) fn is_notified(&self) -> bool {
        // Relaxed: a hint; `take` is what counts.
        self.0.load(Ordering::Relaxed)
    }

    /// Whether there is something to poll; it is then taken to be polled.
    pub(crate) fn take(&self) -> bool {
        // Acquire: pairs with `notify`; what was done before a wake is seen by the poll.
        self.is_notified() && self.0.swap(false, Ordering::Acquire)
    }
}

impl Wake for Alarm {
    fn wake(self: Arc<Alarm>) {
        self.notify();
    }

    fn wake_by_ref(self: &Arc<Alarm>) {
        self.notify();
    }
}
