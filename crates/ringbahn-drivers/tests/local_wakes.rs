//! Wakes of a local driver's thread from other threads: none is lost, and few cost a call.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::channel;
use std::task::{Poll, Waker};
use std::thread;
use std::time::Duration;

use futures::StreamExt;
use futures::channel::{mpsc, oneshot};
use ringbahn_core::Drive;
use ringbahn_core::event::{Nop, Timeout};

#[path = "support/local.rs"]
mod local;
#[path = "support/scene.rs"]
mod scene;
#[path = "support/skip.rs"]
mod skip;

use local::{end, in_time, yields};

/// How many calls that write this thread has made. Where the kernel does not count them: 0.
fn writes_of_this_thread() -> u64 {
    let io = std::fs::read_to_string("/proc/thread-self/io").unwrap_or_default();
    let line = io.lines().find_map(|line| line.strip_prefix("syscw: "));
    line.and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// A million wakes, of which the last ones must all arrive; each thread counts its system calls.
#[test]
fn no_wake_of_a_million_is_lost_and_each_sleep_costs_one_call_at_most() {
    let test = "no_wake_of_a_million_is_lost_and_each_sleep_costs_one_call_at_most";
    const THREADS: u64 = 3;
    const WAKES: u64 = 333_334;
    in_time(move || {
        let Some(driver) = local::driver(test, 1, 2) else { return };
        // The bell is hung up; each sleep from now on is one enter.
        driver.block_on(driver.clone().submit(Timeout::new(Duration::from_millis(1)))).unwrap();
        let sent = Arc::new(AtomicU64::new(0));
        let waker = driver.block_on(poll_fn(|cx| Poll::Ready(cx.waker().clone())));
        let threads: Vec<_> = (0..THREADS)
            .map(|_| {
                let (sent, waker) = (sent.clone(), waker.clone());
                thread::spawn(move || {
                    let before = writes_of_this_thread();
                    for _ in 0..WAKES {
                        sent.fetch_add(1, Ordering::Release);
                        waker.wake_by_ref();
                    }
                    writes_of_this_thread() - before
                })
            })
            .collect();
        let before = driver.counters().enters;
        let mut polls = 0_u64;
        driver.block_on(poll_fn(|_| {
            polls += 1;
            match sent.load(Ordering::Acquire) {
                all if all == THREADS * WAKES => Poll::Ready(()),
                _ => Poll::Pending,
            }
        }));
        let enters = driver.counters().enters - before;
        let writes: u64 = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
        assert!(writes <= enters + 1, "{writes} writes for {enters} sleeps");
        assert!(polls <= THREADS * WAKES + 2);
        end(&driver);
    });
}

/// Each message waits for the answer to the one before, so one lost wake ends it all.
#[test]
fn a_conversation_between_threads_goes_on_whether_the_thread_is_about_to_sleep_or_asleep() {
    let test =
        "a_conversation_between_threads_goes_on_whether_the_thread_is_about_to_sleep_or_asleep";
    const ROUNDS: u32 = 50_000;
    in_time(move || {
        let Some(driver) = local::driver(test, 1, 2) else { return };
        let (sender, mut receiver) = mpsc::unbounded::<u32>();
        let (answers, questions) = channel::<u32>();
        let other = thread::spawn(move || {
            for question in questions {
                // Now at once, now a little later: before and after the other one sleeps.
                (0..question % 64 * 8).for_each(|_| std::hint::spin_loop());
                sender.unbounded_send(question).unwrap();
            }
        });
        driver.block_on(async {
            for round in 0..ROUNDS {
                answers.send(round).unwrap();
                if round % 3 == 0 {
                    driver.clone().submit(Nop).await.unwrap();
                }
                assert_eq!(receiver.next().await, Some(round));
                if round % 5 == 0 {
                    yields().await;
                }
            }
        });
        drop(answers);
        other.join().unwrap();
        end(&driver);
    });
}

#[test]
fn two_drivers_on_two_threads_wake_each_other() {
    let test = "two_drivers_on_two_threads_wake_each_other";
    const ROUNDS: u32 = 20_000;
    in_time(move || {
        if local::driver(test, 1, 2).is_none() {
            return;
        }
        let (to_there, mut there) = mpsc::unbounded::<u32>();
        let (to_here, mut here) = mpsc::unbounded::<u32>();
        let other = thread::spawn(move || {
            let driver = local::driver(test, 1, 2).unwrap();
            driver.block_on(async {
                while let Some(number) = there.next().await {
                    to_here.unbounded_send(number).unwrap();
                }
            });
            end(&driver);
        });
        let driver = local::driver(test, 1, 2).unwrap();
        driver.block_on(async {
            for round in 0..ROUNDS {
                to_there.unbounded_send(round).unwrap();
                assert_eq!(here.next().await, Some(round));
            }
        });
        drop(to_there);
        other.join().unwrap();
        end(&driver);
    });
}

#[test]
fn wakers_that_outlive_their_driver_and_its_thread_do_no_harm() {
    let test = "wakers_that_outlive_their_driver_and_its_thread_do_no_harm";
    in_time(move || {
        let (sender, receiver) = channel();
        thread::spawn(move || {
            for shut_down in [true, false] {
                let Some(driver) = local::driver(test, 1, 2) else { return };
                let waker = driver.block_on(poll_fn(|cx| Poll::Ready(cx.waker().clone())));
                driver
                    .block_on(driver.clone().submit(Timeout::new(Duration::from_millis(1))))
                    .unwrap();
                if shut_down {
                    end(&driver);
                }
                sender.send(waker).unwrap();
            }
        })
        .join()
        .unwrap();
        let wakers: Vec<Waker> = receiver.into_iter().collect();
        // A driver that has come to the place of the former one may be polled for nothing.
        let Some(driver) = local::driver(test, 1, 2) else { return };
        let over = Arc::new(AtomicBool::new(false));
        let noise = thread::spawn({
            let over = over.clone();
            move || {
                while !over.load(Ordering::SeqCst) {
                    wakers.iter().for_each(Waker::wake_by_ref);
                }
                wakers.into_iter().for_each(Waker::wake);
            }
        });
        let wait = || {
            let mut polls = 0;
            let mut timer = driver.clone().submit(Timeout::new(Duration::from_millis(50)));
            driver
                .block_on(poll_fn(|cx| {
                    polls += 1;
                    std::future::Future::poll(std::pin::Pin::new(&mut timer), cx)
                }))
                .unwrap();
            polls
        };
        wait();
        over.store(true, Ordering::SeqCst);
        noise.join().unwrap();
        let polls = wait();
        assert!(polls <= 3, "{polls} polls, though all is quiet");
        end(&driver);
    });
}

/// The inner call takes the wake that was meant for the outer one.
#[test]
fn a_wake_of_an_outer_future_that_comes_during_an_inner_one_is_kept() {
    let test = "a_wake_of_an_outer_future_that_comes_during_an_inner_one_is_kept";
    in_time(move || {
        let Some(driver) = local::driver(test, 1, 2) else { return };
        for _ in 0..100 {
            let (sender, receiver) = oneshot::channel();
            let (inner_sender, inner_receiver) = oneshot::channel();
            driver.block_on(async {
                let mut receiver = Box::pin(receiver);
                assert!(local::poll_once(receiver.as_mut()).await.is_pending());
                let other = thread::spawn(move || {
                    sender.send(1).unwrap();
                    inner_sender.send(2).unwrap();
                });
                assert_eq!(driver.block_on(inner_receiver), Ok(2));
                assert_eq!(receiver.await, Ok(1));
                other.join().unwrap();
            });
        }
        end(&driver);
    });
}
