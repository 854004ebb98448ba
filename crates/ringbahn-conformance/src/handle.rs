//! [`Handle`]: a driver with its type forgotten, on which every case is run.
//!
//! A case that was generic over the driver would be compiled anew for each one. So the cases know
//! one type of driver of each [`Kind`], which calls the driver under test through a table.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use ringbahn_core::{Attempt, CancelTarget, Completion, Drive, Reservation, Served};

use crate::kind::{Kind, Takes};

/// The closure of one call of [`Drive::poll_prepare`]: called once at most, though its type does
/// not say so.
type Prepare<'a, 'cx, S> = dyn FnMut(Reservation<'_, S>, &mut Context<'cx>) -> Completion<'cx> + 'a;

/// [`Drive`] without generic methods.
pub trait Erased<S: Kind> {
    #[doc(hidden)]
    fn poll_prepare_erased<'cx>(
        self: Pin<&mut Self>,
        cx: &mut Context<'cx>,
        count: u32,
        prepare: &mut Prepare<'_, 'cx, S>,
    ) -> Poll<io::Result<Completion<'cx>>>;

    #[doc(hidden)]
    fn poll_submit_erased(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<u32>>;

    #[doc(hidden)]
    fn cancel_erased(self: Pin<&mut Self>, target: CancelTarget<S>);

    #[doc(hidden)]
    fn attempt_erased<'a>(self: Pin<&mut Self>, attempt: Attempt<'a>) -> Option<Served<'a>>;

    #[doc(hidden)]
    fn clone_erased(self: Pin<&Self>) -> Pin<Box<S::Driver>>;
}

impl<S: Takes<D>, D: Drive<Sharing = S> + Clone + 'static> Erased<S> for D {
    fn poll_prepare_erased<'cx>(
        self: Pin<&mut Self>,
        cx: &mut Context<'cx>,
        count: u32,
        prepare: &mut Prepare<'_, 'cx, S>,
    ) -> Poll<io::Result<Completion<'cx>>> {
        self.poll_prepare(cx, count, |reservation, cx| prepare(reservation, cx))
    }

    fn poll_submit_erased(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<u32>> {
        self.poll_submit(cx)
    }

    fn cancel_erased(self: Pin<&mut Self>, target: CancelTarget<S>) {
        self.cancel(target);
    }

    fn attempt_erased<'a>(self: Pin<&mut Self>, attempt: Attempt<'a>) -> Option<Served<'a>> {
        self.attempt(attempt)
    }

    fn clone_erased(self: Pin<&Self>) -> Pin<Box<S::Driver>> {
        S::forget_driver(D::clone(self.get_ref()))
    }
}

/// A driver with its type forgotten: a handle of the driver under test.
pub(crate) struct Handle<S: Kind> {
    driver: Pin<Box<S::Driver>>,
}

impl<S: Kind> Handle<S> {
    pub(crate) fn from_erased(driver: Pin<Box<S::Driver>>) -> Handle<S> {
        Handle { driver }
    }
}

impl<S: Kind> Clone for Handle<S> {
    fn clone(&self) -> Handle<S> {
        Handle { driver: self.driver.as_ref().clone_erased() }
    }
}

impl<S: Kind> Drive for Handle<S> {
    type Sharing = S;

    fn poll_prepare<'cx>(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'cx>,
        count: u32,
        prepare: impl FnOnce(Reservation<'_, S>, &mut Context<'cx>) -> Completion<'cx>,
    ) -> Poll<io::Result<Completion<'cx>>> {
        let mut prepare = Some(prepare);
        self.driver.as_mut().poll_prepare_erased(cx, count, &mut |reservation, cx| {
            let prepare = prepare.take().expect("a driver can call what it is given only once");
            prepare(reservation, cx)
        })
    }

    fn poll_submit(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<u32>> {
        self.driver.as_mut().poll_submit_erased(cx)
    }

    fn cancel(mut self: Pin<&mut Self>, target: CancelTarget<S>) {
        self.driver.as_mut().cancel_erased(target);
    }

    fn attempt<'a>(mut self: Pin<&mut Self>, attempt: Attempt<'a>) -> Option<Served<'a>> {
        self.driver.as_mut().attempt_erased(attempt)
    }
}

impl<S: Kind> fmt::Debug for Handle<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").finish_non_exhaustive()
    }
}
