//! Runtimes that are not there, that go away, and that are not the only one.

use std::io::{self, Write as _};
use std::pin::Pin;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use futures::future::join_all;
use ringbahn_core::Drive;
use ringbahn_core::event::{Accept, Nop, Position, Read, Timeout};
use ringbahn_drivers::{HostedDriver, NoHost};
use tokio::runtime::Builder;

use crate::hosts::{
    built, end, in_time, in_tokio, on_smol, one_thread, settings, threads, threads_named,
    until_idle,
};
use crate::scene::{in_child, pipe, run, shared, start};

fn reason(error: &io::Error) -> Option<&NoHost> {
    error.get_ref().and_then(|inner| inner.downcast_ref::<NoHost>())
}

#[test]
fn without_a_runtime_the_error_says_what_to_do() {
    let error = HostedDriver::tokio().unwrap_err();
    assert_eq!(reason(&error), Some(&NoHost::NoRuntime));
    assert_eq!(error.kind(), io::ErrorKind::NotFound);
    assert!(error.to_string().contains("runtime.enter()"), "{error}");
}

#[test]
fn a_runtime_without_io_is_told_apart() {
    let test = "a_runtime_without_io_is_told_apart";
    let runtime = Builder::new_current_thread().build().unwrap();
    let error = runtime.block_on(async { HostedDriver::tokio().unwrap_err() });
    if reason(&error).is_none() {
        return assert!(built(test, Err(error)).is_none());
    }
    assert_eq!(reason(&error), Some(&NoHost::NoIo));
    assert!(error.to_string().contains("enable_io"), "{error}");
}

/// Operations in flight when their runtime goes are ended by a helper, which new ones have, too.
fn outlive(test: &'static str, runtime: tokio::runtime::Runtime) {
    in_time(move || {
        let Some(driver) = runtime.block_on(async { in_tokio(test, 4, 8) }) else { return };
        let (reader, mut writer) = pipe();
        let read = Read::new(reader, [0; 1], Position::Current);
        let mut read = driver.clone().submit(read);
        let timer = Timeout::new(Duration::from_millis(50));
        let mut timer = driver.clone().submit(timer);
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let mut accept = driver.clone().submit(Accept::new(shared(listener)));
        // Submitted by a thread of the runtime, which goes with it.
        let task = runtime.spawn(async move {
            start(&mut read);
            start(&mut timer);
            start(&mut accept);
            (read, timer, accept)
        });
        let (read, timer, accept) = runtime.block_on(task).unwrap();
        assert!(driver.is_hosted());
        drop(runtime);
        assert!(!driver.is_hosted());
        run(timer).unwrap();
        writer.write_all(b"x").unwrap();
        assert_eq!(run(read).1, *b"x");
        let client = std::net::TcpStream::connect(address).unwrap();
        assert_eq!(run(accept).unwrap().1.as_inet(), client.local_addr().ok());
        run(driver.clone().submit(Timeout::new(Duration::from_millis(1)))).unwrap();
        run(driver.clone().submit(Nop)).unwrap();
        run(end(&driver));
    });
}

#[test]
fn operations_outlive_a_runtime_of_one_thread() {
    outlive("operations_outlive_a_runtime_of_one_thread", one_thread());
}

#[test]
fn operations_outlive_a_runtime_of_two_threads() {
    outlive("operations_outlive_a_runtime_of_two_threads", threads(2));
}

#[test]
fn operations_outlive_an_executor_of_smol() {
    let test = "operations_outlive_an_executor_of_smol";
    in_time(move || {
        let executor = smol::Executor::new();
        let Some(driver) = on_smol(test, &executor, 4, 8) else { return };
        let (reader, mut writer) = pipe();
        let mut read = driver.clone().submit(Read::new(reader, [0; 1], Position::Current));
        start(&mut read);
        drop(executor);
        assert!(!driver.is_hosted());
        writer.write_all(b"x").unwrap();
        assert_eq!(run(read).1, *b"x");
        run(end(&driver));
    });
}

#[test]
fn an_idle_driver_whose_runtime_has_gone_gets_a_helper_with_the_next_operation() {
    let test =
        "runtimes::an_idle_driver_whose_runtime_has_gone_gets_a_helper_with_the_next_operation";
    in_child(test, || {
        in_time(move || {
            let runtime = one_thread();
            let driver = runtime.block_on(async {
                let driver = in_tokio(test, 2, 4).unwrap();
                driver.clone().submit(Nop).await.unwrap();
                driver
            });
            drop(runtime);
            assert_eq!(threads_named("ringbahn-helper"), 0);
            run(driver.clone().submit(Timeout::new(Duration::from_millis(1)))).unwrap();
            assert_eq!(threads_named("ringbahn-helper"), 1);
            run(end(&driver));
        });
    });
}

