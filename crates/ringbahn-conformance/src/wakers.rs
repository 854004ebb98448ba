//! Wakers of cases: one that counts, one that acts, one that panics.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Wake, Waker};

/// Counts how often it is woken.
#[derive(Clone, Debug, Default)]
pub(crate) struct Signal {
    wakes: Arc<Count>,
}

#[derive(Debug, Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Signal {
    pub(crate) fn new() -> Signal {
        Signal::default()
    }

    pub(crate) fn waker(&self) -> Waker {
        Waker::from(self.wakes.clone())
    }

    pub(crate) fn wakes(&self) -> usize {
        self.wakes.0.load(Ordering::SeqCst)
    }

    /// How many wakers of it there are, and this.
    pub(crate) fn shares(&self) -> usize {
        Arc::strong_count(&self.wakes)
    }
}

/// Counts how often it is woken, and panics each time.
#[derive(Clone, Debug, Default)]
pub(crate) struct Grudge {
    wakes: Arc<Panicking>,
}

#[derive(Debug, Default)]
struct Panicking(AtomicUsize);

impl Wake for Panicking {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
        // No message of the panic's hook: it would be one for each event.
        std::panic::resume_unwind(Box::new(()));
    }
}

impl Grudge {
    pub(crate) fn new() -> Grudge {
        Grudge::default()
    }

    pub(crate) fn waker(&self) -> Waker {
        Waker::from(self.wakes.clone())
    }

    pub(crate) fn wakes(&self) -> usize {
        self.wakes.0.load(Ordering::SeqCst)
    }
}

/// Runs a closure when it is woken.
struct Acting<F>(F);

impl<F: Fn() + Send + Sync + 'static> Wake for Acting<F> {
    fn wake(self: Arc<Self>) {
        (self.0)();
    }
}

/// A waker that runs `action`.
pub(crate) fn acting(action: impl Fn() + Send + Sync + 'static) -> Waker {
    Waker::from(Arc::new(Acting(action)))
}
