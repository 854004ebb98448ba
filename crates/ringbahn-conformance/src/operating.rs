//! [`Operating`]: the operations of cases, of which only the output's type is left.

use std::future::{Future, poll_fn};
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use ringbahn_core::{CancelTarget, Cancelled, Cqe, Drive, Event, Submission};

use crate::any_event::{AnyEvent, output};
use crate::handle::Handle;
use crate::kind::Kind;

/// An operation on the driver under test that yields `T`: a [`Submission`] with the type of its
/// event forgotten.
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub(crate) struct Operating<T, S: Kind> {
    submission: Submission<AnyEvent, Handle<S>>,
    output: PhantomData<fn() -> T>,
}

impl<S: Kind> Handle<S> {
    /// The future that runs `event`. It takes the place of [`Drive::submit`], whose future would be
    /// of another type for each event.
    pub(crate) fn submit<E: Event>(self, event: E) -> Operating<E::Output, S> {
        let submission = Drive::submit(self, AnyEvent::new(event));
        Operating { submission, output: PhantomData }
    }
}

impl<T: 'static, S: Kind> Operating<T, S> {
    /// As [`Submission::cancel`].
    pub(crate) async fn cancel(self) -> Cancelled<T> {
        match self.submission.cancel().await {
            Cancelled::Cancelled(any) => Cancelled::Cancelled(output(any)),
            Cancelled::Completed(any) => Cancelled::Completed(output(any)),
        }
    }

    /// As [`Submission::timeout`].
    pub(crate) async fn timeout(self, duration: Duration) -> T {
        output(self.submission.timeout(duration).await)
    }

    /// The CQE that arrives as number `index`.
    pub(crate) async fn cqe(&mut self, index: usize) -> Option<Cqe> {
        poll_fn(|cx| Pin::new(&mut self.submission).poll_cqe(cx, index)).await
    }

    pub(crate) fn detach(&mut self) {
        Pin::new(&mut self.submission).detach();
    }

    pub(crate) fn is_in_flight(&self) -> bool {
        self.submission.is_in_flight()
    }

    pub(crate) fn cancel_target(&self) -> Option<CancelTarget<S>> {
        self.submission.cancel_target()
    }
}

impl<T: 'static, S: Kind> Future for Operating<T, S> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        Pin::new(&mut self.submission).poll(cx).map(output)
    }
}
