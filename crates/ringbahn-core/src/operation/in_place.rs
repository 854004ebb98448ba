//! An event that is served where it lies, before it has a record.
//!
//! # Safety
//!
//! IP1. The event is the caller's own, who has not submitted it. The entries that it prepares here
//!      are seen by the driver within one call only, and are dropped before the event is touched.
#![allow(unsafe_code)]

use std::pin::Pin;

use crate::attempt::Attempt;
use crate::cqe::Cqe;
use crate::drive::Drive;
use crate::event::Event;
use crate::outcome::Outcome;
use crate::ring_id::Home;
use crate::sqe::Sqes;

/// Has `driver` serve `event` at once, where it lies. The CQE of the operation, if it has ended
/// with that; `None` leaves the event to a record.
#[inline]
pub(crate) fn serve<E: Event, D: Drive>(event: &mut E, driver: Pin<&mut D>) -> Option<Cqe> {
    if event.sqes_needed() != 1 {
        return None;
    }
    let result = {
        let mut sqes = Sqes::new();
        // SAFETY: IP1: until the entries have been dropped, at the end of this block, nobody
        // touches or moves the event, which is borrowed here.
        unsafe { event.prepare(&mut sqes) };
        let [entry] = sqes.entries() else { return None };
        // What is registered with a ring is served by that ring, if by any.
        if sqes.home() != Home::ANY {
            return None;
        }
        driver.attempt(Attempt::new(entry))?.result_of(entry)?
    };
    let cqe = Cqe { result, ..Cqe::default() };
    // SAFETY: V1, AT1: it is as good as a CQE of the event, and is told to it again only where the
    // operation ends with it.
    let outcome = unsafe { Outcome::completed(std::slice::from_ref(&cqe)) };
    if event.repeats().could_follow(&cqe) && event.resubmit(&outcome) {
        return None;
    }
    Some(cqe)
}

/// The output of an event that was served with `cqe`.
#[inline]
pub(crate) fn complete<E: Event>(event: E, cqe: &Cqe) -> E::Output {
    // SAFETY: V1, AT1: it is as good as a CQE of this event, whose operation has ended.
    event.complete(unsafe { Outcome::completed(std::slice::from_ref(cqe)) })
}
