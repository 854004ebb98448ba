//! Wakers that count, call and panic.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{RawWaker, RawWakerVTable, Wake, Waker};

/// A waker that counts.
#[derive(Debug, Default)]
pub(crate) struct Signal {
    wakes: AtomicU32,
}

impl Signal {
    pub(crate) fn new() -> (Arc<Signal>, Waker) {
        let signal = Arc::new(Signal::default());
        (signal.clone(), Waker::from(signal))
    }

    pub(crate) fn wakes(&self) -> u32 {
        self.wakes.load(Ordering::SeqCst)
    }
}

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        self.wakes.fetch_add(1, Ordering::SeqCst);
    }
}

/// A waker that runs a function.
pub(crate) struct Calling<F>(F);

impl<F: Fn() + Send + Sync + 'static> Calling<F> {
    pub(crate) fn waker(function: F) -> Waker {
        Waker::from(Arc::new(Calling(function)))
    }
}

impl<F: Fn() + Send + Sync + 'static> Wake for Calling<F> {
    fn wake(self: Arc<Self>) {
        (self.0)();
    }
}

/// Where a waker panics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Grudge {
    Clone,
    Wake,
    Drop,
}

struct Grumpy {
    grudge: Grudge,
    wakes: Arc<Signal>,
}

/// A waker whose clones panic in one of their methods, and count before they do.
///
/// It is never freed by itself: a waker that panics while it is dropped cannot be trusted to
/// count.
pub(crate) fn grumpy_waker(grudge: Grudge) -> (Arc<Signal>, Waker) {
    const VTABLE: RawWakerVTable = RawWakerVTable::new(
        |data| {
            assert!(grumpy(data).grudge != Grudge::Clone, "a waker panics when cloned");
            RawWaker::new(data, &VTABLE)
        },
        wake,
        wake,
        |data| {
            let grudge = grumpy(data).grudge;
            if !std::thread::panicking() {
                assert!(grudge != Grudge::Drop, "a waker panics when dropped");
            }
        },
    );
    fn grumpy(data: *const ()) -> &'static Grumpy {
        // SAFETY: `data` is that of the leaked box below.
        unsafe { &*data.cast::<Grumpy>() }
    }
    fn wake(data: *const ()) {
        let grumpy = grumpy(data);
        grumpy.wakes.wakes.fetch_add(1, Ordering::SeqCst);
        assert!(grumpy.grudge != Grudge::Wake, "a waker panics when woken");
    }
    let wakes = Arc::new(Signal::default());
    let data: *const Grumpy = Box::leak(Box::new(Grumpy { grudge, wakes: wakes.clone() }));
    // SAFETY: the functions of the table use `data` as the shared reference it is, from any
    // thread, and it lives for ever.
    let waker = unsafe { Waker::from_raw(RawWaker::new(data.cast(), &VTABLE)) };
    (wakes, waker)
}
