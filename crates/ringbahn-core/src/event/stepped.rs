//! [`Stepped`]: an event whose output tells whether it has run.
#![allow(unsafe_code)]

use crate::event::Event;
use crate::outcome::Outcome;
use crate::sqe::Sqes;

/// An event whose output tells whether it has run: a step of a chain.
///
/// Made by [`EventExt::stepped`](crate::event::EventExt::stepped). The same operation as the inner
/// event, whose output is in the [`Step`]. It tells from the kernel's answers, so it is the same
/// for all events, of whatever shape their output is.
///
/// # Examples
///
/// ```
/// use ringbahn_core::{Drive, SharedFd};
/// use ringbahn_core::event::{EventExt, Fsync, Position, Step, Write};
///
/// async fn save(file: SharedFd, text: String, driver: impl Drive + Unpin) -> &'static str {
///     let write = Write::new(file.clone(), text, Position::At(0)).stepped();
///     match driver.submit(write.link(Fsync::new(file).stepped())).await {
///         (Step::Succeeded(_), Step::Succeeded(_)) => "saved",
///         (Step::Succeeded(_), Step::Failed(_)) => "written, but perhaps not for long",
///         (Step::Succeeded(_), Step::NotRun(_)) => "written in part",
///         (Step::Failed(_), _) => "not written",
///         (Step::NotRun(_), _) => "not even tried",
///     }
/// }
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
/// Linux 5.1. The inner event may need a newer one.
///
/// # References
///
/// [`io_uring_enter(2)`](https://man7.org/linux/man-pages/man2/io_uring_enter.2.html)
#[doc(alias = "IOSQE_IO_LINK")]
#[derive(Debug)]
pub struct Stepped<E> {
    event: E,
}

/// What became of a step, and its output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<T> {
    /// It has run, and the kernel reports no error. A transfer may have been a short one, which
    /// breaks a [`Link`](crate::event::Link) behind it.
    Succeeded(T),
    /// It has run and failed.
    Failed(T),
    /// Nothing of it has been done, so it may be tried again. The chain broke before it; or it was
    /// cancelled, or interrupted, before it had done anything; or the driver has not taken it. Of
    /// a chain that nobody cancels a step behind the first one is here because the chain broke.
    NotRun(T),
}

impl<T> Step<T> {
    /// The output of the inner event.
    pub fn into_output(self) -> T {
        match self {
            Step::Succeeded(output) | Step::Failed(output) | Step::NotRun(output) => output,
        }
    }

    /// The output of the inner event.
    pub fn output(&self) -> &T {
        match self {
            Step::Succeeded(output) | Step::Failed(output) | Step::NotRun(output) => output,
        }
    }

    /// Whether it has run, successfully or not.
    pub fn has_run(&self) -> bool {
        !matches!(self, Step::NotRun(_))
    }
}

impl<E: Event> Stepped<E> {
    pub(super) fn new(event: E) -> Stepped<E> {
        Stepped { event }
    }
}

impl<E: Event> Event for Stepped<E> {
    type Output = Step<E::Output>;

    fn sqes_needed(&self) -> u32 {
        self.event.sqes_needed()
    }

    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        // SAFETY: E1 holds for the inner event, which is a part of this one.
        unsafe { self.event.prepare(sqes) };
    }

    fn complete(self, outcome: Outcome<'_, Self>) -> Step<E::Output> {
        // That its buffer is free again says nothing of a zero-copy send.
        let answers = || outcome.cqes().iter().filter(|cqe| !cqe.is_notification());
        let wrap = if answers().all(|cqe| cqe.has_not_run()) {
            Step::NotRun
        } else if answers().any(|cqe| cqe.result < 0) {
            Step::Failed
        } else {
            Step::Succeeded
        };
        wrap(self.event.complete(outcome.of()))
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
    use super::*;
    use crate::cqe::Cqe;
    use crate::event::testing::{complete, cqe, ended, shared_null};
    use crate::event::{EventExt, Nop, Position, Read, SendZc};
    use crate::operation::id::OperationId;

    #[test]
    fn an_event_that_has_not_run_is_told_from_one_that_failed() {
        let read = || Read::new(shared_null(), vec![0; 8], Position::Current).stepped();
        assert!(matches!(complete(read(), 3), Step::Succeeded((Ok(3), _))));
        assert!(matches!(complete(read(), -libc::EIO), Step::Failed((Err(_), _))));
        for errno in [libc::ECANCELED, libc::EINTR, 512] {
            let step = complete(read(), -errno);
            assert!(!step.has_run() && step.output().0.is_err());
        }
        let refused = Outcome::refused(std::io::ErrorKind::BrokenPipe.into());
        let error = read().complete(refused).into_output().0.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::BrokenPipe);
    }

    #[test]
    fn the_notification_of_a_send_that_never_started_does_not_make_it_one_that_did() {
        const NOTIFICATION: u32 = 1 << 3;
        let cqes = [cqe(-libc::ECANCELED), Cqe { flags: NOTIFICATION, ..cqe(0) }];
        let step = SendZc::new(shared_null(), "hello").stepped().complete(ended(&cqes));
        assert!(!step.has_run());
    }

    #[test]
    fn a_chain_of_which_something_has_run_has_run() {
        let answers = |first, second| {
            [(0, first), (1, second)].map(|(step, result)| {
                let user_data = OperationId { index: 3, generation: 7 }.user_data(step);
                Cqe { user_data, ..cqe(result) }
            })
        };
        let end = |first, second| Nop.link(Nop).stepped().complete(ended(&answers(first, second)));
        assert!(matches!(end(0, 0), Step::Succeeded((Ok(()), Ok(())))));
        assert!(matches!(end(0, -libc::ECANCELED), Step::Failed((Ok(()), Err(_)))));
        assert!(matches!(end(-libc::ECANCELED, -libc::ECANCELED), Step::NotRun(_)));
    }
}
