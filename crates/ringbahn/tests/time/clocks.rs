//! Sleeps on each clock.

use std::time::{Duration, Instant, SystemTime};

use ringbahn::time::{self, Clock, Deadline, Timers};

use crate::scene::{poll_once, run, until_idle};
use crate::{local, skip};

const CLOCKS: [Clock; 3] = [Clock::Monotonic, Clock::Boottime, Clock::Realtime];
const SHORT: Duration = Duration::from_millis(2);

#[test]
fn a_sleep_on_each_clock_ends_when_its_deadline_has_passed() {
    let test = "a_sleep_on_each_clock_ends_when_its_deadline_has_passed";
    let Some(driver) = skip::driver(test, 2, 4) else { return };
    let timers = Timers::on(driver.clone());
    for clock in CLOCKS {
        let deadline = Deadline::after(clock, SHORT);
        run(timers.sleep_until(deadline)).unwrap();
        assert!(deadline.has_passed(), "early on {clock:?}");
    }
    let instant = Instant::now() + SHORT;
    run(timers.sleep_until(instant)).unwrap();
    assert!(Instant::now() >= instant);
    let time = SystemTime::now() + SHORT;
    run(timers.sleep_until(time)).unwrap();
    assert!(SystemTime::now() >= time);
    assert_eq!(timers.armed(), 0);
    until_idle(&driver);
}

#[test]
fn sleeps_on_several_clocks_do_not_wait_for_each_other() {
    let test = "sleeps_on_several_clocks_do_not_wait_for_each_other";
    let Some(driver) = skip::driver(test, 4, 8) else { return };
    let timers = Timers::on(driver.clone());
    for first in CLOCKS {
        let mut others: Vec<_> = CLOCKS.into_iter().filter(|&clock| clock != first).collect();
        let mut long = others.drain(..).map(|clock| {
            Box::pin(timers.sleep_until(Deadline::after(clock, Duration::from_secs(3600))))
        });
        let (mut one, mut two) = (long.next().unwrap(), long.next().unwrap());
        assert!(poll_once(one.as_mut()).is_pending() && poll_once(two.as_mut()).is_pending());
        run(timers.sleep_until(Deadline::after(first, SHORT))).unwrap();
        assert_eq!(timers.armed(), 2);
    }
    assert_eq!(timers.armed(), 0);
    drop(timers);
    until_idle(&driver);
}

#[test]
fn a_deadline_that_has_passed_submits_nothing() {
    let Some(driver) = skip::driver("a_deadline_that_has_passed_submits_nothing", 2, 4) else {
        return;
    };
    let timers = Timers::on(driver.clone());
    for mut sleep in [
        timers.sleep(Duration::ZERO),
        timers.sleep_until(Instant::now()),
        timers.sleep_until(SystemTime::UNIX_EPOCH),
        timers.sleep_until(Deadline::at(Clock::Boottime, Duration::from_nanos(1))),
    ] {
        assert!(poll_once(std::pin::Pin::new(&mut sleep)).is_ready());
        assert!(poll_once(std::pin::Pin::new(&mut sleep)).is_ready(), "and stays so");
    }
    assert_eq!(driver.counters().submitted, 0);
}

#[test]
fn no_time_is_too_long() {
    let Some(driver) = skip::driver("no_time_is_too_long", 4, 8) else { return };
    let timers = Timers::on(driver.clone());
    for clock in CLOCKS {
        let mut never = Box::pin(timers.sleep_until(Deadline::after(clock, Duration::MAX)));
        assert!(poll_once(never.as_mut()).is_pending());
        run(timers.sleep_until(Deadline::after(clock, SHORT))).unwrap();
        assert!(poll_once(never.as_mut()).is_pending());
    }
    drop(timers);
    until_idle(&driver);
}

#[test]
fn the_process_has_timers_with_nothing_to_set_up() {
    if let Err(error) = ringbahn::DefaultDriver::shared() {
        let test = "the_process_has_timers_with_nothing_to_set_up";
        return skip::skip(test, &format!("no io_uring: {error}"));
    }
    let begin = Instant::now();
    run(async {
        time::sleep(SHORT).await?;
        time::sleep_until(begin + 2 * SHORT).await
    })
    .unwrap();
    assert!(begin.elapsed() >= 2 * SHORT);
    let is_send = |_: &(dyn Send + Sync)| ();
    is_send(&time::sleep(SHORT));
}

#[test]
fn a_local_driver_keeps_time_while_it_runs() {
    let test = "a_local_driver_keeps_time_while_it_runs";
    local::in_time(move || {
        let Some(driver) = local::driver(test, 2, 4) else { return };
        let timers = Timers::on(driver.clone());
        for clock in CLOCKS {
            let deadline = Deadline::after(clock, SHORT);
            driver.block_on(timers.sleep_until(deadline)).unwrap();
            assert!(deadline.has_passed(), "early on {clock:?}");
        }
        assert_eq!(timers.armed(), 0);
        local::until_idle(&driver);
        local::end(&driver);
    });
}