#[test]
fn a_task_that_is_dropped_instead_of_spawned_leaves_the_ring_to_a_helper() {
    let test = "a_task_that_is_dropped_instead_of_spawned_leaves_the_ring_to_a_helper";
    in_time(move || {
        let Some(driver) = built(test, settings(2, 4).build_on_async_io(drop)) else { return };
        assert!(!driver.is_hosted());
        run(driver.clone().submit(Timeout::new(Duration::from_millis(1)))).unwrap();
        run(end(&driver));
    });
}

#[test]
fn a_runtime_may_be_dropped_at_any_moment() {
    let test = "a_runtime_may_be_dropped_at_any_moment";
    in_time(move || {
        for round in 0..100 {
            let runtime = threads(1);
            let Some(driver) = runtime.block_on(async { in_tokio(test, 4, 8) }) else { return };
            let outside = driver.clone();
            let thread = thread::spawn(move || {
                for _ in 0..20 {
                    run(outside.clone().submit(Timeout::new(Duration::from_micros(50)))).unwrap();
                    run(outside.clone().submit(Nop)).unwrap();
                }
            });
            let inside = driver.clone();
            runtime.spawn(async move {
                loop {
                    join_all((0..3).map(|_| inside.clone().submit(Nop))).await;
                }
            });
            // sleep: moves the end of the runtime across the operations; any order is right.
            thread::sleep(Duration::from_micros(20 * round));
            drop(runtime);
            thread.join().unwrap();
            run(end(&driver));
        }
    });
}

#[test]
fn a_driver_serves_tasks_of_another_runtime_and_of_none() {
    let test = "a_driver_serves_tasks_of_another_runtime_and_of_none";
    in_time(move || {
        let home = threads(1);
        let Some(driver) = home.block_on(async { in_tokio(test, 4, 8) }) else { return };
        let work = |driver: HostedDriver| async move {
            for _ in 0..50 {
                let timer = driver.clone().submit(Timeout::new(Duration::from_micros(100)));
                timer.await.unwrap();
                join_all((0..3).map(|_| driver.clone().submit(Nop))).await;
            }
        };
        one_thread().block_on(work(driver.clone()));
        threads(2).block_on(async { tokio::spawn(work(driver.clone())).await.unwrap() });
        smol::block_on(work(driver.clone()));
        run(Box::pin(work(driver.clone())));
        assert!(driver.is_hosted());
        run(end(&driver));
    });
}

#[test]
fn two_runtimes_have_a_driver_each_and_use_both() {
    let test = "two_runtimes_have_a_driver_each_and_use_both";
    in_time(move || {
        let runtimes = [threads(1), threads(1)];
        let drivers = runtimes.each_ref().map(|one| one.block_on(async { in_tokio(test, 4, 8) }));
        let [Some(first), Some(second)] = drivers else { return };
        let tasks: Vec<_> = runtimes
            .iter()
            .flat_map(|runtime| [(runtime, first.clone()), (runtime, second.clone())])
            .map(|(runtime, driver)| {
                runtime.spawn(async move {
                    for _ in 0..100 {
                        let timer = Timeout::new(Duration::from_micros(50));
                        driver.clone().submit(timer).await.unwrap();
                    }
                })
            })
            .collect();
        run(join_all(tasks)).into_iter().for_each(|joined| joined.unwrap());
        let [one, other] = runtimes;
        drop(one);
        run(first.clone().submit(Timeout::new(Duration::from_millis(1)))).unwrap();
        run(end(&first));
        run(second.clone().submit(Timeout::new(Duration::from_millis(1)))).unwrap();
        run(end(&second));
        drop(other);
    });
}

#[test]
fn a_runtime_that_was_not_run_for_a_while_reaps_when_it_is() {
    let test = "a_runtime_that_was_not_run_for_a_while_reaps_when_it_is";
    in_time(move || {
        let runtime = one_thread();
        let Some(driver) = runtime.block_on(async { in_tokio(test, 4, 8) }) else { return };
        let (reader, mut writer) = pipe();
        let mut read = driver.clone().submit(Read::new(reader, [0; 1], Position::Current));
        start(&mut read);
        writer.write_all(b"x").unwrap();
        assert_eq!(runtime.block_on(read).1, *b"x");
        runtime.block_on(end(&driver));
    });
}

#[test]
fn a_local_executor_can_have_the_task() {
    let test = "a_local_executor_can_have_the_task";
    in_time(move || {
        let executor = Arc::new(smol::Executor::new());
        let local = smol::LocalExecutor::new();
        let spawned = settings(4, 8).build_on_async_io(|task| local.spawn(task).detach());
        let Some(driver) = built(test, spawned) else { return };
        smol::block_on(executor.run(local.run(async {
            let timer = driver.clone().submit(Timeout::new(Duration::from_millis(1)));
            let mut timer = Box::pin(timer);
            assert!(futures::poll!(Pin::new(&mut timer)).is_pending());
            timer.await.unwrap();
            end(&driver).await;
        })));
        until_idle(&driver);
    });
}
