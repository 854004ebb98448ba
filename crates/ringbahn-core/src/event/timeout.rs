//! [`Timeout`]: a time to wait.
#![allow(unsafe_code)]

use std::io;
use std::time::{Duration, Instant};

use crate::clock::{Clock, Deadline};
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

/// `IORING_TIMEOUT_ABS`: the time is a moment, not a duration.
pub(super) const FLAG_ABSOLUTE: u32 = 1 << 0;
/// `IORING_TIMEOUT_BOOTTIME` and `IORING_TIMEOUT_REALTIME`: the clock, where it is not the
/// monotonic one.
const FLAG_BOOTTIME: u32 = 1 << 2;
const FLAG_REALTIME: u32 = 1 << 3;

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
/// It is a timer of its own in the kernel. A program that waits for many things at once is better
/// off with [`Timers`](crate::Timers), which need one for all of them.
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
/// Linux 5.4. 5.5 for a [deadline](Timeout::at), and 5.15 for one on another clock than the
/// monotonic one: `EINVAL` before. The time is the event's until completion.
///
/// # References
///
/// [`io_uring_enter(2)`](https://man7.org/linux/man-pages/man2/io_uring_enter.2.html)
#[doc(alias = "IORING_OP_TIMEOUT")]
#[derive(Debug)]
pub struct Timeout {
    until: Until,
    time: Timespec,
}

/// What is waited for.
#[derive(Debug)]
enum Until {
    /// So much time, of which some may have passed when it is submitted once more: it counts from
    /// the moment when it first began.
    Passed(Duration, Option<Instant>),
    /// A moment, which stays the same however often it is submitted.
    Moment(Clock),
}

impl Timeout {
    /// Waits for `duration`, which counts from the first `prepare`, on the monotonic clock.
    pub fn new(duration: Duration) -> Timeout {
        Timeout { until: Until::Passed(duration, None), time: Timespec::new(duration) }
    }

    /// Waits until `deadline`, on its clock. One that has passed ends at once.
    pub fn at(deadline: impl Into<Deadline>) -> Timeout {
        let deadline = deadline.into();
        let until = Until::Moment(deadline.clock());
        Timeout { until, time: Timespec::new(deadline.time()) }
    }

    fn flags(&self) -> u32 {
        match self.until {
            Until::Passed(..) => 0,
            Until::Moment(clock) => flags_of_moment(clock),
        }
    }
}

/// The flags of an entry whose time is a moment on `clock`.
pub(super) fn flags_of_moment(clock: Clock) -> u32 {
    match clock {
        Clock::Monotonic => FLAG_ABSOLUTE,
        Clock::Boottime => FLAG_ABSOLUTE | FLAG_BOOTTIME,
        Clock::Realtime => FLAG_ABSOLUTE | FLAG_REALTIME,
    }
}

impl Event for Timeout {
    type Output = io::Result<()>;

    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        if let Until::Passed(_, begin) = &mut self.until {
            begin.get_or_insert_with(Instant::now);
        }
        // SAFETY: S1 by E1: the time lies in the event.
        let entry = unsafe { Sqe::new(opcode::TIMEOUT) };
        // One time; and an offset of zero, since it does not end with somebody else's completions.
        sqes.push(entry.address(&raw const self.time).length(1).op_flags(self.flags()));
    }

    fn complete(self, outcome: Outcome<'_, Self>) -> io::Result<()> {
        match outcome.result() {
            Err(error) if error.raw_os_error() == Some(libc::ETIME) => Ok(()),
            result => result.map(drop),
        }
    }

    fn resubmit(&mut self, outcome: &Outcome<'_, Self>) -> bool {
        let cqe = outcome.cqe();
        if let Until::Passed(duration, Some(begin)) = self.until {
            self.time = Timespec::new(duration.saturating_sub(begin.elapsed()));
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
        assert_eq!((timeout.time.seconds, timeout.time.nanoseconds), (3600, 0));
        assert!(resubmits(&mut timeout, -libc::ECANCELED));
        assert!(timeout.time.seconds < 3600);
        assert!(!resubmits(&mut timeout, -libc::ETIME));
    }

    #[test]
    fn a_deadline_stays_the_same_when_it_is_submitted_once_more() {
        for (clock, flags) in [
            (Clock::Monotonic, FLAG_ABSOLUTE),
            (Clock::Boottime, FLAG_ABSOLUTE | FLAG_BOOTTIME),
            (Clock::Realtime, FLAG_ABSOLUTE | FLAG_REALTIME),
        ] {
            let mut timeout = Timeout::at(Deadline::at(clock, Duration::new(77, 5)));
            assert_eq!(entry(&mut timeout).get_op_flags(), flags);
            assert!(resubmits(&mut timeout, -libc::ECANCELED));
            assert_eq!((timeout.time.seconds, timeout.time.nanoseconds), (77, 5));
            assert_eq!(entry(&mut timeout).get_op_flags(), flags);
        }
    }

    #[test]
    fn no_duration_is_too_long() {
        let timeout = Timeout::new(Duration::MAX);
        assert_eq!((timeout.time.seconds, timeout.time.nanoseconds), (i64::MAX, 999_999_999));
    }
}
