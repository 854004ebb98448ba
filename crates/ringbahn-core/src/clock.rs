//! [`Clock`]: what time is measured by, and [`Deadline`], a moment on a clock.
//!
//! # Safety
//!
//! CL1. A time that the kernel is to fill in is a local variable, whole and the caller's own.
#![allow(unsafe_code)]

use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// What time is measured by.
///
/// | clock | begins | while the machine is suspended | when somebody sets the time |
/// |---|---|---|---|
/// | [`Monotonic`](Clock::Monotonic) | some time ago | stands still | goes on |
/// | [`Boottime`](Clock::Boottime) | with the machine | goes on | goes on |
/// | [`Realtime`](Clock::Realtime) | in 1970 | goes on | jumps |
///
/// What waits on a clock that goes on during a suspension is due as soon as the machine is awake
/// again, and does not wake it. What waits on the realtime clock is due when that clock shows its
/// moment: sooner where it is set forward, and later where it is set back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Clock {
    /// `CLOCK_MONOTONIC`: that of [`Instant`], and what a duration is measured by.
    #[default]
    Monotonic,
    /// `CLOCK_BOOTTIME`: for what must not take the longer for a closed lid, such as a lease.
    Boottime,
    /// `CLOCK_REALTIME`: that of [`SystemTime`], for what is to happen at a time of the day.
    Realtime,
}

/// A moment on a clock.
///
/// Made of an [`Instant`] or a [`SystemTime`], which bring their clock along, or for any clock with
/// [`after`](Deadline::after) and [`at`](Deadline::at).
///
/// ```
/// use std::time::{Duration, Instant};
/// use ringbahn_core::{Clock, Deadline};
///
/// let soon = Deadline::after(Clock::Boottime, Duration::from_secs(60));
/// assert!(!soon.has_passed() && soon.remaining() <= Duration::from_secs(60));
/// assert_eq!(Deadline::from(Instant::now()).clock(), Clock::Monotonic);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Deadline {
    clock: Clock,
    nanoseconds: u64,
}

/// The last moment there is, in nanoseconds: as good as never, some 292 years after a clock began.
pub(crate) const NEVER: u64 = u64::MAX >> 1;

impl Clock {
    /// What the clock shows: how long ago it began.
    pub fn now(self) -> Duration {
        Duration::from_nanos(self.nanoseconds())
    }

    pub(crate) fn nanoseconds(self) -> u64 {
        let id = match self {
            Clock::Monotonic => libc::CLOCK_MONOTONIC,
            Clock::Boottime => libc::CLOCK_BOOTTIME,
            Clock::Realtime => libc::CLOCK_REALTIME,
        };
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: CL1.
        let failed = unsafe { libc::clock_gettime(id, &raw mut time) } != 0;
        debug_assert!(!failed, "every kernel that has io_uring has these clocks");
        // A time before 1970 reads as 1970.
        let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
        let part = u64::try_from(time.tv_nsec).unwrap_or(0);
        seconds.saturating_mul(1_000_000_000).saturating_add(part).min(NEVER)
    }
}

impl Deadline {
    /// The moment when `clock` will have run for `time` from now on.
    pub fn after(clock: Clock, time: Duration) -> Deadline {
        Deadline { clock, nanoseconds: clock.nanoseconds() }.plus(time)
    }

    /// The moment when `clock` shows `time` since it began.
    pub fn at(clock: Clock, time: Duration) -> Deadline {
        Deadline { clock, nanoseconds: 0 }.plus(time)
    }

    /// The moment `time` later; where that is too far away, the last one there is.
    #[must_use]
    pub fn plus(self, time: Duration) -> Deadline {
        let time = u64::try_from(time.as_nanos()).unwrap_or(NEVER);
        self.with_nanoseconds(self.nanoseconds.saturating_add(time))
    }

    /// The clock that shows it.
    pub fn clock(self) -> Clock {
        self.clock
    }

