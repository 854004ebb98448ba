//! [`Timeout`]: an operation with a bound on its time.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use pin_project_lite::pin_project;

use crate::drive::Drive;
use crate::event::{self, Event};
use crate::submission::Submission;

pin_project! {
    /// The future of [`Submission::timeout`].
    ///
    /// The bound is a timer of the same driver, and a cancel when it fires. The kernel's own
    /// linked timeout would not do: it does not stop what blocks in one of its worker threads.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct Timeout<E: Event, D: Drive> {
        #[pin]
        operation: Submission<E, D>,
        #[pin]
        timer: Submission<event::Timeout, D>,
        bound: Bound,
    }
}

/// What has become of the timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bound {
    /// It runs.
    Armed,
    /// It has fired, and the operation has been told to stop.
    Expired,
    /// It failed instead of firing, as when the driver shuts down: no reason to stop the
    /// operation.
    Broken,
}

impl<E: Event, D: Drive + Clone> Timeout<E, D> {
    pub(crate) fn new(operation: Submission<E, D>, duration: Duration) -> Timeout<E, D> {
        let timer = operation.driver().clone().submit(event::Timeout::new(duration));
        Timeout { operation, timer, bound: Bound::Armed }
    }
}

impl<E: Event, D: Drive> Future for Timeout<E, D> {
    type Output = E::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<E::Output> {
        let mut this = self.project();
        let timed_out = || {
            io::Error::new(io::ErrorKind::TimedOut, "the operation did not complete in its time")
        };
        if *this.bound != Bound::Expired {
            if let Poll::Ready((output, _)) = this.operation.as_mut().poll_output(cx, None) {
                return Poll::Ready(output);
            }
            if *this.bound == Bound::Armed {
                *this.bound = match ready!(this.timer.poll(cx)) {
                    Ok(()) => Bound::Expired,
                    Err(_) => Bound::Broken,
                };
            }
            if *this.bound == Bound::Broken {
                return Poll::Pending;
            }
            this.operation.as_mut().request_cancel();
        }
        this.operation.poll_output(cx, Some(&timed_out)).map(|(output, _)| output)
    }
}
