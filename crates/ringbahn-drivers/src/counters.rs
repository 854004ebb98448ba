//! What a driver has done, in numbers.

use std::iter::Sum;
use std::sync::atomic::{AtomicU64, Ordering};

/// What a driver has done so far.
///
/// When nothing is going on the numbers are exact and agree with each other. Meanwhile each is on
/// its way by itself: an operation leaves `in_flight` as its last CQE is read, and is counted as
/// `disposed` or `repeated` a moment later, when whoever read it has seen to that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Operations that were accepted, those that were served at once among them. One of several
    /// entries counts once.
    pub submitted: u64,
    /// Operations that have ended, in whatever way, those that were repeated at their last end.
    pub completed: u64,
    /// Operations that the kernel has.
    pub in_flight: u64,
    /// Operations that a cancel was asked for, by a drop or otherwise.
    pub cancelled: u64,
    /// Results that came when nobody waited any more, and were disposed of.
    pub disposed: u64,
    /// Operations that ended without having run, though nobody had asked, and were repeated.
    pub repeated: u64,
    /// Operations among those that were served at once by a system call of their own, and never
    /// came to the ring.
    pub served_at_once: u64,
    /// Calls of `io_uring_enter`.
    pub enters: u64,
    /// Calls of `io_uring_enter` that failed; what they had to submit went out with a later one.
    pub failed_enters: u64,
    /// Polls that found the submission queue full and had to wait for room.
    pub full_queue_waits: u64,
    /// Times that the completion queue had overflown and was filled again from the kernel's list.
    pub overflows: u64,
    /// CQEs that belonged to nothing in flight, and were ignored.
    pub unknown_cqes: u64,
    /// Wakers and events that panicked while CQEs were processed.
    pub panics: u64,
}

/// What several rings have done together.
impl Sum for Counters {
    fn sum<I: Iterator<Item = Counters>>(rings: I) -> Counters {
        rings.fold(Counters::default(), |sum, ring| Counters {
            submitted: sum.submitted + ring.submitted,
            completed: sum.completed + ring.completed,
            in_flight: sum.in_flight + ring.in_flight,
            cancelled: sum.cancelled + ring.cancelled,
            disposed: sum.disposed + ring.disposed,
            repeated: sum.repeated + ring.repeated,
            served_at_once: sum.served_at_once + ring.served_at_once,
            enters: sum.enters + ring.enters,
            failed_enters: sum.failed_enters + ring.failed_enters,
            full_queue_waits: sum.full_queue_waits + ring.full_queue_waits,
            overflows: sum.overflows + ring.overflows,
            unknown_cqes: sum.unknown_cqes + ring.unknown_cqes,
            panics: sum.panics + ring.panics,
        })
    }
}

/// The numbers as they grow. Relaxed throughout: none of them guards anything. What was served at
/// once is counted there only, and added to what was submitted and has completed when that is read.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) submitted: AtomicU64,
    pub(crate) completed: AtomicU64,
    pub(crate) stopped: AtomicU64,
    pub(crate) cancelled: AtomicU64,
    pub(crate) disposed: AtomicU64,
    pub(crate) repeated: AtomicU64,
    pub(crate) served_at_once: AtomicU64,
    pub(crate) enters: AtomicU64,
    pub(crate) failed_enters: AtomicU64,
    pub(crate) full_queue_waits: AtomicU64,
    pub(crate) overflows: AtomicU64,
    pub(crate) unknown_cqes: AtomicU64,
    pub(crate) panics: AtomicU64,
}

impl Tally {
    pub(crate) fn ends(&self) -> Ends {
        Ends {
            completed: self.completed.load(Ordering::Relaxed),
            stopped: self.stopped.load(Ordering::Relaxed),
        }
    }

    pub(crate) fn snapshot(&self, in_flight: usize) -> Counters {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let served_at_once = read(&self.served_at_once);
        Counters {
            submitted: read(&self.submitted) + served_at_once,
            completed: read(&self.completed) + served_at_once,
            in_flight: in_flight as u64,
            cancelled: read(&self.cancelled),
            disposed: read(&self.disposed),
            repeated: read(&self.repeated),
            served_at_once,
            enters: read(&self.enters),
            failed_enters: read(&self.failed_enters),
            full_queue_waits: read(&self.full_queue_waits),
            overflows: read(&self.overflows),
            unknown_cqes: read(&self.unknown_cqes),
            panics: read(&self.panics),
        }
    }
}

/// The numbers that the report of a shutdown is made of.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Ends {
    pub(crate) completed: u64,
    pub(crate) stopped: u64,
}

/// Adds to a counter.
pub(crate) fn add(counter: &AtomicU64, count: u64) {
    if count > 0 {
        counter.fetch_add(count, Ordering::Relaxed);
    }
}