    /// What the clock shows at that moment: how long ago it began.
    pub fn time(self) -> Duration {
        Duration::from_nanos(self.nanoseconds)
    }

    /// How long it is until then; zero where it has passed.
    pub fn remaining(self) -> Duration {
        Duration::from_nanos(self.nanoseconds.saturating_sub(self.clock.nanoseconds()))
    }

    /// Whether the clock shows this moment or a later one.
    pub fn has_passed(self) -> bool {
        self.nanoseconds <= self.clock.nanoseconds()
    }

    pub(crate) fn nanoseconds(self) -> u64 {
        self.nanoseconds
    }

    pub(crate) fn with_nanoseconds(self, nanoseconds: u64) -> Deadline {
        Deadline { nanoseconds: nanoseconds.min(NEVER), ..self }
    }
}

/// What the monotonic clock showed at some instant, or a moment after it.
///
/// An `Instant` does not tell what it is made of, so the clock is read beside it. It is read
/// second: a deadline is then later than the instant that it was made of, by what lies between the
/// two, and never earlier. The closest pair of a few is taken, lest the thread was interrupted.
fn base() -> (Instant, u64) {
    static BASE: OnceLock<(Instant, u64)> = OnceLock::new();
    *BASE.get_or_init(|| {
        let pairs = (0..8).map(|_| {
            let before = Instant::now();
            let shown = Clock::Monotonic.nanoseconds();
            (before.elapsed(), (before, shown))
        });
        let closest = pairs.min_by_key(|&(distance, _)| distance);
        closest.expect("there are several").1
    })
}

impl From<Instant> for Deadline {
    fn from(instant: Instant) -> Deadline {
        let (begin, shown) = base();
        let shown = Deadline { clock: Clock::Monotonic, nanoseconds: shown };
        let before = u64::try_from(begin.saturating_duration_since(instant).as_nanos());
        let back = shown.nanoseconds.saturating_sub(before.unwrap_or(u64::MAX));
        shown.with_nanoseconds(back).plus(instant.saturating_duration_since(begin))
    }
}

/// The time before 1970 counts as 1970.
impl From<SystemTime> for Deadline {
    fn from(time: SystemTime) -> Deadline {
        let time = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        Deadline::at(Clock::Realtime, time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_the_same_moment_on_the_monotonic_clock_and_never_earlier() {
        let _ = base();
        for offset in [Duration::ZERO, Duration::from_secs(5)] {
            let before = Instant::now();
            let deadline = Deadline::from(before + offset);
            let remaining = deadline.remaining();
            assert!(remaining + before.elapsed() >= offset);
            assert!(remaining <= offset + Duration::from_millis(100));
        }
        let past = Instant::now().checked_sub(Duration::from_millis(1));
        assert!(Deadline::from(past.unwrap()).has_passed());
    }

    #[test]
    fn a_system_time_is_a_moment_of_the_realtime_clock() {
        let time = UNIX_EPOCH + Duration::new(1_700_000_000, 5);
        let deadline = Deadline::from(time);
        assert_eq!(deadline, Deadline::at(Clock::Realtime, Duration::new(1_700_000_000, 5)));
        assert!(deadline.has_passed());
        assert_eq!(Deadline::from(UNIX_EPOCH - Duration::from_secs(1)).time(), Duration::ZERO);
    }

    #[test]
    fn what_is_too_far_away_is_the_last_moment() {
        for clock in [Clock::Monotonic, Clock::Boottime, Clock::Realtime] {
            let never = Deadline::after(clock, Duration::MAX);
            assert_eq!(never.nanoseconds(), NEVER);
            assert_eq!(never.plus(Duration::from_secs(1)), never);
            assert!(!never.has_passed());
        }
    }

    #[test]
    fn clocks_go_on() {
        for clock in [Clock::Monotonic, Clock::Boottime, Clock::Realtime] {
            let before = clock.now();
            assert!(before > Duration::ZERO);
            assert!(Deadline::at(clock, before).has_passed());
        }
    }
}
