//! What a hosted driver does not do: start threads, and run while nothing happens.

use std::future::Future;
use std::io::Write as _;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::thread;
use std::time::Duration;

use futures::future::join_all;
use ringbahn_core::Drive;
use ringbahn_core::event::{Nop, Position, Read, Timeout};
use ringbahn_drivers::{HostedDriver, HostedTask};

use crate::hosts::{built, end, in_time, in_tokio, on_smol, one_thread, settings, threads_named};
use crate::scene::{in_child, pipe, run, start, threads};

async fn work(driver: &HostedDriver) {
    for _ in 0..20 {
        let timer = driver.clone().submit(Timeout::new(Duration::from_micros(200)));
        timer.await.unwrap();
        join_all((0..20).map(|_| driver.clone().submit(Nop))).await;
        let mut dropped = driver.clone().submit(Timeout::new(Duration::from_secs(60)));
        start(&mut dropped);
    }
}

#[test]
fn a_driver_in_tokio_has_no_thread_of_its_own() {
    let test = "quiet::a_driver_in_tokio_has_no_thread_of_its_own";
    in_child(test, || {
        in_time(move || {
            let runtime = one_thread();
            let before = threads();
            runtime.block_on(async {
                let driver = in_tokio(test, 4, 8).unwrap();
                work(&driver).await;
                assert_eq!(threads(), before);
                end(&driver).await;
                assert_eq!(threads_named("ringbahn-helper"), 0);
            });
        });
    });
}

#[test]
fn a_driver_on_smol_has_no_thread_but_the_reactors() {
    let test = "quiet::a_driver_on_smol_has_no_thread_but_the_reactors";
    in_child(test, || {
        in_time(move || {
            let executor = smol::Executor::new();
            smol::block_on(smol::Timer::after(Duration::from_millis(1)));
            let before = threads();
            let driver = on_smol(test, &executor, 4, 8).unwrap();
            smol::block_on(executor.run(async {
                work(&driver).await;
                assert_eq!(threads(), before);
                end(&driver).await;
                assert_eq!(threads_named("ringbahn-helper"), 0);
            }));
        });
    });
}

/// The driver's task, and how often it was polled.
struct Counted {
    task: HostedTask,
    polls: Arc<AtomicU64>,
}

impl Future for Counted {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.polls.fetch_add(1, Ordering::SeqCst);
        Pin::new(&mut self.task).poll(cx)
    }
}

#[test]
fn an_idle_driver_sleeps() {
    let test = "an_idle_driver_sleeps";
    in_time(move || {
        let executor = smol::Executor::new();
        let polls = Arc::new(AtomicU64::new(0));
        let counter = polls.clone();
        let spawned = settings(4, 8).build_on_async_io(|task| {
            executor.spawn(Counted { task, polls: counter }).detach();
        });
        let Some(driver) = built(test, spawned) else { return };
        let (reader, mut writer) = pipe();
        smol::block_on(executor.run(async {
            work(&driver).await;
            let read = Read::new(reader, [0; 1], Position::Current);
            let mut read = driver.clone().submit(read);
            assert!(futures::poll!(Pin::new(&mut read)).is_pending());
            // Whatever was under way comes to rest.
            smol::Timer::after(Duration::from_millis(100)).await;
            let (enters, turns) = (driver.counters().enters, polls.load(Ordering::SeqCst));
            smol::Timer::after(Duration::from_millis(300)).await;
            assert_eq!(driver.counters().enters, enters);
            assert_eq!(polls.load(Ordering::SeqCst), turns, "its task ran while nothing happened");
            writer.write_all(b"x").unwrap();
            assert_eq!(read.await.1, *b"x");
            end(&driver).await;
        }));
    });
}

/// How long the calling thread has run, in nanoseconds.
fn time_run() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    text.split_whitespace().next().unwrap().parse().unwrap()
}

#[test]
fn an_idle_runtime_of_tokio_sleeps() {
    let test = "an_idle_runtime_of_tokio_sleeps";
    in_time(move || {
        one_thread().block_on(async {
            let Some(driver) = in_tokio(test, 4, 8) else { return };
            work(&driver).await;
            let (enters, ran) = (driver.counters().enters, time_run());
            driver.clone().submit(Timeout::new(Duration::from_millis(500))).await.unwrap();
            let (enters, ran) = (driver.counters().enters - enters, time_run() - ran);
            assert!(enters <= 2, "{enters} enters for one operation");
            assert!(ran < 100_000_000, "it ran for {ran} ns of half a second");
            end(&driver).await;
        });
    });
}

#[test]
fn completions_of_other_threads_reach_an_idle_runtime() {
    let test = "completions_of_other_threads_reach_an_idle_runtime";
    in_time(move || {
        one_thread().block_on(async {
            let Some(driver) = in_tokio(test, 4, 8) else { return };
            let (sender, receiver) = tokio::sync::oneshot::channel();
            let outside = driver.clone();
            let thread = thread::spawn(move || {
                for _ in 0..200 {
                    run(outside.clone().submit(Timeout::new(Duration::from_micros(50)))).unwrap();
                }
                sender.send(()).unwrap();
            });
            receiver.await.unwrap();
            thread.join().unwrap();
            end(&driver).await;
        });
    });
}
