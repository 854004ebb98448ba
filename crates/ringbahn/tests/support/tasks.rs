//! Tasks that stay on one thread, for scenarios that must also run where nothing is `Send`.

use std::future::Future;
use std::rc::{Rc, Weak};

use smol::{LocalExecutor, Task};

/// Starts tasks beside a scenario. What is still running when the scenario ends is dropped.
#[derive(Clone)]
pub(crate) struct Tasks {
    // Tasks hold this as well, and would otherwise keep each other alive.
    executor: Weak<LocalExecutor<'static>>,
}

impl Tasks {
    /// Runs a scenario together with the tasks that it starts.
    pub(crate) async fn run<F: Future>(scenario: impl FnOnce(Tasks) -> F) -> F::Output {
        let executor = Rc::new(LocalExecutor::new());
        let tasks = Tasks { executor: Rc::downgrade(&executor) };
        executor.run(scenario(tasks)).await
    }

    /// Starts a task, which is dropped with its handle.
    pub(crate) fn spawn<T: 'static>(&self, task: impl Future<Output = T> + 'static) -> Task<T> {
        self.executor.upgrade().expect("the scenario is running").spawn(task)
    }
}

#[cfg(feature = "hyper")]
impl<F: Future<Output: 'static> + 'static> hyper::rt::Executor<F> for Tasks {
    fn execute(&self, future: F) {
        self.spawn(future).detach();
    }
}
