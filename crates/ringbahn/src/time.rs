//! Time: [`sleep`], [`interval`], [`timeout`], deadlines and clocks.
//!
//! ```
//! use std::time::{Duration, Instant};
//! use ringbahn::time;
//!
//! # fn main() -> std::io::Result<()> {
//! # if ringbahn::DefaultDriver::shared().is_err() { return Ok(()) }
//! futures::executor::block_on(async {
//!     let begin = Instant::now();
//!     time::sleep(Duration::from_millis(2)).await?;
//!     assert!(begin.elapsed() >= Duration::from_millis(2));
//!
//!     let never = std::future::pending::<()>();
//!     let error = time::timeout(Duration::from_millis(1), never).await.unwrap_err();
//!     assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
//!     Ok(())
//! })
//! # }
//! ```
//!
//! Any number of timers take one timer of the kernel, so there may be a million of them: each is 36
//! bytes in memory, and arming or dropping one does not enter the kernel unless it is the first to
//! be due. The functions of this module use the driver of the process; [`Timers`] does the same on
//! any other one.
//!
//! # Clocks
//!
//! A duration is measured by the monotonic clock. A moment of another clock is waited for with
//! [`sleep_until`] and a [`Deadline`]:
//!
//! | clock | a moment of it | while the machine is suspended | when somebody sets the time |
//! |---|---|---|---|
//! | [`Clock::Monotonic`] | an `Instant` | stands still: a sleep takes the longer | goes on |
//! | [`Clock::Boottime`] | `Deadline::after(Clock::Boottime, duration)` | goes on: due at the wake-up | goes on |
//! | [`Clock::Realtime`] | a `SystemTime` | goes on: due at the wake-up | jumps: due when it shows the moment |
//!
//! No sleep wakes a machine that is suspended. A sleep never ends before its deadline; how soon
//! after it is up to the kernel, the driver and the executor: some tens of microseconds where they
//! have nothing else to do.
//!
//! # Slack
//!
//! A sleep that is due alone ends when it is due. Those that are due within 50 µs after others have
//! ended may end together, up to 50 µs later, as sleeps of a Linux thread may: else each would cost
//! an interrupt and a wake-up of its own. [`Timers::with_slack`] has timers with more, for timeouts
//! that nobody is in a hurry for, or without any.
//!
//! # Which timeout
//!
//! | what | takes | when the time is over |
//! |---|---|---|
//! | [`timeout`] | any future | it is not polled any more, and is dropped with the timeout |
//! | [`Submission::timeout`](crate::Submission::timeout) | an operation | it is cancelled, and gives its buffer back |

use std::sync::LazyLock;
use std::time::Duration;

mod interval;
mod timeout;

pub use interval::{Interval, MissedTicks};
#[doc(no_inline)]
pub use ringbahn_core::{Clock, Deadline, Timers};
pub use timeout::Timeout;

use crate::driver::DefaultDriver;

/// The future that is ready when its deadline has passed.
///
/// See [`ringbahn_core::Sleep`], of which this is the one on the driver of the process.
pub type Sleep<D = DefaultDriver> = ringbahn_core::Sleep<D>;

/// The timers of the process.
static TIMERS: LazyLock<Timers<DefaultDriver>> = LazyLock::new(|| Timers::on(DefaultDriver));

/// The timers of the process, on [`DefaultDriver`].
pub fn timers() -> &'static Timers<DefaultDriver> {
    &TIMERS
}

/// Waits for `duration` from now on, on the monotonic clock.
///
/// # Errors
///
/// It yields an [`Unavailable`](crate::Unavailable) where there can be no driver, and an error
/// where the driver of the process has been shut down.
///
/// # Cancel safety
///
/// Dropping it takes the timer back, and loses nothing else.
pub fn sleep(duration: Duration) -> Sleep {
    TIMERS.sleep(duration)
}

/// Waits until `deadline`: an `Instant`, a `SystemTime`, or a [`Deadline`] on any clock.
///
/// # Errors
///
/// As for [`sleep`]. `InvalidInput` before Linux 5.15 on another clock than the monotonic one.
///
/// # Cancel safety
///
/// Dropping it takes the timer back, and loses nothing else.
pub fn sleep_until(deadline: impl Into<Deadline>) -> Sleep {
    TIMERS.sleep_until(deadline)
}

/// Ticks now, and then each time when `period` has passed, on the monotonic clock.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use ringbahn::time::{self, MissedTicks};
///
/// # fn main() -> std::io::Result<()> {
/// # if ringbahn::DefaultDriver::shared().is_err() { return Ok(()) }
/// let mut interval = time::interval(Duration::from_millis(1)).missed_ticks(MissedTicks::Skip);
/// futures::executor::block_on(async {
///     let first = interval.tick().await?;
///     let second = interval.tick().await?;
///     assert!(second.time() - first.time() >= Duration::from_millis(1));
///     Ok(())
/// })
/// # }
/// ```
///
/// # Panics
///
/// Panics where `period` is zero.
pub fn interval(period: Duration) -> Interval {
    Interval::new(&TIMERS, Deadline::after(Clock::Monotonic, Duration::ZERO), period)
}

/// Runs `future`, and gives it up where it has not ended after `duration`.
///
/// For an operation of a driver [`Submission::timeout`](crate::Submission::timeout) is the better
/// one: it gives the buffer back.
///
/// # Errors
///
/// `TimedOut` where the time was over first. Where the time cannot be kept, the error of [`sleep`].
///
/// # Cancel safety
///
/// That of `future`, which is dropped with it, also when the time is over.
pub fn timeout<F: Future>(duration: Duration, future: F) -> Timeout<F> {
    Timeout::new(sleep(duration), future)
}

/// Runs `future`, and gives it up where it has not ended at `deadline`.
///
/// # Errors
///
/// `TimedOut` where the deadline was first. Where the time cannot be kept, the error of
/// [`sleep_until`].
///
/// # Cancel safety
///
/// That of `future`, which is dropped with it, also after the deadline.
pub fn timeout_at<F: Future>(deadline: impl Into<Deadline>, future: F) -> Timeout<F> {
    Timeout::new(sleep_until(deadline), future)
}
