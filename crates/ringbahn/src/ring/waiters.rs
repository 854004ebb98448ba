//! [`Waiters`]: the tasks that wait for one operation.

use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Wake, Waker};

/// The tasks that wait for one operation.
///
/// A submission wakes the task that has polled it last. Where several wait for the same one, as
/// the two halves of a file do, each adds its waker here, and the submission is polled with the
/// waker that wakes them all.
#[derive(Debug, Default)]
pub(crate) struct Waiters {
    wakers: Mutex<Vec<Waker>>,
}

impl Waiters {
    /// Adds a task, until the next wake.
    pub(crate) fn add(&self, waker: &Waker) {
        // Cloned and dropped outside of the lock: it is foreign code.
        let waker = waker.clone();
        let mut wakers = self.wakers.lock().unwrap_or_else(PoisonError::into_inner);
        if !wakers.iter().any(|other| other.will_wake(&waker)) {
            wakers.push(waker);
        }
    }

    /// Adds a task, and yields the waker that wakes all.
    pub(crate) fn joined(self: &Arc<Self>, waker: &Waker) -> Waker {
        self.add(waker);
        Waker::from(self.clone())
    }

    /// Wakes all tasks.
    pub(crate) fn wake_all(&self) {
        let wakers = {
            let mut wakers = self.wakers.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *wakers)
        };
        wakers.into_iter().for_each(Waker::wake);
    }
}

impl Wake for Waiters {
    fn wake(self: Arc<Self>) {
        self.wake_all();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.wake_all();
    }
}
