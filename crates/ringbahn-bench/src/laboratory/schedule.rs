//! [`Schedule`]: how late it is, and what there is still time for.

use std::cell::Cell;
use std::time::{Duration, Instant};

/// The part of what is spare that may be used up before anything is done.
const AT_ONCE: f64 = 0.1;

/// How late it is, and what there is still time for.
///
/// What the plan leaves of the time is spare, for noisy rounds that are done again and for whatever
/// takes longer than planned. It is dealt out as the work goes on, lest the first cases use it up.
#[derive(Debug)]
pub(crate) struct Schedule {
    began: Instant,
    bound: Duration,
    planned: Duration,
    /// How much of the plan is done.
    done: Cell<Duration>,
}

impl Schedule {
    /// It began then, may take `bound`, and is planned to take `planned`.
    pub(crate) fn new(began: Instant, bound: Duration, planned: Duration) -> Schedule {
        Schedule { began, bound, planned, done: Cell::new(Duration::ZERO) }
    }

    /// Something is done that was planned to take so long.
    pub(crate) fn step(&self, planned: Duration) {
        self.done.set(self.done.get() + planned);
    }

    /// Whether the time is up.
    pub(crate) fn is_over(&self) -> bool {
        self.left().is_zero()
    }

    /// How much time there is.
    pub(crate) fn left(&self) -> Duration {
        self.bound.saturating_sub(self.began.elapsed())
    }

    /// Whether there is time for something that was not planned.
    pub(crate) fn has_room_for(&self, duration: Duration) -> bool {
        self.has_room_at(self.began.elapsed(), duration)
    }

    fn has_room_at(&self, elapsed: Duration, duration: Duration) -> bool {
        let done = self.done.get();
        let spare = self.bound.saturating_sub(self.planned);
        let part = (done.as_secs_f64() / self.planned.as_secs_f64().max(1e-9)).clamp(AT_ONCE, 1.0);
        elapsed.saturating_sub(done) + duration <= spare.mul_f64(part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn what_is_spare_is_dealt_out_as_the_work_goes_on() {
        // 20 s are spare.
        let schedule = Schedule::new(Instant::now(), 100 * SECOND, 80 * SECOND);
        assert!(schedule.has_room_at(SECOND, SECOND));
        assert!(!schedule.has_room_at(SECOND, 2 * SECOND));
        schedule.step(40 * SECOND);
        assert!(schedule.has_room_at(49 * SECOND, SECOND));
        assert!(!schedule.has_room_at(50 * SECOND, SECOND));
        schedule.step(40 * SECOND);
        assert!(schedule.has_room_at(99 * SECOND, SECOND));
        assert!(!schedule.has_room_at(100 * SECOND, SECOND));
    }

    #[test]
    fn nothing_is_spare_where_more_is_planned_than_there_is_time_for() {
        let schedule = Schedule::new(Instant::now(), SECOND, 2 * SECOND);
        assert!(!schedule.has_room_at(Duration::ZERO, Duration::from_millis(1)));
        assert!(
            !schedule.is_over() && Schedule::new(Instant::now(), Duration::ZERO, SECOND).is_over()
        );
    }
}
