//! [`Interval`]: ticks at equal distances.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_core::Stream;
use ringbahn_core::{Deadline, Drive, Timers};

use super::Sleep;
use crate::driver::DefaultDriver;

/// What is done about ticks whose time passed before anybody asked for them.
///
/// With a period of 10 and a task that is held up until 35 after the tick of 10:
///
/// | choice | ticks | |
/// |---|---|---|
/// | [`Burst`](MissedTicks::Burst) | 0, 10, *35, 35*, 40, 50 | all of them, the late ones at once |
/// | [`Delay`](MissedTicks::Delay) | 0, 10, *35*, 45, 55 | the distance is kept, from the late one on |
/// | [`Skip`](MissedTicks::Skip) | 0, 10, *35*, 40, 50 | the rhythm is kept, without those that were missed |
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum MissedTicks {
    /// They come at once, one after another, until none is missing.
    #[default]
    Burst,
    /// The next one comes a whole period after the one that is late.
    Delay,
    /// They do not come; the next one comes at its own time.
    Skip,
}

/// Ticks at equal distances, the first of them at the beginning.
///
/// Made by [`interval`](super::interval); on other drivers, clocks, or with another beginning, by
/// [`Interval::new`]. It is a stream of ticks, too, which ends never.
#[derive(Debug)]
#[must_use = "an interval does not tick unless it is asked to"]
pub struct Interval<D: Drive + Clone = DefaultDriver> {
    /// Until the next tick.
    sleep: Sleep<D>,
    period: Duration,
    missed: MissedTicks,
}

impl<D: Drive + Clone> Interval<D> {
    /// Ticks at `begin`, and each time when `period` has passed on its clock.
    ///
    /// # Panics
    ///
    /// Panics where `period` is zero.
    pub fn new(timers: &Timers<D>, begin: impl Into<Deadline>, period: Duration) -> Interval<D> {
        assert!(!period.is_zero(), "an interval has a period of some length");
        let missed = MissedTicks::default();
        Interval { sleep: timers.sleep_until(begin), period, missed }
    }

    /// What is to be done about ticks that are missed; [`MissedTicks::Burst`] unless told
    /// otherwise.
    pub fn missed_ticks(mut self, missed: MissedTicks) -> Interval<D> {
        self.missed = missed;
        self
    }

    /// The distance of two ticks.
    pub fn period(&self) -> Duration {
        self.period
    }

    /// When the next tick is due.
    pub fn next_tick(&self) -> Deadline {
        self.sleep.deadline()
    }

    /// Waits for the next tick, and yields the moment when it was due.
    ///
    /// # Errors
    ///
    /// Those of [`Sleep`]. The tick is still to come then.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost: a tick that nobody has taken is still the next one.
    pub async fn tick(&mut self) -> io::Result<Deadline> {
        poll_fn(|cx| self.poll_tick(cx)).await
    }

    /// Polls for the next tick, as [`tick`](Interval::tick) does.
    pub fn poll_tick(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Deadline>> {
        ready!(Pin::new(&mut self.sleep).poll(cx))?;
        let due = self.sleep.deadline();
        self.sleep.reset(self.missed.next(
            due,
            Deadline::after(due.clock(), Duration::ZERO),
            self.period,
        ));
        Poll::Ready(Ok(due))
    }

    /// Ticks next when a whole period has passed from now on.
    pub fn restart(&mut self) {
        let clock = self.sleep.deadline().clock();
        self.sleep.reset(Deadline::after(clock, self.period));
    }
}

impl MissedTicks {
    /// The tick after the one that was due at `due`, and was taken at `now`.
    fn next(self, due: Deadline, now: Deadline, period: Duration) -> Deadline {
        let next = due.plus(period);
        let late = now.time().saturating_sub(next.time());
        match self {
            // None has been missed before the next one is.
            _ if late.is_zero() => next,
            MissedTicks::Burst => next,
            MissedTicks::Delay => now.plus(period),
            MissedTicks::Skip => {
                let into_period = late.as_nanos() % period.as_nanos();
                let rest = period.as_nanos() - into_period;
                now.plus(Duration::from_nanos(u64::try_from(rest).unwrap_or(u64::MAX)))
            }
        }
    }
}

impl<D: Drive + Clone> Stream for Interval<D> {
    type Item = io::Result<Deadline>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Deadline>>> {
        self.get_mut().poll_tick(cx).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ringbahn_core::Clock;

    const PERIOD: Duration = Duration::from_millis(10);

    fn moment(milliseconds: u64) -> Deadline {
        Deadline::at(Clock::Monotonic, Duration::from_millis(milliseconds))
    }

    fn after(missed: MissedTicks, due: u64, now: u64) -> u64 {
        let next = missed.next(moment(due), moment(now), PERIOD);
        u64::try_from(next.time().as_millis()).unwrap()
    }

    #[test]
    fn a_tick_in_time_is_followed_by_the_next_whatever_the_choice() {
        for missed in [MissedTicks::Burst, MissedTicks::Delay, MissedTicks::Skip] {
            for now in [100, 104, 110] {
                assert_eq!(after(missed, 100, now), 110);
            }
        }
    }

    #[test]
    fn what_was_missed_comes_at_once_is_put_off_or_is_left_out() {
        assert_eq!(after(MissedTicks::Burst, 100, 135), 110);
        assert_eq!(after(MissedTicks::Delay, 100, 135), 145);
        assert_eq!(after(MissedTicks::Skip, 100, 135), 140);
        // A tick that is due at this very moment is the next one but one.
        assert_eq!(after(MissedTicks::Skip, 100, 130), 140);
    }
}
