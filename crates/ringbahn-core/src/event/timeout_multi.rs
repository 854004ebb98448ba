//! [`TimeoutMulti`]: the same time, again and again.
#![allow(unsafe_code)]

use std::io;
use std::time::Duration;

use super::timeout::Timespec;
use crate::multishot::event::{MultiEvent, or_too_old};
use crate::opcode;
use crate::outcome::Outcome;
use crate::sqe::{Sqe, Sqes};

/// `IORING_TIMEOUT_MULTISHOT`
const TIMEOUT_MULTISHOT: u32 = 1 << 6;

/// Fires each time that a time has passed.
///
/// Yields nothing but the fact. The time counts on the monotonic clock from the submission, and
/// from each firing; where the reader lags by many firings the operation is stopped meanwhile, and
/// the time then counts from when it goes on. Run by [`Drive::stream`](crate::Drive::stream).
///
/// # Errors
///
/// None of its own.
///
/// # Cancellation
///
/// Stops at once.
///
/// # Kernel
///
/// Linux 6.4. The time is the event's until completion. Where there is no such operation the first
/// item is an error of the kind `Unsupported`; [`Timeout`](super::Timeout) fires once.
///
/// # References
///
/// [`io_uring_enter(2)`](https://man7.org/linux/man-pages/man2/io_uring_enter.2.html)
#[doc(alias = "IORING_OP_TIMEOUT")]
#[derive(Debug)]
pub struct TimeoutMulti {
    period: Timespec,
}

impl TimeoutMulti {
    /// Fires each time that `period` has passed.
    pub fn new(period: Duration) -> TimeoutMulti {
        TimeoutMulti { period: Timespec::new(period) }
    }
}

impl MultiEvent for TimeoutMulti {
    type Item = ();
    type Decoder = ();

    fn decoder(&self) {}

    unsafe fn prepare(&mut self, sqes: &mut Sqes<'_>) {
        // SAFETY: S1 by E1: the time lies in the event.
        let entry = unsafe { Sqe::new(opcode::TIMEOUT) };
        // One time; and an offset of zero: it is to fire any number of times.
        let entry = entry.address(&raw const self.period).length(1);
        sqes.push(entry.op_flags(TIMEOUT_MULTISHOT));
    }

    fn decode(_: &(), outcome: Outcome<'_, Self>) -> Option<io::Result<()>> {
        Some(match outcome.result() {
            Err(error) if error.raw_os_error() == Some(libc::ETIME) => Ok(()),
            Err(error) => Err(or_too_old(error, "a multishot timeout", "6.4")),
            Ok(_) => Ok(()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::testing::{cqe, ended};

    #[test]
    fn the_end_of_each_period_is_an_item() {
        let decode = |result| TimeoutMulti::decode(&(), ended(&[cqe(result)])).unwrap();
        decode(-libc::ETIME).unwrap();
        assert_eq!(decode(-libc::EINVAL).unwrap_err().kind(), io::ErrorKind::Unsupported);
    }
}
