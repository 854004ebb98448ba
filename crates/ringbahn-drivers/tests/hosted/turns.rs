//! Submissions that come together enter the kernel together, and single ones at once.

use std::io::Write as _;
use std::pin::Pin;
use std::sync::{Arc, Barrier, mpsc};
use std::task::Poll;
use std::time::Duration;

use futures::future::join_all;
use ringbahn_core::Drive;
use ringbahn_core::event::{Nop, Position, Read, Timeout};
use ringbahn_drivers::HostedDriver;

use crate::hosts::{end, in_each, in_time, in_tokio, on_smol, one_thread, threads};
use crate::scene::{pipe, poll_once, until};

const TASKS: usize = 64;
const ROUNDS: u64 = 20;

/// Fails unless `TASKS` tasks that have done `ROUNDS` operations each needed far fewer enters.
#[track_caller]
fn assert_gathered(driver: &HostedDriver, enters_before: u64) {
    let counters = driver.counters();
    let operations = TASKS as u64 * ROUNDS;
    let enters = counters.enters - enters_before;
    assert!(counters.completed >= operations, "{counters:#?}");
    assert!(enters <= operations / 10, "{enters} enters for {operations} operations");
}

async fn some_nops(driver: HostedDriver) {
    for _ in 0..ROUNDS {
        driver.clone().submit(Nop).await.unwrap();
    }
}

#[test]
fn tasks_of_one_turn_enter_together() {
    let test = "tasks_of_one_turn_enter_together";
    in_time(move || {
        one_thread().block_on(async {
            let Some(driver) = in_tokio(test, 128, 256) else { return };
            let tasks: Vec<_> =
                (0..TASKS).map(|_| tokio::spawn(some_nops(driver.clone()))).collect();
            join_all(tasks).await.into_iter().for_each(|joined| joined.unwrap());
            assert_gathered(&driver, 0);
            end(&driver).await;
        });
    });
    in_time(move || {
        let runtime = threads(1);
        runtime.block_on(async {
            let Some(driver) = in_tokio(test, 128, 256) else { return };
            let inside = driver.clone();
            // On the one worker, so that all of them are in its turns.
            let all = tokio::spawn(async move {
                let tasks: Vec<_> =
                    (0..TASKS).map(|_| tokio::spawn(some_nops(inside.clone()))).collect();
                join_all(tasks).await.into_iter().for_each(|joined| joined.unwrap());
            });
            all.await.unwrap();
            assert_gathered(&driver, 0);
            end(&driver).await;
        });
    });
    in_time(move || {
        let executor = Arc::new(smol::Executor::new());
        let Some(driver) = on_smol(test, &executor, 128, 256) else { return };
        smol::block_on(executor.run(async {
            let tasks: Vec<_> =
                (0..TASKS).map(|_| executor.spawn(some_nops(driver.clone()))).collect();
            join_all(tasks).await;
            assert_gathered(&driver, 0);
            end(&driver).await;
        }));
    });
}

#[test]
fn operations_that_one_task_joins_enter_together() {
    let test = "operations_that_one_task_joins_enter_together";
    // With one worker: among several the task wanders, and what it submits is gathered only where
    // the driver's task has been last.
    for runtime in [one_thread(), threads(1)] {
        in_time(move || {
            let Some(driver) = runtime.block_on(async { in_tokio(test, 128, 256) }) else { return };
            let inside = driver.clone();
            let joined = runtime.spawn(async move {
                for _ in 0..ROUNDS {
                    join_all((0..TASKS).map(|_| inside.clone().submit(Nop))).await;
                    // The driver's task learns on which thread these come.
                    tokio::task::yield_now().await;
                }
            });
            runtime.block_on(joined).unwrap();
            let enters = driver.counters().enters;
            let operations = TASKS as u64 * ROUNDS;
            assert!(enters <= operations / 5, "{enters} enters for {operations} operations");
            runtime.block_on(end(&driver));
        });
    }
}

#[test]
fn a_single_operation_that_need_not_wait_is_ready_at_its_first_poll() {
    let test = "a_single_operation_that_need_not_wait_is_ready_at_its_first_poll";
    in_each(test, 4, 8, |driver| async move {
        let mut ready = 0;
        for _ in 0..1000 {
            let mut nop = driver.clone().submit(Nop);
            match futures::poll!(Pin::new(&mut nop)) {
                Poll::Ready(done) => {
                    done.unwrap();
                    ready += 1;
                }
                Poll::Pending => nop.await.unwrap(),
            }
        }
        assert!(ready > 900, "{ready}");
    });
}

