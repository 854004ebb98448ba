//! [`Pool`]: threads for calls that block.

use std::collections::VecDeque;
use std::num::NonZero;
use std::sync::{Arc, Condvar, Mutex};
use std::thread::available_parallelism;
use std::time::Duration;

use super::engine::{Core, lock};
use super::operations::Id;
use super::thread::spawn;

/// How long a thread without work stays.
const IDLE_TIME: Duration = Duration::from_secs(2);

/// What a call may block for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// A disk, or something else that answers: four threads for each processor, eight at least.
    Files,
    /// Something that may never come: 256 threads.
    Others,
}

/// Threads for calls that block, started as they are needed. A thread that has nothing to do knows
/// of no engine, so that none is kept for its sake.
#[derive(Debug)]
pub(super) struct Pool {
    jobs: Mutex<Jobs>,
    called: Condvar,
    threads_max: usize,
}

#[derive(Debug, Default)]
struct Jobs {
    queue: VecDeque<(Arc<Core>, Id)>,
    threads: usize,
    /// Threads that wait for a job.
    idle: usize,
    closed: bool,
}

impl Class {
    fn threads_max(self) -> usize {
        match self {
            Class::Files => 4 * available_parallelism().map_or(2, NonZero::get).max(2),
            Class::Others => 256,
        }
    }
}

impl Pool {
    pub(super) fn new(class: Class) -> Arc<Pool> {
        Arc::new(Pool {
            jobs: Mutex::default(),
            called: Condvar::new(),
            threads_max: class.threads_max(),
        })
    }

    /// Has a thread execute the operation `id` of `core`. `false` where there is no thread, and
    /// none can be started.
    pub(super) fn push(self: &Arc<Self>, core: Arc<Core>, id: Id) -> bool {
        let mut jobs = lock(&self.jobs);
        if jobs.closed {
            // The engine is going, and nobody reads what this would lead to.
            return true;
        }
        jobs.queue.push_back((core, id));
        if jobs.queue.len() <= jobs.idle || jobs.threads == self.threads_max {
            self.called.notify_one();
            return true;
        }
        jobs.threads += 1;
        drop(jobs);
        let pool = self.clone();
        if spawn("ringbahn-pool", move || pool.work()).is_ok() {
            return true;
        }
        let mut jobs = lock(&self.jobs);
        jobs.threads -= 1;
        if jobs.threads > 0 {
            // One of the others comes to it.
            return true;
        }
        let place = jobs.queue.iter().position(|job| job.1 == id);
        let refused = place.and_then(|place| jobs.queue.remove(place));
        drop(jobs);
        refused.is_none()
    }

    /// No job is begun any more, and threads without one end.
    pub(super) fn close(&self) {
        let mut jobs = lock(&self.jobs);
        jobs.closed = true;
        let queue = std::mem::take(&mut jobs.queue);
        self.called.notify_all();
        drop(jobs);
        drop(queue);
    }

    fn work(&self) {
        let mut jobs = lock(&self.jobs);
        loop {
            if let Some((core, id)) = jobs.queue.pop_front() {
                drop(jobs);
                core.execute(id);
                drop(core);
                jobs = lock(&self.jobs);
                continue;
            }
            if jobs.closed {
                break;
            }
            jobs.idle += 1;
            let waited = self.called.wait_timeout(jobs, IDLE_TIME);
            let timeout;
            (jobs, timeout) = waited.unwrap_or_else(std::sync::PoisonError::into_inner);
            jobs.idle -= 1;
            if timeout.timed_out() && jobs.queue.is_empty() {
                break;
            }
        }
        jobs.threads -= 1;
    }
}
