//! [`CancelScope`]: operations that are told to stop together.

use std::fmt;
use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use pin_project_lite::pin_project;

use crate::cancelling::{Cancelling, Watch};
use crate::drive::Drive;
use crate::event::Event;
use crate::operation::target::CancelTarget;
use crate::panics::contain_panic;
use crate::sharing::{Lock, Sharing};
use crate::submission::Submission;

/// Operations that are told to stop together, from wherever.
///
/// Operations are bound to it with [`Submission::within`]. It is a handle; its clones are the same
/// scope. Dropping it stops nothing. The operations may run on several drivers of one type.
///
/// # Examples
///
/// ```no_run
/// # // Not run: this crate brings no driver to run it on.
/// use std::time::Duration;
/// use ringbahn_core::{CancelScope, Drive, event::Timeout};
///
/// # async fn example(driver: impl Drive + Clone) {
/// let scope = CancelScope::new();
/// let wait = |seconds| {
///     let timeout = Timeout::new(Duration::from_secs(seconds));
///     driver.clone().submit(timeout).within(&scope)
/// };
/// let (first, second) = (wait(10), wait(20)); // Awaited by some tasks.
///
/// let report = scope.cancel().await;
/// println!("{} of {} were stopped", report.cancelled, report.asked);
/// # drop((first, second));
/// # }
/// ```
pub struct CancelScope<D: Drive> {
    state: <D::Sharing as Sharing>::Share<<D::Sharing as Sharing>::Lock<State<D>>>,
}

struct State<D: Drive> {
    cancelled: bool,
    /// The operations that have not ended; `None` where there is no member, as `free` says, too.
    members: Vec<Option<Member<D>>>,
    free: Vec<usize>,
}

/// An operation that is bound to a scope and has not ended.
enum Member<D: Drive> {
    /// It waits for room in the queue of its driver.
    Waiting(Waker),
    /// It is in flight on this driver.
    InFlight(CancelTarget<D::Sharing>, D),
}

impl<D: Drive> CancelScope<D> {
    /// A scope without operations.
    pub fn new() -> CancelScope<D> {
        let state = State { cancelled: false, members: Vec::new(), free: Vec::new() };
        CancelScope { state: D::Sharing::share(|| Lock::new(state)) }
    }

    /// Tells all operations of the scope to stop, and those that are bound to it from now on as
    /// soon as they are polled. It does not wait; the future that it returns does, and tells what
    /// became of them.
    ///
    /// The report is of the operations in flight that nobody has told to stop before. One that
    /// waits for room in its driver's queue never starts, and is none of them.
    ///
    /// A panic of a driver stays with it: the other operations are told to stop all the same.
    pub fn cancel(&self) -> Cancelling {
        let members = {
            let mut state = self.state.lock();
            state.cancelled = true;
            state.free.clear();
            std::mem::take(&mut state.members)
        };
        // All are marked before the first is asked, so that none of them goes round again.
        let watch = Watch::new();
        let mut asked = Vec::new();
        let mut waiting = Vec::new();
        for member in members.into_iter().flatten() {
            match member {
                Member::Waiting(waker) => waiting.push(waker),
                Member::InFlight(target, driver) => {
                    if target.mark_watched(&watch) {
                        asked.push((target, driver));
                    }
                }
            }
        }
        let cancelling = Cancelling::new(watch, asked.len());
        for (target, driver) in asked {
            contain_panic(|| pin!(driver).as_mut().cancel(target));
        }
        for waker in waiting {
            contain_panic(|| waker.wake());
        }
        cancelling
    }

    /// Whether the operations have been told to stop.
    pub fn is_cancelled(&self) -> bool {
        self.state.lock().cancelled
    }

    /// How many operations are bound to it that have been polled and have not ended; none once
    /// they have been told to stop.
    pub fn members(&self) -> usize {
        let state = self.state.lock();
        state.members.len() - state.free.len()
    }

    /// Counts `member` in, at the place that it had before. Gives it back where the operations have
    /// been told to stop.
    fn enter(&self, place: &mut Option<usize>, member: Member<D>) -> Result<(), Member<D>> {
        let mut state = self.state.lock();
        if state.cancelled {
            return Err(member);
        }
        let at = match place.or_else(|| state.free.pop()) {
            Some(at) => at,
            None => {
                state.members.push(None);
                state.members.len() - 1
            }
        };
        *place = Some(at);
        let former = state.members[at].replace(member);
        drop(state);
        drop(former);
        Ok(())
    }

    fn leave(&self, place: Option<usize>) {
        let Some(at) = place else { return };
        let member = {
            let mut state = self.state.lock();
            if state.cancelled {
                return;
            }
            state.free.push(at);
            state.members[at].take()
        };
        drop(member);
    }
}

impl<D: Drive> Clone for CancelScope<D> {
    fn clone(&self) -> CancelScope<D> {
        CancelScope { state: self.state.clone() }
    }
}

impl<D: Drive> Default for CancelScope<D> {
    fn default() -> CancelScope<D> {
        CancelScope::new()
    }
}

impl<D: Drive> fmt::Debug for CancelScope<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancelScope")
            .field("members", &self.members())
            .field("cancelled", &self.is_cancelled())
            .finish_non_exhaustive()
    }
}

pin_project! {
    /// The future of [`Submission::within`]: an operation that is bound to a scope.
    ///
    /// # Cancel safety
    ///
    /// That of the operation, which is abandoned with it.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct Within<E: Event, D: Drive> {
        #[pin]
        submission: Submission<E, D>,
        scope: CancelScope<D>,
        place: Option<usize>,
        in_flight: bool,
    }

    impl<E: Event, D: Drive> PinnedDrop for Within<E, D> {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            this.scope.leave(this.place.take());
        }
    }
}

impl<E: Event, D: Drive> Within<E, D> {
    pub(crate) fn new(submission: Submission<E, D>, scope: &CancelScope<D>) -> Within<E, D> {
        Within { submission, scope: scope.clone(), place: None, in_flight: false }
    }
}

impl<E: Event, D: Drive + Clone> Future for Within<E, D> {
    type Output = E::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<E::Output> {
        let mut this = self.project();
        if !this.scope.is_cancelled() {
            if let Poll::Ready(output) = this.submission.as_mut().poll(cx) {
                this.scope.leave(this.place.take());
                return Poll::Ready(output);
            }
            if *this.in_flight {
                return Poll::Pending;
            }
            let member = match this.submission.cancel_target() {
                Some(target) => {
                    *this.in_flight = true;
                    Member::InFlight(target, this.submission.driver().clone())
                }
                None => Member::Waiting(cx.waker().clone()),
            };
            if this.scope.enter(this.place, member).is_ok() {
                return Poll::Pending;
            }
        }
        // Of one that was told to stop already, this asks nobody.
        this.submission.poll_cancel(cx).map(|cancelled| cancelled.into_inner())
    }
}
