//! How a hosted driver comes to its end, whatever its runtime does.

use std::io::Write as _;
use std::pin::Pin;
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

use ringbahn_core::Drive;
use ringbahn_core::event::{Nop, Position, Read, Timeout, Write};
use ringbahn_drivers::Report;

use crate::hosts::{
    in_each, in_time, in_tokio, on_smol, one_thread, threads, threads_named, until_idle,
};
use crate::scene::{descriptors, in_child, pipe, run, shared, start, until};

const HOUR: Duration = Duration::from_secs(3600);

#[test]
fn a_shutdown_tells_what_became_of_the_operations() {
    let test = "a_shutdown_tells_what_became_of_the_operations";
    in_each(test, 8, 16, |driver| async move {
        let mut timers: Vec<_> =
            (0..3).map(|_| driver.clone().submit(Timeout::new(HOUR))).collect();
        timers.iter_mut().for_each(start);
        // Detached, so it is waited for, and completes.
        let mut short = driver.clone().submit(Timeout::new(Duration::from_millis(30)));
        start(&mut short);
        Pin::new(&mut short).detach();
        let begin = Instant::now();
        let shutdown = driver.shutdown(Duration::from_secs(20));
        let refused = driver.clone().submit(Nop).await.unwrap_err();
        assert_eq!(refused.kind(), std::io::ErrorKind::NotConnected);
        let report = shutdown.await;
        assert_eq!(report, Report { completed: 1, cancelled: 3, leaked: 0 });
        assert!(begin.elapsed() < Duration::from_secs(10), "it waited for nothing");
        for timer in timers {
            assert_eq!(timer.await.unwrap_err().raw_os_error(), Some(libc::ECANCELED));
        }
        assert_eq!(driver.shutdown(Duration::ZERO).await, report);
    });
}

#[test]
fn a_detached_operation_is_stopped_at_the_deadline() {
    let test = "a_detached_operation_is_stopped_at_the_deadline";
    in_each(test, 4, 8, |driver| async move {
        let mut timer = driver.clone().submit(Timeout::new(HOUR));
        start(&mut timer);
        Pin::new(&mut timer).detach();
        let begin = Instant::now();
        let deadline = Duration::from_millis(50);
        let report = driver.shutdown(deadline).await;
        assert_eq!(report, Report { completed: 0, cancelled: 1, leaked: 0 });
        assert!(begin.elapsed() >= deadline);
    });
}

#[test]
fn a_shutdown_needs_no_runtime_that_is_run() {
    let test = "a_shutdown_needs_no_runtime_that_is_run";
    in_time(move || {
        for runtime in [one_thread(), threads(1)] {
            let Some(driver) = runtime.block_on(async { in_tokio(test, 4, 8) }) else { return };
            let (reader, mut writer) = pipe();
            let mut cancelled = driver.clone().submit(Timeout::new(HOUR));
            start(&mut cancelled);
            let mut detached = driver.clone().submit(Read::new(reader, [0; 1], Position::Current));
            start(&mut detached);
            Pin::new(&mut detached).detach();
            let shutdown = driver.shutdown(Duration::from_secs(20));
            writer.write_all(b"x").unwrap();
            assert_eq!(run(shutdown), Report { completed: 1, cancelled: 1, leaked: 0 });
        }
    });
}

#[test]
fn a_shutdown_after_the_runtime_has_gone_ends() {
    let test = "a_shutdown_after_the_runtime_has_gone_ends";
    in_time(move || {
        for busy in [false, true] {
            let runtime = one_thread();
            let Some(driver) = runtime.block_on(async { in_tokio(test, 4, 8) }) else { return };
            let mut timer = driver.clone().submit(Timeout::new(HOUR));
            if busy {
                start(&mut timer);
            }
            drop(runtime);
            let report = run(driver.shutdown(Duration::from_secs(20)));
            assert_eq!(report, Report { completed: 0, cancelled: busy.into(), leaked: 0 });
        }
    });
}

/// The thread that waits for the end sleeps; one that reaps the last operation calls it.
#[test]
fn the_last_operation_may_be_reaped_by_another_thread() {
    let test = "the_last_operation_may_be_reaped_by_another_thread";
    in_time(move || {
        let runtime = threads(1);
        for round in 0..2000 {
            let Some(driver) = runtime.block_on(async { in_tokio(test, 2, 4) }) else { return };
            let (reader, mut writer) = pipe();
            let mut read = driver.clone().submit(Read::new(reader, [0; 1], Position::Current));
            start(&mut read);
            Pin::new(&mut read).detach();
            let begin = Instant::now();
            let shutdown = driver.shutdown(Duration::from_secs(15));
            // The read ends in this call, by this thread, which reaps it if it is the first.
            writer.write_all(b"x").unwrap();
            let cx = &mut Context::from_waker(Waker::noop());
            assert!(Pin::new(&mut &driver).poll_submit(cx).is_ready());
            assert_eq!(run(shutdown), Report { completed: 1, cancelled: 0, leaked: 0 });
            assert!(begin.elapsed() < Duration::from_secs(5), "in round {round}");
        }
    });
}

#[test]
fn the_last_handle_winds_up_and_gives_everything_back() {
    let test = "ends::the_last_handle_winds_up_and_gives_everything_back";
    in_child(test, || {
        in_time(move || {
            let runtime = threads(1);
            let executor = smol::Executor::new();
            smol::block_on(async_io_is_there());
            let before = descriptors();
            for round in 0..20_u8 {
                let driver = if round % 2 == 0 {
                    runtime.block_on(async { in_tokio(test, 4, 8).unwrap() })
                } else {
                    on_smol(test, &executor, 4, 8).unwrap()
                };
                let (reader, mut writer) = pipe();
                let mut abandoned = driver.clone().submit(Timeout::new(HOUR));
                start(&mut abandoned);
                let event = Read::new(reader, [0; 1], Position::Current);
                let mut detached = driver.clone().submit(event);
                start(&mut detached);
                Pin::new(&mut detached).detach();
                drop(abandoned);
                drop(driver);
                drop(detached);
                writer.write_all(b"x").unwrap();
                drop(writer);
                until("the descriptors are back", || {
                    while executor.try_tick() {}
                    descriptors() == before
                });
            }
            until("no helper is left", || threads_named("ringbahn-helper") == 0);
        });
    });
}

/// What async-io opens when it is used first.
async fn async_io_is_there() {
    smol::Timer::after(Duration::from_millis(1)).await;
}

#[test]
fn a_detached_write_outlives_the_last_handle_and_the_runtime() {
    let test = "a_detached_write_outlives_the_last_handle_and_the_runtime";
    in_time(move || {
        let runtime = one_thread();
        let Some(driver) = runtime.block_on(async { in_tokio(test, 4, 8) }) else { return };
        let (mut reader, writer) = std::io::pipe().unwrap();
        let writer = shared(writer);
        runtime.block_on(async {
            // Gathered: the first enters by itself, the others at the end of a turn that never
            // comes.
            for number in 0..3_u8 {
                let event = Write::new(writer.clone(), [number; 1], Position::Current);
                let mut write = driver.clone().submit(event);
                if futures::poll!(Pin::new(&mut write)).is_pending() {
                    Pin::new(&mut write).detach();
                }
            }
        });
        drop(runtime);
        until_idle(&driver);
        drop((driver, writer));
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut reader, &mut bytes).unwrap();
        bytes.sort_unstable();
        assert_eq!(bytes, [0, 1, 2]);
    });
}
