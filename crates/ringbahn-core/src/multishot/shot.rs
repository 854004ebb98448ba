//! [`Shot`]: one submission of an operation that posts many CQEs, and [`Unread`], the owner of
//! CQEs that are not items yet.
//!
//! # Safety
//!
//! MU1. An [`Unread`] holds CQEs of one multishot operation, each of which is in no other place.
//!      It turns each into an item once: for its reader, or to drop it.
#![allow(unsafe_code)]

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use super::event::MultiEvent;
use crate::cqe::Cqe;
use crate::drive::Drive;
use crate::event::Event;
use crate::operation::repeats::Repeats;
use crate::outcome::Outcome;
use crate::panics::contain_panic;
use crate::sqe::Sqes;
use crate::submission::Submission;

/// CQEs of a multishot operation that are not items yet. Dropped, it disposes of what they bring.
pub(crate) struct Unread<M: MultiEvent> {
    decoder: M::Decoder,
    cqes: VecDeque<Cqe>,
}

/// A CQE, and what it brings: an item, an error, or nothing.
type Brought<M> = (Cqe, Option<io::Result<<M as MultiEvent>::Item>>);

impl<M: MultiEvent> Unread<M> {
    pub(crate) fn new(decoder: M::Decoder) -> Unread<M> {
        Unread { decoder, cqes: VecDeque::new() }
    }

    pub(crate) fn decoder(&self) -> &M::Decoder {
        &self.decoder
    }

    /// Takes the next CQE, and what it brings.
    #[inline]
    pub(crate) fn next(&mut self) -> Option<Brought<M>> {
        let cqe = self.cqes.pop_front()?;
        // SAFETY: MU1.
        Some((cqe, unsafe { self.decode(&cqe) }))
    }

    /// Takes a CQE from `shot` as soon as there is one, and what it brings; `None` where the
    /// operation has ended with none. Those behind it wait here.
    #[inline]
    pub(crate) fn poll_next<D: Drive>(
        &mut self,
        shot: Pin<&mut Submission<Shot<M>, D>>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Brought<M>>> {
        let cqe = ready!(shot.poll_unread(cx, &mut self.cqes));
        // SAFETY: MU1: it is in no other place, since the shot has just given it out.
        Poll::Ready(cqe.map(|cqe| (cqe, unsafe { self.decode(&cqe) })))
    }

    /// What a CQE brings.
    ///
    /// # Safety
    ///
    /// It is of the operation, and is decoded once.
    #[inline]
    unsafe fn decode(&self, cqe: &Cqe) -> Option<io::Result<M::Item>> {
        // SAFETY: V1 by the contract of this function.
        let outcome = unsafe { Outcome::completed(std::slice::from_ref(cqe)) };
        M::decode(&self.decoder, outcome)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.cqes.is_empty()
    }
}

impl<M: MultiEvent> Drop for Unread<M> {
    fn drop(&mut self) {
        // A panic of one does not keep the others from being disposed of.
        while !self.cqes.is_empty() {
            contain_panic(|| drop(self.next()));
        }
    }
}

/// One submission of a multishot operation, as the event that it is to the ring.
pub(crate) struct Shot<M> {
    pub(crate) event: M,
}

/// What is left of a shot when the kernel has ended with it.
pub(crate) struct Spent<M: MultiEvent> {
    pub(crate) event: M,
    /// What nobody had read by then, to be disposed of.
    _unread: Unread<M>,
    /// Why it was never submitted, if it was not.
    pub(crate) refused: Option<io::Error>,
}

impl<M: MultiEvent> Event for Shot<M> {
    type Output = Spent<M>;

    unsafe fn prepare(&mut self, sqes: &mut Sqes<'_>) {
        // SAFETY: E1 holds for the inner event, which is a part of this one.
        unsafe { self.event.prepare(sqes) };
    }

    fn complete(self, outcome: Outcome<'_, Self>) -> Spent<M> {
        let mut unread = Unread::new(self.event.decoder());
        unread.cqes.extend(outcome.cqes());
        let refused = outcome.into_refusal();
        Spent { event: self.event, _unread: unread, refused }
    }

    /// Whoever reads the items knows how to go on.
    fn resubmit(&mut self, _outcome: &Outcome<'_, Self>) -> bool {
        false
    }

    #[inline]
    fn repeats(&self) -> Repeats {
        Repeats::NEVER
    }

    fn unread_max(&self) -> u32 {
        self.event.unread_max().max(1)
    }
}
