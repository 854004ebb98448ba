//! [`Counters`]: what a simulated driver has done, in numbers.

/// What a simulated driver has done so far, in the words of the real ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Operations that were accepted. One of several entries counts once.
    pub submitted: u64,
    /// Operations that have ended, in whatever way, those that were repeated at their last end.
    pub completed: u64,
    /// Operations that the kernel has.
    pub in_flight: u64,
    /// Operations that a cancel was asked for, by a drop or otherwise.
    pub cancelled: u64,
    /// Results that came when nobody waited any more, and were disposed of.
    pub disposed: u64,
    /// Operations that ended without having run, or with a part left to do, and were submitted
    /// once more.
    pub repeated: u64,
    /// Calls of the simulated `io_uring_enter`.
    pub enters: u64,
    /// Those that failed; what they had to submit went out with a later one.
    pub failed_enters: u64,
    /// Polls that found the submission queue full and had to wait for room.
    pub full_queue_waits: u64,
    /// Times that CQEs had found no room in the completion queue, and were asked for.
    pub overflows: u64,
    /// CQEs that belonged to nothing in flight, and were ignored.
    pub unknown_cqes: u64,
    /// Wakers and events that panicked while CQEs were processed.
    pub panics: u64,
}
