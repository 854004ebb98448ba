//! Shutdowns that others get in the way of.

use std::future::Future;
use std::io::Write;
use std::pin::{Pin, pin};
use std::sync::{Arc, Barrier, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};

use futures::executor::block_on;
use ringbahn_core::event::{Nop, Position, Read, Timeout};
use ringbahn_core::{Drive, SharedFd};

#[path = "support/scene.rs"]
mod scene;
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

#[test]
fn who_reaps_the_last_operation_calls_the_helper_that_waits_for_the_end() {
    let test = "who_reaps_the_last_operation_calls_the_helper_that_waits_for_the_end";
    for round in 0..ROUNDS * 5 {
        let Some(driver) = skip::driver(test, 4, 8) else { return };
        let (reader, mut writer) = std::io::pipe().unwrap();
        let read = Read::new(SharedFd::new(Arc::new(reader)), vec![0; 8], Position::Current);
        let mut read = pin!(driver.clone().submit(read));
        let cx = &mut Context::from_waker(Waker::noop());
        assert!(read.as_mut().poll(cx).is_pending());
        read.as_mut().detach();
        let start = Instant::now();
        let shutdown = driver.shutdown(Duration::from_secs(20));
        // The read ends in this call, by this thread, which reaps before the helper gets to it.
        writer.write_all(b"the end").unwrap();
        assert!(Pin::new(&mut &driver).poll_submit(cx).is_ready());
        let report = block_on(shutdown);
        assert_eq!((report.completed, report.leaked), (1, 0), "in round {round}");
        assert!(start.elapsed() < Duration::from_secs(10), "in round {round}");
    }
}

struct Nothing;

impl Wake for Nothing {
    fn wake(self: Arc<Self>) {}
}

/// A process of its own, whose threads are all the driver's.
#[test]
fn a_first_operation_during_the_shutdown_leaves_no_thread_behind() {
    scene::in_child("a_first_operation_during_the_shutdown_leaves_no_thread_behind", || {
        let before = scene::threads();
        for round in 0..ROUNDS {
            let driver = skip::driver("", 1, 2).unwrap();
            let barrier = Arc::new(Barrier::new(2));
            let (other, start) = (driver.clone(), barrier.clone());
            let thread = thread::spawn(move || {
                start.wait();
                let _ = block_on(other.submit(Nop));
            });
            barrier.wait();
            for _ in 0..round % 64 {
                std::hint::spin_loop();
            }
            assert_eq!(block_on(driver.shutdown(Duration::from_secs(10))).leaked, 0);
            thread.join().unwrap();
        }
        scene::until("all threads are gone", || scene::threads() == before);
    });
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
