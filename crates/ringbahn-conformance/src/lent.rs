//! [`Lent`]: a handle that can be taken away from a future which is forgotten.

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use ringbahn_core::{CancelTarget, Completion, Drive, Reservation};

use crate::handle::Handle;
use crate::kind::Kind;

/// A handle of the driver, which can be taken away from all who have it.
///
/// A future that is forgotten never drops its handle. With this one it keeps nothing but memory,
/// so that descriptors can still be counted.
#[derive(Debug)]
pub(crate) struct Lent<S: Kind> {
    handle: Rc<RefCell<Option<Handle<S>>>>,
}

impl<S: Kind> Lent<S> {
    pub(crate) fn new(handle: Handle<S>) -> Lent<S> {
        Lent { handle: Rc::new(RefCell::new(Some(handle))) }
    }

    /// Takes the handle away from all who have it.
    pub(crate) fn take_away(&self) {
        let handle = self.handle.borrow_mut().take();
        // A driver that winds up here may call back.
        drop(handle);
    }

    fn handle(&self) -> io::Result<Handle<S>> {
        let gone = || io::Error::other("the handle has been taken away");
        self.handle.borrow().clone().ok_or_else(gone)
    }
}

impl<S: Kind> Clone for Lent<S> {
    fn clone(&self) -> Lent<S> {
        Lent { handle: self.handle.clone() }
    }
}

impl<S: Kind> Drive for Lent<S> {
    type Sharing = S;

    fn poll_prepare<'cx>(
        self: Pin<&mut Self>,
        cx: &mut Context<'cx>,
        count: u32,
        prepare: impl FnOnce(Reservation<'_, S>, &mut Context<'cx>) -> Completion<'cx>,
    ) -> Poll<io::Result<Completion<'cx>>> {
        match self.handle() {
            Ok(mut handle) => Pin::new(&mut handle).poll_prepare(cx, count, prepare),
            Err(error) => Poll::Ready(Err(error)),
        }
    }

    fn poll_submit(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<u32>> {
        match self.handle() {
            Ok(mut handle) => Pin::new(&mut handle).poll_submit(cx),
            Err(error) => Poll::Ready(Err(error)),
        }
    }

    fn cancel(self: Pin<&mut Self>, target: CancelTarget<S>) {
        if let Ok(mut handle) = self.handle() {
            Pin::new(&mut handle).cancel(target);
        }
    }
}
