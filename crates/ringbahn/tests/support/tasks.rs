//! Tasks that stay on one thread, for scenarios that must also run where nothing is `Send`.
#![allow(dead_code, reason = "no test uses all of it")]

use std::future::Future;
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::task::{Context, Poll};

use ringbahn::{LocalDriver, LocalExecutor, LocalSpawner, LocalTask};

use super::support::local_driver;

/// Starts tasks beside a scenario. What is still running when the scenario ends is dropped.
#[derive(Clone)]
pub(crate) enum Tasks {
    /// On an executor that knows nothing of drivers. Tasks hold this as well, and would otherwise
    /// keep each other alive.
    Any(Weak<smol::LocalExecutor<'static>>),
    /// On that of the local driver.
    Local(LocalSpawner),
}

/// A task of either kind, which is dropped with this.
pub(crate) enum Task<T> {
    Any(smol::Task<T>),
    Local(LocalTask<T>),
}

impl<T> Task<T> {
    /// Lets it run on by itself.
    pub(crate) fn detach(self) {
        match self {
            Task::Any(task) => task.detach(),
            Task::Local(task) => task.detach(),
        }
    }
}

impl<T> Future for Task<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        match &mut *self {
            Task::Any(task) => Pin::new(task).poll(cx),
            Task::Local(task) => Pin::new(task).poll(cx),
        }
    }
}

impl Tasks {
    /// Runs a scenario together with the tasks that it starts.
    pub(crate) async fn run<F: Future>(scenario: impl FnOnce(Tasks) -> F) -> F::Output {
        let executor = Rc::new(smol::LocalExecutor::new());
        let tasks = Tasks::Any(Rc::downgrade(&executor));
        executor.run(scenario(tasks)).await
    }

    /// Starts a task, which is dropped with its handle.
    pub(crate) fn spawn<T: 'static>(&self, task: impl Future<Output = T> + 'static) -> Task<T> {
        match self {
            Tasks::Any(tasks) => {
                Task::Any(tasks.upgrade().expect("the scenario is running").spawn(task))
            }
            Tasks::Local(tasks) => Task::Local(tasks.spawn(task)),
        }
    }
}

/// Runs a scenario on a local driver, where there is io_uring.
pub(crate) fn on_local_driver<F: Future>(
    test: &str,
    scenario: impl FnOnce(LocalDriver, Tasks) -> F,
) {
    let Some(driver) = local_driver(test) else { return };
    let executor = LocalExecutor::with_driver(driver.clone());
    let tasks = Tasks::Local(executor.spawner());
    executor.block_on(scenario(driver, tasks));
}

#[cfg(feature = "hyper")]
impl<F: Future<Output: 'static> + 'static> hyper::rt::Executor<F> for Tasks {
    fn execute(&self, future: F) {
        self.spawn(future).detach();
    }
}
