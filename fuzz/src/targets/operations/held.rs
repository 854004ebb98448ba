//! [`Held`]: an operation that the script has begun and not ended.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use ringbahn_core::{Event, Submission};
use ringbahn_sim::SimDriver;

use super::account::Counted;

/// An operation that the script has begun and not ended.
pub(super) struct Held {
    running: Box<dyn Running>,
    is_cancelled: bool,
    /// Whether its outcome is needed for the account, so that it may be cancelled and not dropped.
    pub(super) is_kept: bool,
}

impl Held {
    /// The operation of `submission`; `then` is told what comes of it.
    pub(super) fn new<E: Event + 'static>(
        submission: Submission<Counted<E>, SimDriver>,
        is_kept: bool,
        then: impl FnOnce(E::Output) + 'static,
    ) -> Held {
        let running = Box::new(Submitted { submission: Box::pin(submission), then: Some(then) });
        Held { running, is_cancelled: false, is_kept }
    }

    /// From now on it is polled to be cancelled.
    pub(super) fn cancel(&mut self) {
        self.is_cancelled = true;
    }

    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.running.poll(cx, self.is_cancelled)
    }

    /// Lets it run to its end with nobody waiting.
    pub(super) fn detach(mut self) {
        self.running.detach();
    }
}

trait Running {
    fn poll(&mut self, cx: &mut Context<'_>, is_cancelled: bool) -> Poll<()>;

    fn detach(&mut self);
}

struct Submitted<E: Event, F> {
    submission: Pin<Box<Submission<Counted<E>, SimDriver>>>,
    then: Option<F>,
}

impl<E: Event, F: FnOnce(E::Output)> Running for Submitted<E, F> {
    fn poll(&mut self, cx: &mut Context<'_>, is_cancelled: bool) -> Poll<()> {
        let submission = self.submission.as_mut();
        let output = if is_cancelled {
            ready!(submission.poll_cancel(cx)).into_inner()
        } else {
            ready!(submission.poll(cx))
        };
        if let Some(then) = self.then.take() {
            then(output);
        }
        Poll::Ready(())
    }

    fn detach(&mut self) {
        self.submission.as_mut().detach();
    }
}
