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

use super::event::MultiEvent;
use crate::cqe::Cqe;
use crate::event::Event;
use crate::outcome::Outcome;
use crate::panics::contain_panic;
use crate::sqe::Sqes;

/// CQEs of a multishot operation that are not items yet. Dropped, it disposes of what they bring.
pub(crate) struct Unread<M: MultiEvent> {
    decoder: M::Decoder,
    cqes: VecDeque<Cqe>,
}

impl<M: MultiEvent> Unread<M> {
    pub(crate) fn new(decoder: M::Decoder) -> Unread<M> {
        Unread { decoder, cqes: VecDeque::new() }
    }

    pub(crate) fn decoder(&self) -> &M::Decoder {
        &self.decoder
    }

    /// Where CQEs of the operation are put, by who has them from the kernel.
    pub(crate) fn cqes_mut(&mut self) -> &mut VecDeque<Cqe> {
        &mut self.cqes
    }

    /// Takes the next CQE, and what it brings.
    pub(crate) fn next(&mut self) -> Option<(Cqe, Option<io::Result<M::Item>>)> {
        let cqe = self.cqes.pop_front()?;
        // SAFETY: V1 by MU1: it is a CQE of the event's own entry, and is told once.
        let outcome = unsafe { Outcome::completed(std::slice::from_ref(&cqe)) };
        Some((cqe, M::decode(&self.decoder, outcome)))
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

    fn unread_max(&self) -> u32 {
        self.event.unread_max().max(1)
    }
}
