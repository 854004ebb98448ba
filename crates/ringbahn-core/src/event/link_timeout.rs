//! [`LinkTimeout`]: an operation and a limit to its time, which the kernel keeps.
#![allow(unsafe_code)]

use std::io;
use std::time::Duration;

use super::pair::Pair;
use super::timeout::{Timespec, flags_of_moment};
use crate::clock::Deadline;
use crate::event::Event;
use crate::opcode;
use crate::outcome::Outcome;
use crate::sqe::{Coupling, Sqe, Sqes};

/// An event, and a limit to the time of its operation, which the kernel keeps.
///
/// Yields the event's output, and what came of the limit. In a chain the time counts from when the
/// operation starts, and not from when the chain is submitted; where the limit is exceeded, what is
/// linked behind it does not start.
///
/// [`Submission::timeout`](crate::Submission::timeout) is what one usually wants: it holds of every
/// operation. This one **does nothing about an operation that blocks in a worker thread of the
/// kernel**, such as a [`Splice`](crate::event::Splice) or the opening of a FIFO: on Linux since
/// the middle of 2025 the limit of such a one begins only when that is over.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use ringbahn_core::{Drive, SharedFd};
/// use ringbahn_core::event::{LinkTimeout, Recv, TimeLimit};
///
/// async fn greeting(socket: SharedFd, driver: impl Drive + Unpin) -> std::io::Result<Vec<u8>> {
///     let receive = Recv::new(socket, vec![0; 128]);
///     let limited = LinkTimeout::new(receive, Duration::from_secs(5));
///     let ((count, mut data), limit) = driver.submit(limited).await;
///     if limit? == TimeLimit::Exceeded {
///         return Err(std::io::ErrorKind::TimedOut.into());
///     }
///     data.truncate(count?);
///     Ok(data)
/// }
/// ```
///
/// # Errors
///
/// Those of the event; of the limit none of its own.
///
/// # Cancellation
///
/// That of the event. The limit ends with it.
///
/// # Kernel
///
/// Linux 5.5. 5.15 for a [deadline](LinkTimeout::at) on another clock than the monotonic one. The
/// time is the event's until completion, as is all of the event within.
///
/// # References
///
/// [`io_uring_prep_link_timeout(3)`](https://man7.org/linux/man-pages/man3/io_uring_prep_link_timeout.3.html)
#[doc(alias = "IORING_OP_LINK_TIMEOUT")]
#[derive(Debug)]
pub struct LinkTimeout<E> {
    pair: Pair<E, Limit>,
}

/// What came of the limit of an operation's time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TimeLimit {
    /// The operation ended before, or never started.
    Kept,
    /// The time was over, and the operation was told to stop. Its output says whether that came
    /// too late.
    Exceeded,
}

/// The limit, as the second part of a pair.
#[derive(Debug)]
struct Limit {
    time: Timespec,
    flags: u32,
}

impl<E: Event> LinkTimeout<E> {
    /// `event`, whose operation may take `duration`.
    ///
    /// # Panics
    ///
    /// Panics where `event` has more than one entry, as a chain has: the limit would be that of the
    /// last. Put one to each part.
    pub fn new(event: E, duration: Duration) -> LinkTimeout<E> {
        LinkTimeout::limited(event, Limit { time: Timespec::new(duration), flags: 0 })
    }

    /// `event`, whose operation may take until `deadline`, on the clock of that.
    ///
    /// # Panics
    ///
    /// As [`new`](LinkTimeout::new).
    pub fn at(event: E, deadline: impl Into<Deadline>) -> LinkTimeout<E> {
        let deadline = deadline.into();
        let flags = flags_of_moment(deadline.clock());
        LinkTimeout::limited(event, Limit { time: Timespec::new(deadline.time()), flags })
    }

    fn limited(event: E, limit: Limit) -> LinkTimeout<E> {
        let entries = event.sqes_needed();
        assert!(entries == 1, "a limit is of one entry, and the event has {entries}");
        LinkTimeout { pair: Pair::new(event, limit) }
    }
}

impl<E: Event> Event for LinkTimeout<E> {
    type Output = (E::Output, io::Result<TimeLimit>);

    fn sqes_needed(&self) -> u32 {
        self.pair.sqes_needed()
    }

    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        // SAFETY: E1: the pair is all there is of this event.
        unsafe { self.pair.prepare(sqes, Coupling::Soft) };
    }

    fn complete(self, outcome: Outcome<'_, Self>) -> Self::Output {
        self.pair.complete(outcome)
    }

    fn cancelled(self, outcome: Outcome<'_, Self>) {
        self.pair.cancelled(outcome);
    }

    /// The entries are a chain, of which nobody but the caller knows what may run again.
    fn resubmit(&mut self, _outcome: &Outcome<'_, Self>) -> bool {
        false
    }
}

impl Event for Limit {
    type Output = io::Result<TimeLimit>;

    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        // SAFETY: S1 by E1: the time lies in the event.
        let entry = unsafe { Sqe::new(opcode::LINK_TIMEOUT) };
        sqes.push(entry.address(&raw const self.time).length(1).op_flags(self.flags));
    }

    fn complete(self, outcome: Outcome<'_, Self>) -> io::Result<TimeLimit> {
        let error = match outcome.result() {
            Ok(_) => return Ok(TimeLimit::Kept),
            Err(error) => error,
        };
        match error.raw_os_error() {
            Some(libc::ECANCELED) => Ok(TimeLimit::Kept),
            // The operation was there, could not be stopped any more, or had gone just then.
            Some(libc::ETIME | libc::EALREADY | libc::ENOENT) => Ok(TimeLimit::Exceeded),
            _ => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::testing::{complete, prepared, resubmits};
    use crate::event::{EventExt, Nop};
    use crate::sqe::FLAG_LINK;

    #[test]
    fn the_limit_hangs_on_the_operation_and_the_rest_on_the_limit() {
        let mut chain = LinkTimeout::new(Nop, Duration::from_millis(1500)).link(Nop);
        let sqes = prepared(&mut chain);
        let [nop, limit, next] = sqes.entries() else { panic!("three entries") };
        assert_eq!([nop, limit, next].map(|entry| entry.flags()), [FLAG_LINK, FLAG_LINK, 0]);
        assert_eq!((limit.opcode(), limit.get_length()), (opcode::LINK_TIMEOUT, 1));
        assert!(!resubmits(&mut chain, -libc::ECANCELED));
    }

    #[test]
    fn what_the_kernel_says_of_the_limit_is_told() {
        let limit = |result| {
            let limit = Limit { time: Timespec::new(Duration::ZERO), flags: 0 };
            complete(limit, result)
        };
        assert_eq!(limit(-libc::ECANCELED).unwrap(), TimeLimit::Kept);
        for errno in [libc::ETIME, libc::EALREADY, libc::ENOENT] {
            assert_eq!(limit(-errno).unwrap(), TimeLimit::Exceeded);
        }
        assert!(limit(-libc::EINVAL).is_err());
    }

    #[test]
    #[should_panic(expected = "a limit is of one entry, and the event has 2")]
    fn a_chain_has_no_limit_as_a_whole() {
        let _ = LinkTimeout::new(Nop.link(Nop), Duration::ZERO);
    }
}
