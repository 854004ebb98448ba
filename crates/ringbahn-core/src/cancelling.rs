//! [`Cancelling`]: what becomes of operations that were told to stop.
//!
//! Each operation that is asked to end on somebody's behalf is given a share of a [`Watch`] with
//! the mark that it is to end, in one step. Whoever ends the operation tells the watch, whether
//! anybody polls its future or not; so a report is exact, and waits for the kernel only.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use crate::panics::contain_panic;
use crate::sync::{Mutex, lock};

/// What became of operations that were told to stop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CancelReport {
    /// How many were told to stop: in flight at that time, and not told before.
    pub asked: u64,
    /// How many of them were stopped before they had done anything.
    pub cancelled: u64,
    /// How many of them had done what they were to do, or a part of it, or failed, all the same.
    pub completed: u64,
}

/// The operations that one call has told to stop.
#[derive(Debug)]
pub(crate) struct Watch {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    report: CancelReport,
    waker: Option<Waker>,
}

impl State {
    fn is_done(&self) -> bool {
        self.report.cancelled + self.report.completed == self.report.asked
    }
}

impl Watch {
    pub(crate) fn new() -> Arc<Watch> {
        let state = State { report: CancelReport::default(), waker: None };
        Arc::new(Watch { state: Mutex::new(state) })
    }

    /// Whether all of them have ended; if not, the task is woken when they have.
    fn poll_done(&self, cx: &Context<'_>) -> bool {
        let waker = cx.waker().clone();
        let mut state = lock(&self.state);
        let is_done = state.is_done();
        let unused = if is_done { Some(waker) } else { state.waker.replace(waker) };
        drop(state);
        drop(unused);
        is_done
    }

    /// One of the operations has ended. Wakes foreign code, so no lock may be held.
    #[cold]
    pub(crate) fn note(&self, stopped: bool) {
        let waker = {
            let mut state = lock(&self.state);
            if stopped {
                state.report.cancelled += 1;
            } else {
                state.report.completed += 1;
            }
            if state.is_done() { state.waker.take() } else { None }
        };
        if let Some(waker) = waker {
            // Whoever ends the operation has yet to tell its future.
            contain_panic(|| waker.wake());
        }
    }
}

/// The future that tells what became of operations that were told to stop, when the kernel is done
/// with the last of them.
///
/// Yields a [`CancelReport`]. They end whether or not their futures are polled meanwhile, or exist,
/// and this may be awaited by the task that holds them.
///
/// # Cancel safety
///
/// The operations have been told to stop before there is this future. Dropping it only forgoes the
/// report.
#[derive(Debug)]
#[must_use = "the operations end without it, but nobody reads the report"]
pub struct Cancelling {
    /// One for each ring.
    watches: Vec<Arc<Watch>>,
}

impl Cancelling {
    /// Of `asked` operations that have a share of `watch`. Some may have ended by now.
    pub(crate) fn new(watch: Arc<Watch>, asked: usize) -> Cancelling {
        lock(&watch.state).report.asked = asked as u64;
        Cancelling { watches: vec![watch] }
    }

    /// These operations and those of `other`, for drivers that have several rings.
    pub fn and(mut self, other: Cancelling) -> Cancelling {
        self.watches.extend(other.watches);
        self
    }

    /// How it stands: how many were told to stop, and what has become of them so far.
    pub fn so_far(&self) -> CancelReport {
        let reports = self.watches.iter().map(|watch| lock(&watch.state).report);
        reports.fold(CancelReport::default(), |sum, report| CancelReport {
            asked: sum.asked + report.asked,
            cancelled: sum.cancelled + report.cancelled,
            completed: sum.completed + report.completed,
        })
    }
}

impl Future for Cancelling {
    type Output = CancelReport;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<CancelReport> {
        let is_done = self.watches.iter().all(|watch| watch.poll_done(cx));
        if is_done { Poll::Ready(self.so_far()) } else { Poll::Pending }
    }
}
