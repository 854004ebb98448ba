//! [`Sleep`]: the future of a timer.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::Timers;
use super::deadlines::Ticket;
use crate::clock::Deadline;
use crate::drive::Drive;
use crate::fork::forked;

/// The future that is ready when its deadline has passed.
///
/// Made by [`Timers::sleep`] and [`Timers::sleep_until`]. It arms its timer at the first poll,
/// which allocates nothing once the queue of timers has grown, and takes it back when it is
/// dropped.
///
/// It may be polled again after its end, and is ready at once then.
///
/// # Errors
///
/// It yields the error where its driver takes no events any more, as after a shutdown, before the
/// deadline has passed. Other sleeps on the driver end with it. In a forked child, `Unsupported`.
///
/// # Cancel safety
///
/// Dropping it takes the timer back, and loses nothing else.
#[must_use = "futures do nothing unless polled"]
pub struct Sleep<D: Drive + Clone> {
    timers: Timers<D>,
    deadline: Deadline,
    /// There while the timer is in the queue.
    ticket: Option<Ticket>,
}

impl<D: Drive + Clone> Sleep<D> {
    pub(super) fn new(timers: Timers<D>, deadline: Deadline) -> Sleep<D> {
        Sleep { timers, deadline, ticket: None }
    }

    /// When it ends.
    pub fn deadline(&self) -> Deadline {
        self.deadline
    }

    /// Moves its end to another moment, on whatever clock. It is to be polled again.
    pub fn reset(&mut self, deadline: impl Into<Deadline>) {
        self.release();
        self.deadline = deadline.into();
    }

    fn release(&mut self) {
        if let Some(ticket) = self.ticket.take()
            && !self.timers.forked()
        {
            self.timers.queue(self.deadline.clock()).release(ticket);
        }
    }
}

impl<D: Drive + Clone> Future for Sleep<D> {
    type Output = io::Result<()>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let clock = this.deadline.clock();
        if this.timers.forked() {
            return Poll::Ready(Err(forked()));
        }
        if let Some(ticket) = &this.ticket {
            let (standing, attention) = this.timers.queue(clock).poll(ticket, cx.waker());
            if standing.is_ready() {
                this.release();
                return standing;
            }
            if !attention {
                return Poll::Pending;
            }
        } else {
            if this.deadline.has_passed() {
                return Poll::Ready(Ok(()));
            }
            let waker = cx.waker().clone();
            let queue = this.timers.queue(clock);
            let (ticket, attention) = queue.arm(this.deadline.nanoseconds(), waker)?;
            this.ticket = Some(ticket);
            if !attention {
                return Poll::Pending;
            }
        }
        this.timers.attend(clock);
        let Some(ticket) = &this.ticket else { return Poll::Pending };
        let (standing, _) = this.timers.queue(clock).poll(ticket, cx.waker());
        if standing.is_ready() {
            this.release();
        }
        standing
    }
}

/// It is not pinned in its place: the timer lies in the queue.
impl<D: Drive + Clone> Unpin for Sleep<D> {}

impl<D: Drive + Clone> Drop for Sleep<D> {
    fn drop(&mut self) {
        self.release();
    }
}

impl<D: Drive + Clone> fmt::Debug for Sleep<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sleep")
            .field("deadline", &self.deadline)
            .field("armed", &self.ticket.is_some())
            .finish_non_exhaustive()
    }
}
