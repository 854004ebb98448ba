//! Wakers of timers that drop other timers or arm new ones.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use ringbahn::SharedDriver;
use ringbahn::time::{Clock, Deadline, Sleep, Timers};

use crate::scene::{Wakes, on_wake, poll_once, until, until_idle};
use crate::skip;

/// Time enough to arm some timers on a machine that is busy with other things.
const AMPLE: Duration = Duration::from_millis(50);

pub(crate) fn arm(sleep: &mut Sleep<SharedDriver>, waker: &Waker) {
    assert!(Pin::new(sleep).poll(&mut Context::from_waker(waker)).is_pending());
}

#[test]
fn timers_may_be_dropped_while_they_fire() {
    let test = "timers_may_be_dropped_while_they_fire";
    let Some(driver) = skip::driver(test, 2, 4) else { return };
    let timers = Timers::on(driver.clone());
    let deadline = Deadline::after(Clock::Monotonic, AMPLE);
    let sleeps = Arc::new(Mutex::new(Vec::new()));
    let (wakes, count) = Wakes::new();
    let mut first = timers.sleep_until(deadline);
    let drop_all = {
        let sleeps = sleeps.clone();
        on_wake(move || {
            let all = std::mem::take(&mut *sleeps.lock().unwrap());
            drop::<Vec<Sleep<SharedDriver>>>(all);
            count.wake_by_ref();
        })
    };
    arm(&mut first, &drop_all);
    for number in 0..200 {
        // Due along with the first, or much later.
        let time = Duration::from_nanos(number) * if number % 2 == 0 { 1 } else { u32::MAX };
        let mut sleep = timers.sleep_until(deadline.plus(time));
        arm(&mut sleep, &drop_all);
        sleeps.lock().unwrap().push(sleep);
    }
    until("the first one has fired", || wakes.count() > 0);
    until("the others are gone", || timers.armed() == 0);
    assert!(poll_once(Pin::new(&mut first)).is_ready());
    drop((first, timers));
    until_idle(&driver);
}

#[test]
fn a_waker_may_arm_and_poll_timers_of_the_same_queue() {
    let test = "a_waker_may_arm_and_poll_timers_of_the_same_queue";
    let Some(driver) = skip::driver(test, 1, 2) else { return };
    let timers = Timers::on(driver.clone());
    let (wakes, count) = Wakes::new();
    let others = Arc::new(Mutex::new(Vec::new()));
    let mut sleep = timers.sleep(AMPLE);
    let reenter = {
        let (timers, others) = (timers.clone(), others.clone());
        on_wake(move || {
            // A later one, and one that is the first to be due; each is then waited for elsewhere.
            for time in [AMPLE, Duration::from_micros(50)] {
                let mut other = timers.sleep(time);
                if Pin::new(&mut other).poll(&mut Context::from_waker(&count)).is_pending() {
                    others.lock().unwrap().push(other);
                } else {
                    count.wake_by_ref();
                }
            }
        })
    };
    arm(&mut sleep, &reenter);
    until("both of the new ones have fired", || wakes.count() >= 2);
    until("none is left", || timers.armed() == 0);
    assert!(matches!(poll_once(Pin::new(&mut sleep)), Poll::Ready(Ok(()))));
    drop((reenter, sleep, timers, others));
    until_idle(&driver);
}

#[test]
fn the_waker_of_the_last_poll_is_the_one_that_is_woken() {
    let test = "the_waker_of_the_last_poll_is_the_one_that_is_woken";
    let Some(driver) = skip::driver(test, 2, 4) else { return };
    let timers = Timers::on(driver.clone());
    let ((first, first_waker), (second, second_waker)) = (Wakes::new(), Wakes::new());
    let mut sleep = timers.sleep(AMPLE);
    arm(&mut sleep, &first_waker);
    arm(&mut sleep, &second_waker);
    arm(&mut sleep, &second_waker);
    drop(first_waker);
    assert_eq!(Arc::strong_count(&first), 1, "the former waker is gone");
    until("it has fired", || second.count() == 1);
    assert_eq!((first.count(), timers.armed()), (0, 0));
}
