//! A driver that takes nothing while its gate is shut, and lets a test in before it takes any.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use ringbahn::{
    Attempt, CancelTarget, Completion, Drive, Reservation, Served, Shared, SharedDriver,
};

/// Tells whether the operation is to be turned away, whose task the waker is of.
type Visitor = Box<dyn FnOnce(&Waker) -> bool + Send>;

#[derive(Clone)]
pub(crate) struct Gate {
    inner: SharedDriver,
    shut: Arc<Mutex<Option<Vec<Waker>>>>,
    visitor: Arc<Mutex<Option<Visitor>>>,
}

impl Gate {
    /// A gate that is open.
    pub(crate) fn new(inner: SharedDriver) -> Gate {
        Gate { inner, shut: Arc::default(), visitor: Arc::default() }
    }

    pub(crate) fn shut(&self) {
        *self.shut.lock().unwrap() = Some(Vec::new());
    }

    /// Lets `visitor` in before the next operation is taken.
    pub(crate) fn let_in(&self, visitor: impl FnOnce(&Waker) -> bool + Send + 'static) {
        *self.visitor.lock().unwrap() = Some(Box::new(visitor));
    }

    /// Opens it, and wakes who waits before it.
    pub(crate) fn open(&self) {
        let waiting = self.shut.lock().unwrap().take();
        waiting.into_iter().flatten().for_each(Waker::wake);
    }
}

impl Drive for Gate {
    type Sharing = Shared;

    fn poll_prepare<'cx>(
        self: Pin<&mut Self>,
        cx: &mut Context<'cx>,
        count: u32,
        prepare: impl FnOnce(Reservation<'_>, &mut Context<'cx>) -> Completion<'cx>,
    ) -> Poll<io::Result<Completion<'cx>>> {
        if let Some(waiting) = &mut *self.shut.lock().unwrap() {
            waiting.push(cx.waker().clone());
            return Poll::Pending;
        }
        let visitor = self.visitor.lock().unwrap().take();
        if visitor.is_some_and(|visitor| visitor(cx.waker())) {
            return Poll::Pending;
        }
        Pin::new(&mut self.get_mut().inner).poll_prepare(cx, count, prepare)
    }

    fn attempt<'a>(self: Pin<&mut Self>, attempt: Attempt<'a>) -> Option<Served<'a>> {
        if self.shut.lock().unwrap().is_some() || self.visitor.lock().unwrap().is_some() {
            return None;
        }
        Pin::new(&mut self.get_mut().inner).attempt(attempt)
    }

    fn poll_submit(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<u32>> {
        Pin::new(&mut self.get_mut().inner).poll_submit(cx)
    }

    fn cancel(self: Pin<&mut Self>, target: CancelTarget) {
        Pin::new(&mut self.get_mut().inner).cancel(target);
    }
}
