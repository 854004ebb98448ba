//! Intervals, and what becomes of the ticks that they miss.

use std::time::Duration;

use futures::StreamExt;
use ringbahn::time::{Clock, Deadline, Interval, MissedTicks, Timers};

use crate::scene::{run, until, until_idle};
use crate::{local, skip};

const PERIOD: Duration = Duration::from_millis(2);

#[test]
fn an_interval_ticks_at_once_and_then_after_each_period() {
    let test = "an_interval_ticks_at_once_and_then_after_each_period";
    let Some(driver) = skip::driver(test, 2, 4) else { return };
    let timers = Timers::on(driver.clone());
    for clock in [Clock::Monotonic, Clock::Boottime, Clock::Realtime] {
        let begin = Deadline::after(clock, Duration::ZERO);
        let mut interval = Interval::new(&timers, begin, PERIOD);
        for number in 0..4 {
            let due = begin.plus(number * PERIOD);
            assert_eq!(interval.next_tick(), due);
            let tick = run(interval.tick()).unwrap();
            assert!(tick == due && due.has_passed());
        }
    }
    assert_eq!(timers.armed(), 0);
    drop(timers);
    until_idle(&driver);
}

#[test]
fn ticks_that_are_missed_come_as_was_chosen() {
    let Some(driver) = skip::driver("ticks_that_are_missed_come_as_was_chosen", 2, 4) else {
        return;
    };
    let timers = Timers::on(driver.clone());
    for missed in [MissedTicks::Burst, MissedTicks::Delay, MissedTicks::Skip] {
        let begin = Deadline::after(Clock::Monotonic, Duration::ZERO);
        let mut interval = Interval::new(&timers, begin, PERIOD).missed_ticks(missed);
        run(interval.tick()).unwrap();
        // The ticks at 1, 2 and 3 are missed.
        let held_up = begin.plus(7 * PERIOD / 2);
        until("some ticks are late", || held_up.has_passed());
        let late = run(interval.tick()).unwrap();
        assert_eq!(late, begin.plus(PERIOD), "the first one that was missed, whatever the choice");
        let next = interval.next_tick();
        let since = next.time() - begin.time();
        match missed {
            MissedTicks::Burst => assert_eq!(next, begin.plus(2 * PERIOD)),
            MissedTicks::Delay => assert!(next.time() >= held_up.plus(PERIOD).time(), "{since:?}"),
            MissedTicks::Skip => {
                assert!(since >= 4 * PERIOD);
                assert_eq!(since.as_nanos() % PERIOD.as_nanos(), 0, "out of rhythm: {since:?}");
            }
        }
        let tick = run(interval.tick()).unwrap();
        assert_eq!(tick, next);
        assert!(tick.has_passed());
    }
}

#[test]
fn a_tick_that_nobody_has_taken_is_still_the_next_one() {
    let test = "a_tick_that_nobody_has_taken_is_still_the_next_one";
    local::in_time(move || {
        let Some(driver) = local::driver(test, 2, 4) else { return };
        let timers = Timers::on(driver.clone());
        // Time enough to look at it on a busy machine.
        let begin = Deadline::after(Clock::Monotonic, 25 * PERIOD);
        let mut interval = Interval::new(&timers, begin, PERIOD);
        driver.block_on(async {
            assert!(local::poll_once(std::pin::pin!(interval.tick())).await.is_pending());
            assert_eq!(interval.tick().await.unwrap(), begin);
            let ticks: Vec<_> = interval.by_ref().take(3).map(Result::unwrap).collect().await;
            assert_eq!(ticks, [1, 2, 3].map(|number| begin.plus(number * PERIOD)));
            interval.restart();
            assert!(interval.next_tick().remaining() <= PERIOD);
        });
        local::end(&driver);
    });
}

#[test]
#[should_panic(expected = "an interval has a period of some length")]
fn an_interval_without_a_period_is_refused() {
    drop(ringbahn::time::interval(Duration::ZERO));
}
