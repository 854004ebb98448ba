//! Shutdowns that others get in the way of.

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Barrier, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

use futures::executor::block_on;
use ringbahn_core::Drive;
use ringbahn_core::event::{Nop, Timeout};

#[path = "support/skip.rs"]
mod skip;

const ROUNDS: u32 = 2000;

#[test]
fn an_operation_submitted_during_a_shutdown_is_refused_or_ended() {
    let test = "an_operation_submitted_during_a_shutdown_is_refused_or_ended";
    for round in 0..ROUNDS {
        let Some(driver) = skip::driver(test, 4, 8) else { return };
        // Something that has just ended keeps the helper thread awake.
        let mut timer = pin!(driver.clone().submit(Timeout::new(Duration::from_micros(30))));
        let _ = timer.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        let barrier = Arc::new(Barrier::new(2));
        let (done, finished) = mpsc::channel();
        let (other, start) = (driver.clone(), barrier.clone());
        let thread = thread::spawn(move || {
            start.wait();
            let timers: Vec<_> = (0..4)
                .map(|_| {
                    let _ = block_on(other.clone().submit(Nop));
                    let timeout = Timeout::new(Duration::from_secs(600));
                    let mut timer = Box::pin(other.clone().submit(timeout));
                    match timer.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                        Poll::Ready(refused) => Err(refused),
                        Poll::Pending => Ok(timer),
                    }
                })
                .collect();
            for timer in timers {
                let result = timer.map_or_else(|refused| refused, block_on);
                done.send(result.is_err()).unwrap();
            }
        });
        barrier.wait();
        // sleep: moves the shutdown across the submissions; any order is right.
        thread::sleep(Duration::from_micros(u64::from(round % 60)));
        let shutdown = driver.shutdown(Duration::ZERO);
        for _ in 0..4 {
            let ended = finished.recv_timeout(Duration::from_secs(10));
            assert_eq!(ended, Ok(true), "in round {round}");
        }
        assert_eq!(block_on(shutdown).leaked, 0, "in round {round}");
        thread.join().unwrap();
    }
}

struct Nothing;

impl Wake for Nothing {
    fn wake(self: Arc<Self>) {}
}

#[test]
fn a_shutdown_that_is_polled_often_keeps_one_waker() {
    let test = "a_shutdown_that_is_polled_often_keeps_one_waker";
    let Some(driver) = skip::driver(test, 4, 8) else { return };
    let mut timer = pin!(driver.clone().submit(Timeout::new(Duration::from_secs(600))));
    let _ = timer.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    timer.as_mut().detach();
    let mut shutdown = pin!(driver.shutdown(Duration::from_millis(200)));
    let shares = Arc::new(Nothing);
    let waker = Waker::from(shares.clone());
    for _ in 0..1000 {
        assert!(shutdown.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    }
    assert_eq!(Arc::strong_count(&shares), 3, "ours, the waker's, and that of its one clone");
    assert_eq!(block_on(shutdown).cancelled, 1);
}
