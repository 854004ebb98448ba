//! [`Rescued`]: an event whose output is kept where nobody waits for it any more.
#![allow(unsafe_code)]

use std::fmt;

use crate::event::Event;
use crate::operation::repeats::Repeats;
use crate::outcome::Outcome;
use crate::sqe::Sqes;

/// Takes the output of an operation that was abandoned.
///
/// Every `FnOnce(T)` does. It is called, or dropped uncalled, exactly once, by whoever reaps the
/// end of the operation or drops its future.
pub trait Keep<T>: std::marker::Send + 'static {
    /// Takes `output`.
    fn keep(self, output: T);
}

impl<T, F: FnOnce(T) + std::marker::Send + 'static> Keep<T> for F {
    fn keep(self, output: T) {
        self(output);
    }
}

/// An event whose output is kept where nobody waits for it any more.
///
/// The same operation as the inner event, with the same entries and the same output. Only its
/// cancellation callback differs: it hands the output on instead of dropping it. So what an
/// abandoned read had taken from a stream, or an abandoned accept from a backlog, is not lost.
///
/// Of an operation that was [detached](crate::Submission::detach) the keeper is what others call a
/// callback: nobody waits, and what came is handed on. So what waits for long, as a connection does
/// for its next message, takes no more memory than its operation does.
///
/// The callback is told of operations only that had started; where one is dropped before that,
/// the keeper is dropped with it.
///
/// # Examples
///
/// ```
/// use std::sync::mpsc::channel;
/// use ringbahn_core::{Event, Outcome, event::{Nop, Rescued}};
///
/// let (sender, receiver) = channel();
/// let nop = Rescued::new(Nop::new(), move |output| drop(sender.send(output)));
/// // What happens to an abandoned operation at its end:
/// nop.cancelled(Outcome::refused(std::io::ErrorKind::Other.into()));
/// assert!(receiver.recv().is_ok());
/// ```
///
/// # Errors
///
/// Those of the inner event.
///
/// # Cancellation
///
/// That of the inner event.
///
/// # Kernel
///
/// Linux 5.5. The inner event may need a newer one.
///
/// # References
///
/// [`io_uring_enter(2)`](https://man7.org/linux/man-pages/man2/io_uring_enter.2.html)
#[doc(alias = "IORING_OP_ASYNC_CANCEL")]
pub struct Rescued<E, K> {
    event: E,
    keeper: K,
}

impl<E: Event, K: Keep<E::Output>> Rescued<E, K> {
    /// `event`, with `keeper` to take its output where it is abandoned.
    pub fn new(event: E, keeper: K) -> Rescued<E, K> {
        Rescued { event, keeper }
    }
}

impl<E: Event, K: Keep<E::Output>> Event for Rescued<E, K> {
    type Output = E::Output;

    fn sqes_needed(&self) -> u32 {
        self.event.sqes_needed()
    }

    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        // SAFETY: E1 holds for the inner event, which is a part of this one.
        unsafe { self.event.prepare(sqes) };
    }

    fn complete(self, outcome: Outcome<'_, Self>) -> E::Output {
        self.event.complete(outcome.of())
    }

    fn cancelled(self, outcome: Outcome<'_, Self>) {
        self.keeper.keep(self.event.complete(outcome.of()));
    }

    fn resubmit(&mut self, outcome: &Outcome<'_, Self>) -> bool {
        // SAFETY: V1: the entries are the inner event's, which only looks at this outcome.
        let outcome = unsafe { Outcome::completed(outcome.cqes()) };
        self.event.resubmit(&outcome)
    }

    fn repeats(&self) -> Repeats {
        self.event.repeats()
    }
}

impl<E: fmt::Debug, K> fmt::Debug for Rescued<E, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rescued").field("event", &self.event).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Recv;
    use crate::event::testing::{cancelled, complete, entry, fill, shared_null};
    use std::sync::mpsc::channel;

    #[test]
    fn an_abandoned_output_is_kept_and_a_wanted_one_is_not() {
        let (sender, receiver) = channel();
        let keeper = move |output| drop(sender.send(output));
        let mut recv = Rescued::new(Recv::new(shared_null(), vec![0; 8]), keeper.clone());
        fill(&entry(&mut recv), b"hello");
        cancelled(recv, 5);
        let (count, buffer) = receiver.recv().unwrap();
        assert_eq!((count.unwrap(), &buffer[..]), (5, &b"hello"[..]));

        let mut recv = Rescued::new(Recv::new(shared_null(), vec![0; 8]), keeper);
        fill(&entry(&mut recv), b"hello");
        assert_eq!(complete(recv, 5).0.unwrap(), 5);
        assert!(receiver.recv().is_err(), "the keeper has gone uncalled");
    }
}
