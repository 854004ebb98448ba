//! [`Timeout`]: a time to wait.
#![allow(unsafe_code)]

use std::io;
use std::time::{Duration, Instant};

use crate::event::Event;
use crate::opcode;
use crate::outcome::Outcome;
use crate::sqe::{Sqe, Sqes};

/// A time as the kernel reads it, with seconds of 64 bits on every machine.
#[derive(Debug)]
#[repr(C)]
pub(super) struct Timespec {
    seconds: i64,
    nanoseconds: i64,
}

impl Timespec {
    pub(super) fn new(duration: Duration) -> Timespec {
        Timespec {
            seconds: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
            nanoseconds: duration.subsec_nanos().into(),
        }
    }
}

/// Waits for a time.
///
/// The time counts from the first `prepare`, on the monotonic clock.
///
/// In a chain the end of the time counts as failed: what is linked behind it does not start.
///
/// # Errors
///
/// None of its own; `ECANCELED` where it was cancelled before the time was over.
///
/// # Cancellation
///
/// Stops at once.
///
/// # Kernel
///
/// Linux 5.4. The time is the event's until completion.
///
/// # References
///
/// [`io_uring_enter(2)`](https://man7.org/linux/man-pages/man2/io_uring_enter.2.html)
#[doc(alias = "IORING_OP_TIMEOUT")]
#[derive(Debug)]
pub struct Timeout {
    duration: Duration,
    /// When it first began; submitted once more, it waits for the rest only.
    begin: Option<Instant>,
    rest: Timespec,
}

impl Timeout {
    /// Waits for `duration`.
    pub fn new(duration: Duration) -> Timeout {
        Timeout { duration, begin: None, rest: Timespec::new(duration) }
    }
}

impl Event for Timeout {
    type Output = io::Result<()>;

    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        self.begin.get_or_insert_with(Instant::now);
        // SAFETY: S1 by E1: the time lies in the event.
        let entry = unsafe { Sqe::new(opcode::TIMEOUT) };
        // One time; and an offset of zero, since it does not end with somebody else's completions.
        sqes.push(entry.address(&raw const self.rest).length(1));
    }

    fn complete(self, outcome: Outcome<'_, Self>) -> io::Result<()> {
        match outcome.result() {
            Err(error) if error.raw_os_error() == Some(libc::ETIME) => Ok(()),
            result => result.map(drop),
        }
    }

    fn resubmit(&mut self, outcome: &Outcome<'_, Self>) -> bool {
        let cqe = outcome.cqe();
        if let Some(begin) = self.begin {
            self.rest = Timespec::new(self.duration.saturating_sub(begin.elapsed()));
        }
        cqe.has_not_run()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::testing::resubmits;
    use crate::event::testing::{complete, entry};

    #[test]
    fn the_end_of_the_time_is_success() {
        complete(Timeout::new(Duration::ZERO), -libc::ETIME).unwrap();
        complete(Timeout::new(Duration::ZERO), 0).unwrap();
        for errno in [libc::ECANCELED, libc::EINVAL, 512] {
            assert!(complete(Timeout::new(Duration::ZERO), -errno).is_err());
        }
    }

    #[test]
    fn submitted_once_more_it_waits_for_the_rest_only() {
        let mut timeout = Timeout::new(Duration::from_secs(3600));
        entry(&mut timeout);
        assert_eq!((timeout.rest.seconds, timeout.rest.nanoseconds), (3600, 0));
        assert!(resubmits(&mut timeout, -libc::ECANCELED));
        assert!(timeout.rest.seconds < 3600);
        assert!(!resubmits(&mut timeout, -libc::ETIME));
    }

    #[test]
    fn no_duration_is_too_long() {
        let timeout = Timeout::new(Duration::MAX);
        assert_eq!((timeout.rest.seconds, timeout.rest.nanoseconds), (i64::MAX, 999_999_999));
    }
}
