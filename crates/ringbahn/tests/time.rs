//! Sleeps, intervals and timeouts: when they end, in which order, and what is left behind.

use std::pin::Pin;
use std::time::Duration;

use ringbahn::time::{Clock, Deadline, Timers};

#[path = "../../ringbahn-drivers/tests/support/local.rs"]
mod local;
#[path = "../../ringbahn-drivers/tests/support/scene.rs"]
mod scene;
#[path = "../../ringbahn-drivers/tests/support/skip.rs"]
mod skip;

#[path = "time/clocks.rs"]
mod clocks;
#[path = "time/ends.rs"]
mod ends;
#[path = "time/intervals.rs"]
mod intervals;
#[path = "time/many.rs"]
mod many;
#[path = "time/moody.rs"]
mod moody;
#[path = "time/one_kernel_timer.rs"]
mod one_kernel_timer;
#[path = "time/timeouts.rs"]
mod timeouts;
#[path = "time/wakers.rs"]
mod wakers;

use scene::{Wakes, on_wake, poll_once, run, until, until_idle};

const SHORT: Duration = Duration::from_millis(2);

#[test]
fn a_waker_of_a_timer_that_panics_keeps_no_other_from_firing() {
    let test = "a_waker_of_a_timer_that_panics_keeps_no_other_from_firing";
    let Some(driver) = skip::driver(test, 2, 4) else { return };
    let timers = Timers::on(driver.clone());
    let deadline = Deadline::after(Clock::Monotonic, 25 * SHORT);
    let (wakes, good) = Wakes::new();
    let bad = on_wake(|| panic!("a task's own affair"));
    let mut sleeps: Vec<_> = (0..100)
        .map(|number| {
            let mut sleep = timers.sleep_until(deadline.plus(Duration::from_nanos(number)));
            wakers::arm(&mut sleep, if number % 3 == 0 { &bad } else { &good });
            sleep
        })
        .collect();
    until("all have fired", || timers.armed() == 0);
    until("all are woken", || wakes.count() == 66);
    assert!(sleeps.iter_mut().all(|sleep| poll_once(Pin::new(sleep)).is_ready()));
    // The one timer of the kernel has lived through it.
    run(timers.sleep(SHORT)).unwrap();
    until_idle(&driver);
}
