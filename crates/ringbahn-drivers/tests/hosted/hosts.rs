//! The runtimes that scenarios are run in.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use ringbahn_drivers::{HostedBuilder, HostedDriver, Report};
use tokio::runtime::{Builder, Runtime};

use crate::{scene, skip};

/// How long a scenario may take.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) fn one_thread() -> Runtime {
    Builder::new_current_thread().enable_io().build().unwrap()
}

pub(crate) fn threads(count: usize) -> Runtime {
    Builder::new_multi_thread().worker_threads(count).enable_io().build().unwrap()
}

/// A builder of a driver of the given size, which takes every operation through its ring.
pub(crate) fn settings(entries: u32, completions: u32) -> HostedBuilder {
    HostedDriver::builder().entries(entries).completion_entries(completions).serve_at_once(false)
}

/// A driver in this thread's runtime of tokio, or `None` and a line in the log where there is no
/// io_uring.
pub(crate) fn in_tokio(test: &str, entries: u32, completions: u32) -> Option<HostedDriver> {
    built(test, settings(entries, completions).build_in_tokio())
}

/// A driver whose task runs on `executor`, or `None` and a line in the log where there is no
/// io_uring.
pub(crate) fn on_smol(
    test: &str,
    executor: &smol::Executor<'static>,
    entries: u32,
    completions: u32,
) -> Option<HostedDriver> {
    let settings = settings(entries, completions);
    built(test, settings.build_on_async_io(|task| executor.spawn(task).detach()))
}

pub(crate) fn built(test: &str, driver: io::Result<HostedDriver>) -> Option<HostedDriver> {
    match driver {
        Ok(driver) => Some(driver),
        Err(error) => {
            skip::skip(test, &format!("no io_uring: {error}"));
            None
        }
    }
}

/// Runs `scenario` on a thread of its own, and fails where it does not end in time.
#[track_caller]
pub(crate) fn in_time(scenario: impl FnOnce() + Send + 'static) {
    let (sender, receiver) = channel::<()>();
    let thread = thread::spawn(move || {
        let _sender = sender;
        scenario();
    });
    match receiver.recv_timeout(PATIENCE) {
        Err(RecvTimeoutError::Timeout) => panic!("the scenario has not ended in time"),
        _ => {
            if let Err(panic) = thread.join() {
                std::panic::resume_unwind(panic);
            }
        }
    }
}

/// Runs `scenario` in each kind of runtime, with a driver of the given size, and shuts that down.
#[track_caller]
pub(crate) fn in_each<F: Future<Output = ()> + Send + 'static>(
    test: &'static str,
    entries: u32,
    completions: u32,
    scenario: impl Fn(HostedDriver) -> F + Clone + Send + 'static,
) {
    in_each_with(test, settings(entries, completions), scenario);
}

/// Runs `scenario` in each kind of runtime, with a driver of these settings, and shuts that down.
#[track_caller]
pub(crate) fn in_each_with<F: Future<Output = ()> + Send + 'static>(
    test: &'static str,
    settings: HostedBuilder,
    scenario: impl Fn(HostedDriver) -> F + Clone + Send + 'static,
) {
    let (on, with) = (scenario.clone(), settings.clone());
    in_time(move || {
        one_thread().block_on(async {
            let Some(driver) = built(test, with.build_in_tokio()) else { return };
            on(driver.clone()).await;
            end(&driver).await;
        });
    });
    let (on, with) = (scenario.clone(), settings.clone());
    in_time(move || {
        threads(2).block_on(async {
            let Some(driver) = built(test, with.build_in_tokio()) else { return };
            tokio::spawn(on(driver.clone())).await.unwrap();
            end(&driver).await;
        });
    });
    in_time(move || {
        let executor = Arc::new(smol::Executor::new());
        let driver = settings.build_on_async_io(|task| executor.spawn(task).detach());
        let Some(driver) = built(test, driver) else { return };
        smol::block_on(executor.run(async {
            executor.spawn(scenario(driver.clone())).await;
            end(&driver).await;
        }));
    });
}

/// A shutdown after which all accounts balance.
pub(crate) async fn end(driver: &HostedDriver) -> Report {
    let report = driver.shutdown(Duration::from_secs(10)).await;
    let counters = driver.counters();
    assert_eq!(report.leaked, 0, "{counters:#?}");
    assert_eq!(counters.submitted, counters.completed, "{counters:#?}");
    assert_eq!((counters.in_flight, counters.unknown_cqes), (0, 0), "{counters:#?}");
    report
}

/// Waits until the kernel has let go of everything.
#[track_caller]
pub(crate) fn until_idle(driver: &HostedDriver) {
    scene::until("nothing is in flight", || {
        let counters = driver.counters();
        counters.in_flight == 0 && counters.submitted == counters.completed
    });
}

/// How many threads of this process have that name.
pub(crate) fn threads_named(name: &str) -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let names =
        tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok());
    names.filter(|thread| thread.trim() == name).count()
}
