//! [`AsPersonality`]: an event that runs with other credentials than its thread's.
#![allow(unsafe_code)]

use crate::event::Event;
use crate::outcome::Outcome;
use crate::personality::Personality;
use crate::sqe::Sqes;

/// An event that runs with the credentials of a [`Personality`], and not with those of the thread
/// that submits it.
///
/// Made by [`EventExt::as_personality`](crate::event::EventExt::as_personality). It is of use where
/// the kernel asks who is acting: where a file is opened, made, renamed or removed. What is open
/// already may be read and written by whoever has it.
///
/// The event keeps the personality, so that its number cannot come to mean somebody else's while
/// the operation is in flight. No driver serves it without its ring.
///
/// # Errors
///
/// Those of the inner event, `PermissionDenied` among them where the personality may not do what it
/// is to; and `InvalidInput` ([`ForeignRing`](crate::ForeignRing)) on another ring than that of the
/// personality.
///
/// # Cancellation
///
/// That of the inner event.
///
/// # Kernel
///
/// Linux 5.6. The inner event may need a newer one, and must be known to the kernel: an engine in
/// its place has no other credentials, so it does not take the event.
///
/// # References
///
/// [`io_uring_register(2)`](https://man7.org/linux/man-pages/man2/io_uring_register.2.html)
#[doc(alias = "IORING_REGISTER_PERSONALITY")]
#[derive(Debug)]
pub struct AsPersonality<E> {
    event: E,
    personality: Personality,
}

impl<E: Event> AsPersonality<E> {
    pub(super) fn new(event: E, personality: Personality) -> AsPersonality<E> {
        AsPersonality { event, personality }
    }
}

impl<E: Event> Event for AsPersonality<E> {
    type Output = E::Output;

    fn sqes_needed(&self) -> u32 {
        self.event.sqes_needed()
    }

    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        let first = sqes.entries().len();
        // SAFETY: E1 holds for the inner event, which is a part of this one.
        unsafe { self.event.prepare(sqes) };
        sqes.personify_from(first, &self.personality);
    }

    fn complete(self, outcome: Outcome<'_, Self>) -> E::Output {
        self.event.complete(outcome.of())
    }

    fn cancelled(self, outcome: Outcome<'_, Self>) {
        self.event.cancelled(outcome.of());
    }

    fn resubmit(&mut self, outcome: &Outcome<'_, Self>) -> bool {
        // SAFETY: V1: the entries are the inner event's, which only looks at this outcome.
        let outcome = unsafe { Outcome::completed(outcome.cqes()) };
        self.event.resubmit(&outcome)
    }

    fn unread_max(&self) -> u32 {
        self.event.unread_max()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use crate::event::testing::prepared;
    use crate::event::{EventExt, Nop};
    use crate::personality::Personality;
    use crate::ring_id::{Home, RingId};

    /// Says that it has gone.
    struct Registration(Arc<AtomicBool>);

    impl Drop for Registration {
        fn drop(&mut self) {
            self.0.store(true, Ordering::SeqCst);
        }
    }

    #[test]
    fn its_own_entries_have_the_number_and_no_others_of_a_chain() {
        let ring = RingId::new();
        let personality = Personality::new(ring, 7, ());
        let mut chain = Nop.link(Nop.link(Nop).as_personality(&personality)).link(Nop);
        let sqes = prepared(&mut chain);
        let numbers: Vec<u16> = sqes.entries().iter().map(|it| it.get_personality()).collect();
        assert_eq!(numbers, [0, 7, 7, 0]);
        assert_eq!(sqes.home(), Home::only(ring));
    }

    #[test]
    fn an_event_keeps_its_personality() {
        let gone = Arc::new(AtomicBool::new(false));
        let personality = Personality::new(RingId::new(), 1, Registration(gone.clone()));
        let event = Nop.as_personality(&personality);
        drop(personality);
        assert!(!gone.load(Ordering::SeqCst));
        drop(event);
        assert!(gone.load(Ordering::SeqCst));
    }
}
