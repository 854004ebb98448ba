//! [`Cancel`]: the future that gets everything back from an operation.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::drive::Drive;
use crate::event::Event;
use crate::submission::Submission;

/// How an operation ended that was cancelled: with its output either way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cancelled<T> {
    /// It was stopped before it did anything. The output holds its operands and the error
    /// `ECANCELED`. Of an event that goes on by itself, such as
    /// [`WriteAll`](crate::event::WriteAll), this is said of the round that was stopped; the
    /// rounds before it are done.
    Cancelled(T),
    /// It had ended, or ran to its end all the same.
    Completed(T),
}

impl<T> Cancelled<T> {
    /// The output, whichever way it ended.
    pub fn into_inner(self) -> T {
        match self {
            Cancelled::Cancelled(output) | Cancelled::Completed(output) => output,
        }
    }

    /// Whether it was stopped before it did anything.
    pub fn is_cancelled(&self) -> bool {
        matches!(self, Cancelled::Cancelled(_))
    }
}

pin_project! {
    /// The future of [`Submission::cancel`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct Cancel<E: Event, D: Drive> {
        #[pin]
        submission: Submission<E, D>,
    }
}

impl<E: Event, D: Drive> Cancel<E, D> {
    pub(crate) fn new(submission: Submission<E, D>) -> Cancel<E, D> {
        Cancel { submission }
    }
}

impl<E: Event, D: Drive> Future for Cancel<E, D> {
    type Output = Cancelled<E::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().submission.poll_cancel(cx)
    }
}
