//! [`SleepWord`]: the word by which a thread says that it sleeps, and others that it is to wake.
//!
//! ```text
//!            notify                     notify: the thread is to be called
//!   AWAKE ─────────► NOTIFIED ◄──────────────────────── PARKED
//!     ▲                 │                                  ▲
//!     └── take_notified ┘     AWAKE ─────────── park ──────┘
//! ```
//!
//! A thread that is awake is woken by this word alone. Only one that has said that it sleeps costs
//! a system call, and that is the affair of the first who wakes it: once `NOTIFIED`, later wakes
//! have nothing to do. So there is at most one call for each sleep.
//!
//! What the thread has said it does not take back when it wakes by itself, as most threads do that
//! wait for IO. So sleep after sleep it has nothing to exchange, until another thread wakes it; and
//! that one may call in vain, once.

use crate::sync::{AtomicU8, Ordering};

const AWAKE: u8 = 0;
const NOTIFIED: u8 = 1;
const PARKED: u8 = 2;

/// Whether a thread has said that it sleeps, or has been woken since it has looked last.
#[derive(Debug)]
pub(super) struct SleepWord {
    /// AcqRel in `notify`, Acquire in `take_notified`: what was done before a wake is seen by the
    /// poll that it leads to.
    state: AtomicU8,
}

impl SleepWord {
    pub(super) fn new() -> SleepWord {
        SleepWord { state: AtomicU8::new(AWAKE) }
    }

    /// Begins anew, for another thread.
    pub(super) fn reset(&self) {
        self.state.store(AWAKE, Ordering::Relaxed);
    }

    /// The thread has been woken. Says whether it is to be called, since it may sleep.
    pub(super) fn notify(&self) -> bool {
        // AcqRel: see `state`.
        self.state.swap(NOTIFIED, Ordering::AcqRel) == PARKED
    }

    /// Whether the thread has been woken. A hint: `take_notified` is what counts.
    #[inline]
    pub(super) fn is_notified(&self) -> bool {
        self.state.load(Ordering::Relaxed) == NOTIFIED
    }

    /// Whether the thread has been woken since it has asked last.
    #[inline]
    pub(super) fn take_notified(&self) -> bool {
        // Acquire: pairs with `notify`. The look before spares the exchange where it is in vain.
        self.is_notified() && self.state.swap(AWAKE, Ordering::Acquire) == NOTIFIED
    }

    /// The thread is about to sleep. `false` where it has been woken instead.
    #[inline]
    pub(super) fn park(&self) -> bool {
        // Relaxed: it sees what it has said last, or that others have answered. Who has done so
        // since has found `PARKED`, and calls.
        self.state.load(Ordering::Relaxed) == PARKED || self.say_parked()
    }

    #[cold]
    fn say_parked(&self) -> bool {
        // Acquire, also where it fails: as in `take_notified`.
        self.state.compare_exchange(AWAKE, PARKED, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }
}
