//! The [`Host`]s: what runs the futures of a driver.

use std::future::Future;
use std::marker::PhantomData;

use async_executor::LocalExecutor;
use ringbahn::LocalDriver;
use ringbahn_drivers::LocalTasks;
use tokio::runtime::{Builder, Runtime};

use super::host::{Build, DriverOf, Host, Spawn};
use crate::laboratory::contender::Failure;

/// The tasks that a local driver polls itself.
pub(super) struct OnLocalTasks<B> {
    tasks: LocalTasks,
    build: PhantomData<B>,
}

impl<B: Build<Driver = LocalDriver>> Host for OnLocalTasks<B> {
    type Build = B;

    fn new() -> Result<Self, Failure> {
        Ok(OnLocalTasks { tasks: LocalTasks::new(&B::build()?), build: PhantomData })
    }

    fn driver(&self) -> LocalDriver {
        self.tasks.driver().clone()
    }

    fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.tasks.driver().block_on(future)
    }
}

impl<B, F> Spawn<F> for OnLocalTasks<B>
where
    B: Build<Driver = LocalDriver>,
    F: Future<Output: 'static> + 'static,
{
    fn spawn(&self, future: F) -> impl Future<Output = F::Output> {
        self.tasks.spawn(future)
    }

    fn detach(&self, future: F) {
        self.tasks.spawn(future).detach();
    }
}

/// A small executor for one thread, which knows nothing of drivers.
pub(super) struct OnExecutor<B: Build> {
    driver: B::Driver,
    executor: LocalExecutor<'static>,
}

impl<B: Build> Host for OnExecutor<B> {
    type Build = B;

    fn new() -> Result<Self, Failure> {
        Ok(OnExecutor { driver: B::build()?, executor: LocalExecutor::new() })
    }

    fn driver(&self) -> DriverOf<Self> {
        self.driver.clone()
    }

    fn block_on<F: Future>(&self, future: F) -> F::Output {
        futures::executor::block_on(self.executor.run(future))
    }
}

impl<B, F> Spawn<F> for OnExecutor<B>
where
    B: Build,
    F: Future<Output: 'static> + 'static,
{
    fn spawn(&self, future: F) -> impl Future<Output = F::Output> {
        self.executor.spawn(future)
    }

    fn detach(&self, future: F) {
        self.executor.spawn(future).detach();
    }
}

/// tokio, with so many worker threads; none is the runtime of one thread.
pub(super) struct InTokio<B: Build, const WORKERS: usize> {
    driver: B::Driver,
    runtime: Runtime,
}

impl<B: Build, const WORKERS: usize> Host for InTokio<B, WORKERS> {
    type Build = B;

    fn new() -> Result<Self, Failure> {
        let runtime = match WORKERS {
            0 => Builder::new_current_thread().enable_all().build()?,
            workers => Builder::new_multi_thread().worker_threads(workers).enable_all().build()?,
        };
        Ok(InTokio { driver: runtime.block_on(async { B::build() })?, runtime })
    }

    fn driver(&self) -> DriverOf<Self> {
        self.driver.clone()
    }

    fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }
}

impl<B, F, const WORKERS: usize> Spawn<F> for InTokio<B, WORKERS>
where
    B: Build,
    F: Future<Output: Send + 'static> + Send + 'static,
{
    fn spawn(&self, future: F) -> impl Future<Output = F::Output> {
        let task = self.runtime.spawn(future);
        async { task.await.expect("a task ends by itself, and does not panic") }
    }

    fn detach(&self, future: F) {
        self.runtime.spawn(future);
    }
}
