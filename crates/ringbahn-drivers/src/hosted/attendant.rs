//! [`Attendant`]: what others see of the task that looks after a hosted ring.

use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Waker;

use super::gathering::{Gathering, Moment};
use crate::shared::core::lock;
use crate::shared::lookout::Host;

/// What others see of the task that looks after a hosted ring.
pub(super) struct Attendant {
    /// Whether the task is there: from the beginning until it is dropped or ends.
    attending: AtomicBool,
    /// Whether the task has been called since it last began a turn.
    ///
    /// SeqCst: whoever calls has published first and then sets this; the task clears it first and
    /// then looks for what is published.
    called: AtomicBool,
    /// The waker of the task, unless it has been woken by it. Taken out to be called, since
    /// foreign code must not run under the lock.
    waker: Mutex<Option<Waker>>,
    pub(super) gathering: Gathering,
}

impl Attendant {
    pub(super) fn new() -> Attendant {
        Attendant {
            attending: AtomicBool::new(true),
            called: AtomicBool::new(false),
            waker: Mutex::new(None),
            gathering: Gathering::new(),
        }
    }

    /// When a submission of the calling thread enters the kernel.
    pub(super) fn moment(&self) -> Moment {
        if self.is_attending() { self.gathering.moment() } else { Moment::Now }
    }

    /// The task is polled, with this waker. It looks only afterwards what there is to do.
    pub(super) fn listen(&self, waker: &Waker) {
        let waker = waker.clone();
        let old = lock(&self.waker).replace(waker);
        drop(old);
    }

    /// The task begins a turn, and will see what was done before it was called.
    pub(super) fn answer(&self) {
        self.called.store(false, Ordering::SeqCst);
    }

    /// The task goes. See [`Host`] for what it does afterwards.
    pub(super) fn leave(&self) {
        self.attending.store(false, Ordering::SeqCst);
        let waker = lock(&self.waker).take();
        drop(waker);
    }
}

impl Host for Attendant {
    fn is_attending(&self) -> bool {
        self.attending.load(Ordering::SeqCst)
    }

    fn call(&self) {
        if self.called.swap(true, Ordering::SeqCst) {
            return;
        }
        // The first poll finds out by itself.
        let waker = lock(&self.waker).take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl fmt::Debug for Attendant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attendant").field("attending", &self.is_attending()).finish_non_exhaustive()
    }
}
