//! [`Drained`]: an event that waits until its ring has nothing else to do.
#![allow(unsafe_code)]

use crate::event::Event;
use crate::outcome::Outcome;
use crate::sqe::Sqes;

/// An event that starts when all that was submitted to its ring before it has ended, and until it
/// has ended itself nothing starts that was submitted behind it.
///
/// Made by [`EventExt::drained`](crate::event::EventExt::drained). On a ring that others use, or
/// that a driver itself uses to be woken, it would wait for them and they for it, some of them for
/// ever; even a cancel that is submitted behind it waits. So a ring takes it only where its
/// [`Rule`](crate::Rule) allows it, which that of no driver of ringbahn does: it is for a driver of
/// one's own, upon a ring of one's own. All others refuse it with
/// [`Forbidden`](crate::Forbidden), in its output, and nothing of it reaches the ring.
///
/// In a chain of the kernel it makes the whole chain wait, and what stands behind that. The event's
/// own entries, if it has several, follow the first one as ever.
///
/// # Examples
///
/// ```
/// use ringbahn_core::Rule;
/// use ringbahn_core::event::{EventExt, Nop};
///
/// // For the ring:
/// let rule = Rule::new(|_| None).allow_drain();
/// // For a driver upon it:
/// let barrier = Nop.drained();
/// # drop((rule, barrier));
/// ```
///
/// # Errors
///
/// Those of the inner event, and `Unsupported` ([`Forbidden`](crate::Forbidden)) where the ring
/// does not take it.
///
/// # Cancellation
///
/// Has no effect while it waits for others; later that of the inner event.
///
/// # Kernel
///
/// Linux 5.2. The inner event may need a newer one. It waits also for streams to end and for
/// zero-copy sends to give back their buffers.
///
/// # References
///
/// [`io_uring_enter(2)`](https://man7.org/linux/man-pages/man2/io_uring_enter.2.html)
#[doc(alias = "IOSQE_IO_DRAIN")]
#[derive(Debug)]
pub struct Drained<E> {
    event: E,
}

impl<E: Event> Drained<E> {
    pub(super) fn new(event: E) -> Drained<E> {
        Drained { event }
    }
}

impl<E: Event> Event for Drained<E> {
    type Output = E::Output;

    fn sqes_needed(&self) -> u32 {
        self.event.sqes_needed()
    }

    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        let first = sqes.entries().len();
        // SAFETY: E1 holds for the inner event, which is a part of this one.
        unsafe { self.event.prepare(sqes) };
        sqes.drain_before(first);
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
    use crate::event::testing::prepared;
    use crate::event::{EventExt, Nop};
    use crate::sqe::{FLAG_DRAIN, FLAG_LINK};

    #[test]
    fn its_first_entry_waits_and_the_others_follow() {
        let mut chain = Nop.link(Nop.link(Nop).drained());
        let sqes = prepared(&mut chain);
        let flags: Vec<u8> = sqes.entries().iter().map(|entry| entry.flags()).collect();
        assert_eq!(flags, [FLAG_LINK, FLAG_LINK | FLAG_DRAIN, 0]);
        assert!(sqes.drained().is_some());
        assert!(prepared(&mut Nop.link(Nop)).drained().is_none());
    }
}
