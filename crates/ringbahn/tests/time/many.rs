//! A hundred thousand timers, armed and dropped at random: none is lost, and none is left.

use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use ringbahn::Drive;
use ringbahn::time::{Clock, Deadline, Timers};
use ringbahn_core::Sleep;

use crate::scene::{until, until_idle};
use crate::{local, skip};

/// Counts the wakes of one timer.
#[derive(Default)]
struct Count(AtomicU32);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

#[test]
fn of_100_000_timers_those_that_are_not_dropped_fire_once_each() {
    let test = "of_100_000_timers_those_that_are_not_dropped_fire_once_each";
    let Some(driver) = skip::driver(test, 2, 4) else { return };
    let timers = Timers::on(driver.clone());
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let begin = Deadline::after(Clock::Monotonic, Duration::ZERO);
    let mut kept = Vec::new();
    let mut dropped = 0;
    let mut ready = 0;
    for _ in 0..100_000 {
        let count = Arc::new(Count::default());
        let waker = Waker::from(count.clone());
        // Some are due while others are still being armed.
        let deadline = begin.plus(Duration::from_micros(random.below(400_000)));
        let mut sleep = timers.sleep_until(deadline);
        match Pin::new(&mut sleep).poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(result) => {
                result.unwrap();
                assert!(deadline.has_passed());
                ready += 1;
            }
            Poll::Pending if random.below(3) == 0 => {
                drop(sleep);
                drop(waker);
                assert_eq!(Arc::strong_count(&count), 1, "its waker is gone");
                dropped += 1;
            }
            Poll::Pending => kept.push((sleep, count)),
        }
        // Now and then one that may be in the middle of the heap, or may have fired.
        if random.below(4) == 0 && !kept.is_empty() {
            let _dropped = kept.swap_remove(random.below(kept.len() as u64) as usize);
            dropped += 1;
        }
    }
    assert_eq!(kept.len() + dropped + ready, 100_000);
    until("all have fired", || timers.armed() == 0);
    for (mut sleep, count) in kept {
        assert!(sleep.deadline().has_passed());
        // It is armed no more a moment before its task is woken.
        until("it has been woken", || count.0.load(Ordering::SeqCst) > 0);
        // Once for its end; now and then once more, to look after the kernel's timer.
        assert!((1..=3).contains(&count.0.load(Ordering::SeqCst)));
        let polled = Pin::new(&mut sleep).poll(&mut Context::from_waker(Waker::noop()));
        assert!(matches!(polled, Poll::Ready(Ok(()))));
    }
    // The last kernel timer may have been for one that was dropped.
    assert!(driver.counters().in_flight <= 1, "{:#?}", driver.counters());
    drop(timers);
    until_idle(&driver);
}

/// What has been woken, in its order.
type Order = Arc<Mutex<Vec<u64>>>;

struct Note(u64, Order);

impl Wake for Note {
    fn wake(self: Arc<Self>) {
        self.1.lock().unwrap().push(self.0);
    }
}

/// Timers for a thousand moments, two for each, armed in disorder.
fn in_disorder<D: Drive + Clone>(timers: &Timers<D>) -> (Vec<Sleep<D>>, Order) {
    let mut delay = Duration::from_millis(8);
    loop {
        let order = Order::default();
        let begin = Deadline::after(Clock::Monotonic, delay);
        let mut late = false;
        // 7 and 1000 have no factor in common.
        let sleeps = (0..2000)
            .map(|number| {
                let at = number * 7 % 1000;
                let waker = Waker::from(Arc::new(Note(at, order.clone())));
                let mut sleep = timers.sleep_until(begin.plus(Duration::from_micros(at)));
                late |= Pin::new(&mut sleep).poll(&mut Context::from_waker(&waker)).is_ready();
                sleep
            })
            .collect();
        if !late && !begin.has_passed() {
            return (sleeps, order);
        }
        // The machine has been busy with other things.
        delay *= 2;
    }
}

fn is_in_order(order: &Order) -> bool {
    *order.lock().unwrap() == (0..2000).map(|place| place / 2).collect::<Vec<u64>>()
}

#[test]
fn timers_are_woken_in_the_order_of_their_deadlines() {
    let test = "timers_are_woken_in_the_order_of_their_deadlines";
    let Some(driver) = skip::driver(test, 2, 4) else { return };
    let timers = Timers::on(driver.clone());
    let (sleeps, order) = in_disorder(&timers);
    until("all are woken", || order.lock().unwrap().len() == 2000);
    assert!(is_in_order(&order));
    drop((sleeps, timers));
    until_idle(&driver);
}

#[test]
fn timers_on_a_local_driver_are_woken_in_the_order_of_their_deadlines() {
    let test = "timers_on_a_local_driver_are_woken_in_the_order_of_their_deadlines";
    local::in_time(move || {
        let Some(driver) = local::driver(test, 2, 4) else { return };
        let timers = Timers::on(driver.clone());
        let (sleeps, order) = in_disorder(&timers);
        local::until(&driver, "all are woken", || order.lock().unwrap().len() == 2000);
        assert!(is_in_order(&order));
        drop((sleeps, timers));
        local::until_idle(&driver);
        local::end(&driver);
    });
}

#[test]
fn thousands_of_tasks_on_a_local_driver_sleep_and_wake() {
    let test = "thousands_of_tasks_on_a_local_driver_sleep_and_wake";
    local::in_time(move || {
        let Some(driver) = local::driver(test, 2, 4) else { return };
        let timers = Timers::on(driver.clone());
        let executor = async_executor::LocalExecutor::new();
        let mut random = Random(0x2545_f491_4f6c_dd1d);
        let tasks: Vec<_> = (0..5000)
            .map(|_| {
                let time = Duration::from_micros(random.below(5000));
                let deadline = Deadline::after(Clock::Monotonic, time);
                let sleep = timers.sleep_until(deadline);
                executor.spawn(async move {
                    sleep.await.unwrap();
                    assert!(deadline.has_passed());
                })
            })
            .collect();
        driver.block_on(executor.run(async {
            for task in tasks {
                task.await;
            }
        }));
        assert_eq!(timers.armed(), 0);
        local::until_idle(&driver);
        local::end(&driver);
    });
}