#[test]
fn what_is_gathered_reaches_the_kernel_though_nobody_polls_it_again() {
    let test = "what_is_gathered_reaches_the_kernel_though_nobody_polls_it_again";
    in_each(test, 16, 32, |driver| async move {
        for _ in 0..50 {
            // Several together: they are gathered.
            join_all((0..4).map(|_| driver.clone().submit(Nop))).await;
            let (reader, mut writer) = pipe();
            writer.write_all(b"x").unwrap();
            let forgotten = || Read::new(reader.clone(), [0; 1], Position::Current);
            let mut read = driver.clone().submit(forgotten());
            let taken = poll_once(Pin::new(&mut read)).is_ready();
            std::mem::forget(read);
            if !taken {
                let in_flight = || driver.counters().in_flight;
                while in_flight() > 0 {
                    driver.clone().submit(Timeout::new(Duration::from_micros(100))).await.unwrap();
                }
            }
        }
    });
}

#[test]
fn a_full_queue_is_submitted_before_the_turn_ends() {
    let test = "a_full_queue_is_submitted_before_the_turn_ends";
    in_each(test, 2, 4, |driver| async move {
        let mut timers: Vec<_> =
            (0..9).map(|_| driver.clone().submit(Timeout::new(Duration::from_secs(60)))).collect();
        for timer in &mut timers {
            assert!(futures::poll!(Pin::new(timer)).is_pending());
        }
        assert_eq!(driver.counters().in_flight, 9);
        assert_eq!(driver.counters().full_queue_waits, 0);
    });
}

#[test]
fn threads_outside_of_the_runtime_wait_for_no_turn() {
    let test = "threads_outside_of_the_runtime_wait_for_no_turn";
    in_time(move || {
        let runtime = one_thread();
        let driver = runtime.block_on(async {
            let driver = in_tokio(test, 16, 32)?;
            // Gathering is what it has learned.
            for _ in 0..10 {
                join_all((0..8).map(|_| driver.clone().submit(Nop))).await;
            }
            Some(driver)
        });
        let Some(driver) = driver else { return };
        // The runtime is not run, and nothing here needs it.
        let outside = driver.clone();
        let thread = std::thread::spawn(move || {
            for _ in 0..100 {
                crate::scene::run(outside.clone().submit(Nop)).unwrap();
            }
        });
        thread.join().unwrap();
        until("all is done", || driver.counters().in_flight == 0);
        runtime.block_on(end(&driver));
    });
}

/// While a thread that has gathered something does not come to the end of its turn.
#[test]
fn submissions_of_one_thread_do_not_wait_for_the_turn_of_another() {
    let test = "submissions_of_one_thread_do_not_wait_for_the_turn_of_another";
    in_time(move || {
        let runtime = threads(2);
        let Some(driver) = runtime.block_on(async { in_tokio(test, 128, 256) }) else { return };
        // Both block their threads, so that they are on one each.
        let apart = Arc::new(Barrier::new(2));
        let (opened, is_open) = mpsc::channel();
        let (finished, is_finished) = mpsc::channel();
        let (theirs, barrier) = (driver.clone(), apart.clone());
        let blocks = runtime.spawn(async move {
            barrier.wait();
            join_all((0..4).map(|_| theirs.clone().submit(Nop))).await;
            let mut gathered: Vec<_> = (0..4).map(|_| theirs.clone().submit(Nop)).collect();
            gathered.retain_mut(|nop| poll_once(Pin::new(nop)).is_pending());
            opened.send(()).unwrap();
            is_finished.recv().unwrap();
            join_all(gathered).await;
        });
        let ours = driver.clone();
        let goes_on = runtime.spawn(async move {
            apart.wait();
            is_open.recv().unwrap();
            for _ in 0..200 {
                join_all((0..4).map(|_| ours.clone().submit(Nop))).await;
            }
            finished.send(()).unwrap();
        });
        runtime.block_on(async { (goes_on.await.unwrap(), blocks.await.unwrap()) });
        runtime.block_on(end(&driver));
    });
}
