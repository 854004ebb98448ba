//! [`Mapped`]: an event whose output is made into another.
#![allow(unsafe_code)]

use std::fmt;

use crate::event::Event;
use crate::outcome::Outcome;
use crate::sqe::Sqes;

/// An event whose output is made into another.
///
/// The same operation as the inner event, with the same entries. So events of different outputs
/// have the same one, and go into the same place, as [`Either`](super::Either) of two of them does.
///
/// The function runs where the output is taken. Nobody calls it for an operation that was
/// abandoned, whose end is the inner event's own.
///
/// # Examples
///
/// ```
/// use ringbahn_core::{Event, Outcome, event::{Mapped, Nop}};
///
/// let nop = Mapped::new(Nop::new(), |output| output.is_ok());
/// assert!(!nop.complete(Outcome::refused(std::io::ErrorKind::Other.into())));
/// ```
///
/// # Errors
///
/// Those of the inner event, or what the function makes of them.
///
/// # Cancellation
///
/// That of the inner event.
///
/// # Kernel
///
/// Linux 5.1. The inner event may need a newer one.
///
/// # References
///
/// [`io_uring_enter(2)`](https://man7.org/linux/man-pages/man2/io_uring_enter.2.html)
#[doc(alias = "IORING_OP")]
pub struct Mapped<E, F> {
    event: E,
    map: F,
}

impl<E: Event, O, F: FnOnce(E::Output) -> O + std::marker::Send + 'static> Mapped<E, F> {
    /// `event`, whose output `map` makes into another.
    pub fn new(event: E, map: F) -> Mapped<E, F> {
        Mapped { event, map }
    }
}

impl<E: Event, O, F: FnOnce(E::Output) -> O + std::marker::Send + 'static> Event for Mapped<E, F> {
    type Output = O;

    fn sqes_needed(&self) -> u32 {
        self.event.sqes_needed()
    }

    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        // SAFETY: E1 holds for the inner event, which is a part of this one.
        unsafe { self.event.prepare(sqes) };
    }

    fn complete(self, outcome: Outcome<'_, Self>) -> O {
        (self.map)(self.event.complete(outcome.of()))
    }

    fn cancelled(self, outcome: Outcome<'_, Self>) {
        self.event.cancelled(outcome.of());
    }

    fn resubmit(&mut self, outcome: &Outcome<'_, Self>) -> bool {
        // SAFETY: V1: the entries are the inner event's, which only looks at this outcome.
        let outcome = unsafe { Outcome::completed(outcome.cqes()) };
        self.event.resubmit(&outcome)
    }
}

impl<E: fmt::Debug, F> fmt::Debug for Mapped<E, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mapped").field("event", &self.event).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Recv;
    use crate::event::testing::{cancelled, complete, entry, fill, resubmits, shared_null};
    use std::sync::mpsc::channel;

    #[test]
    fn a_wanted_output_is_mapped_and_an_abandoned_one_is_not() {
        let (sender, receiver) = channel();
        let map = move |(count, buffer): (std::io::Result<usize>, Vec<u8>)| {
            sender.send(()).unwrap();
            (count.unwrap(), String::from_utf8(buffer).unwrap())
        };
        let mut recv = Mapped::new(Recv::new(shared_null(), vec![0; 8]), map.clone());
        fill(&entry(&mut recv), b"hello");
        assert!(resubmits(&mut recv, -libc::EINTR));
        let (count, text) = complete(recv, 5);
        assert_eq!((count, &text[..5]), (5, "hello"));
        receiver.try_recv().unwrap();

        let mut recv = Mapped::new(Recv::new(shared_null(), vec![0; 8]), map);
        entry(&mut recv);
        cancelled(recv, 5);
        assert!(receiver.try_recv().is_err(), "it was abandoned");
    }
}
