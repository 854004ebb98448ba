//! The kernel's timer: there is one, and it is moved only where it must be.

use std::pin::Pin;
use std::time::{Duration, Instant};

use futures::future::join_all;
use ringbahn::SharedDriver;
use ringbahn::time::{Sleep, Timers};

use crate::scene::{poll_once, run, until, until_idle};
use crate::{local, skip};

const SHORT: Duration = Duration::from_millis(2);
const LONG: Duration = Duration::from_secs(3600);

fn armed(timers: &Timers<SharedDriver>, duration: Duration) -> Sleep<SharedDriver> {
    let mut sleep = timers.sleep(duration);
    assert!(poll_once(Pin::new(&mut sleep)).is_pending());
    sleep
}

#[test]
fn later_deadlines_and_drops_do_not_enter_the_ring() {
    let test = "later_deadlines_and_drops_do_not_enter_the_ring";
    let Some(driver) = skip::driver(test, 2, 4) else { return };
    let timers = Timers::on(driver.clone());
    let first = armed(&timers, LONG);
    let enters = driver.counters().enters;
    let mut sleeps: Vec<_> = (1..1000).map(|part| armed(&timers, LONG + part * SHORT)).collect();
    assert_eq!(timers.armed(), 1000);
    for sleep in &mut sleeps {
        assert!(poll_once(Pin::new(sleep)).is_pending());
    }
    drop(sleeps);
    drop(first);
    assert_eq!(timers.armed(), 0);
    let counters = driver.counters();
    assert_eq!((counters.submitted, counters.in_flight, counters.enters), (1, 1, enters));
    drop(timers);
    until_idle(&driver);
    assert_eq!(driver.counters().submitted, 1);
}

#[test]
fn an_earlier_deadline_takes_the_place_of_the_kernels_timer() {
    let test = "an_earlier_deadline_takes_the_place_of_the_kernels_timer";
    let Some(driver) = skip::driver(test, 2, 4) else { return };
    let timers = Timers::on(driver.clone());
    let mut sleeps: Vec<_> = (1..50).rev().map(|part| armed(&timers, part * LONG)).collect();
    // Each was earlier than all before. The former ones are cancelled.
    assert_eq!(driver.counters().submitted, 49);
    until("one is left", || driver.counters().in_flight == 1);
    let begin = Instant::now();
    run(timers.sleep(SHORT)).unwrap();
    assert!(begin.elapsed() >= SHORT && begin.elapsed() < LONG);
    // The one of the short sleep goes on for the next deadline.
    until("one is left", || driver.counters().in_flight == 1);
    assert_eq!(driver.counters().repeated, 1);
    assert!(sleeps.iter_mut().all(|sleep| poll_once(Pin::new(sleep)).is_pending()));
    drop((sleeps, timers));
    until_idle(&driver);
}

#[test]
fn timers_that_are_due_within_the_slack_fire_together() {
    const SLACK: Duration = Duration::from_millis(20);
    let test = "timers_that_are_due_within_the_slack_fire_together";
    let Some(driver) = skip::driver(test, 2, 4) else { return };
    let timers = Timers::with_slack(driver.clone(), SLACK);
    assert_eq!(timers.slack(), SLACK);
    let begin = Instant::now();
    let deadlines = (0..1000).map(|number| begin + SHORT + number * SHORT / 50);
    let sleeps: Vec<_> = deadlines.map(|deadline| timers.sleep_until(deadline)).collect();
    run(join_all(sleeps.into_iter().map(|sleep| async {
        let deadline = sleep.deadline();
        sleep.await.unwrap();
        assert!(deadline.has_passed(), "it was early");
    })));
    // The first of them, and then one for each slack that has passed.
    let most = 2 + begin.elapsed().as_nanos() / SLACK.as_nanos();
    let rounds = driver.counters().repeated;
    assert!(
        u128::from(rounds) <= most,
        "{rounds} rounds of the kernel's timer, {most} at the most"
    );
    until_idle(&driver);
}

#[test]
fn the_next_timer_fires_where_the_first_was_dropped() {
    let test = "the_next_timer_fires_where_the_first_was_dropped";
    let Some(driver) = skip::driver(test, 2, 4) else { return };
    let timers = Timers::on(driver.clone());
    for _ in 0..20 {
        let (mut first, mut second) = (timers.sleep(SHORT / 4), timers.sleep(SHORT / 2));
        // On a busy machine they may be over by then.
        let _ = poll_once(Pin::new(&mut first));
        let _ = poll_once(Pin::new(&mut second));
        drop(first);
        run(second).unwrap();
    }
    // A kernel timer that is in flight for nothing serves the next sleep, or ends before.
    let mut nothing = timers.sleep(SHORT);
    let _ = poll_once(Pin::new(&mut nothing));
    drop(nothing);
    run(timers.sleep(2 * SHORT)).unwrap();
    assert_eq!(timers.armed(), 0);
    until_idle(&driver);
}

#[test]
fn one_sleep_after_another_serves_from_the_same_memory() {
    let test = "one_sleep_after_another_serves_from_the_same_memory";
    local::in_time(move || {
        let Some(driver) = local::driver(test, 2, 4) else { return };
        let timers = Timers::on(driver.clone());
        for _ in 0..100 {
            driver.block_on(timers.sleep(Duration::from_micros(50))).unwrap();
        }
        // Each kernel timer has ended by itself, and was followed by another.
        let counters = driver.counters();
        assert_eq!((counters.cancelled, counters.disposed), (0, 0), "{counters:#?}");
        assert!((1..=100).contains(&counters.submitted), "{counters:#?}");
        local::end(&driver);
    });
}

#[test]
fn a_sleep_that_is_moved_ends_at_its_new_moment() {
    let test = "a_sleep_that_is_moved_ends_at_its_new_moment";
    let Some(driver) = skip::driver(test, 2, 4) else { return };
    let timers = Timers::on(driver.clone());
    let mut sleep = armed(&timers, LONG);
    let begin = Instant::now();
    sleep.reset(begin + SHORT);
    run(&mut sleep).unwrap();
    assert!(begin.elapsed() >= SHORT);
    // To a later moment, also once it is over.
    sleep.reset(begin + 2 * SHORT);
    assert_eq!(timers.armed(), 0);
    let _ = poll_once(Pin::new(&mut sleep));
    sleep.reset(begin + 3 * SHORT);
    run(&mut sleep).unwrap();
    assert!(begin.elapsed() >= 3 * SHORT);
    sleep.reset(begin + LONG);
    assert!(poll_once(Pin::new(&mut sleep)).is_pending());
    assert_eq!(timers.armed(), 1);
    drop((sleep, timers));
    until_idle(&driver);
}
