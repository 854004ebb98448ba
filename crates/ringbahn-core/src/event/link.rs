//! [`Link`]: two events in a chain that breaks, and [`EventExt`], which makes chains.

use super::as_personality::AsPersonality;
use super::drained::Drained;
use super::pair::{Pair, event_of_pair};
use super::stepped::Stepped;
use super::then::Then;
use crate::event::Event;
use crate::outcome::Outcome;
use crate::personality::Personality;
use crate::sqe::{Coupling, Sqes};

/// Two events, of which the second one starts when the first one has succeeded.
///
/// Made by [`EventExt::link`]. Their entries stand next to each other in one submission, so
/// nothing comes between them. Yields both outputs. Where the first event fails, the second one
/// does not start and reports `ECANCELED`; a read or write that moves less than was asked for
/// counts as failed here, though its own output says that it has succeeded.
///
/// Not all failures count: the kernel (6.18) goes on behind an [`Fsync`](crate::event::Fsync), a
/// [`Truncate`](crate::event::Truncate) or a [`Statx`](crate::event::Statx) that has failed. Let
/// such a one be the last of its chain, or look at its output before you believe the next.
///
/// The chain is submitted once: where a part of it was interrupted, its output says so. Which part
/// has run, [`stepped`](EventExt::stepped) tells.
///
/// # Examples
///
/// ```
/// use std::fs::File;
/// use std::sync::Arc;
/// use ringbahn_core::SharedFd;
/// use ringbahn_core::event::{EventExt, Fsync, Position, Write};
///
/// let file = File::options().write(true).open("/dev/null")?;
/// let file = SharedFd::new(Arc::new(file));
/// let write = Write::new(file.clone(), "entry", Position::Current);
/// let durable = write.link(Fsync::new(file)); // Not before all of it is written.
/// # drop(durable);
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// A chain has as many steps as one likes; the outputs are nested as the calls are:
///
/// ```
/// use std::fs::File;
/// use std::sync::Arc;
/// use ringbahn_core::{Drive, SharedFd};
/// use ringbahn_core::event::{EventExt, Fsync, Position, Write};
///
/// /// Writes a record, and marks it as valid when it cannot be lost any more.
/// async fn commit(log: SharedFd, driver: impl Drive + Unpin) -> std::io::Result<()> {
///     let record = Write::new(log.clone(), "record", Position::At(1));
///     let mark = Write::new(log.clone(), "!", Position::At(0));
///     let chain = record.link(Fsync::new(log.clone())).link(mark).link(Fsync::new(log));
///     let ((((written, _), synced), (marked, _)), durable) = driver.submit(chain).await;
///     written?;
///     synced?;
///     marked?;
///     durable
/// }
/// ```
///
/// # Errors
///
/// Those of the events.
///
/// # Cancellation
///
/// That of the event which runs; those behind it do not start. What has run has run, and what
/// nobody takes of the outputs is disposed of as for the single events.
///
/// # Kernel
///
/// Linux 5.3. The events may need a newer one. Both events live until both have ended.
///
/// # References
///
/// [`io_uring_enter(2)`](https://man7.org/linux/man-pages/man2/io_uring_enter.2.html)
#[doc(alias = "IOSQE_IO_LINK")]
#[derive(Debug)]
pub struct Link<A, B> {
    pair: Pair<A, B>,
}

/// What every event can do besides.
pub trait EventExt: Event {
    /// Puts `next` behind this event: it starts when this one has succeeded. See [`Link`].
    ///
    /// # Panics
    ///
    /// Panics where both together need more than
    /// [`SQES_PER_EVENT_MAX`](crate::SQES_PER_EVENT_MAX) entries.
    fn link<B: Event>(self, next: B) -> Link<Self, B> {
        Link { pair: Pair::new(self, next) }
    }

    /// Puts `next` behind this event: it starts when this one has ended, however that was. See
    /// [`Then`].
    ///
    /// # Panics
    ///
    /// As [`link`](EventExt::link).
    fn then<B: Event>(self, next: B) -> Then<Self, B> {
        Then::new(self, next)
    }

    /// Has the output tell whether this event has run: of use in a chain. See [`Stepped`].
    fn stepped(self) -> Stepped<Self> {
        Stepped::new(self)
    }

    /// Has this event wait until the ring has nothing else to do. Few rings take it. See
    /// [`Drained`].
    fn drained(self) -> Drained<Self> {
        Drained::new(self)
    }

    /// Has this event run with other credentials than those of the thread that submits it. See
    /// [`AsPersonality`].
    #[allow(clippy::wrong_self_convention, reason = "a file is opened as somebody")]
    fn as_personality(self, personality: &Personality) -> AsPersonality<Self> {
        AsPersonality::new(self, personality.clone())
    }
}

impl<E: Event> EventExt for E {}

event_of_pair!(Link, Coupling::Soft);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SQES_PER_EVENT_MAX;
    use crate::cqe::Cqe;
    use crate::event::testing::{cqe, ended, is_open, prepared, resubmits, shared_null, stray_fd};
    use crate::event::{Accept, Fsync, Nop, Position, Write};
    use crate::operation::id::OperationId;
    use crate::sqe::FLAG_LINK;

    /// The answer to the entry of a step.
    fn answer(step: u32, result: i32) -> Cqe {
        let user_data = OperationId { index: 3, generation: 7 }.user_data(step);
        Cqe { user_data, ..cqe(result) }
    }

    #[test]
    fn all_entries_but_the_last_are_linked() {
        let mut chain = Nop.link(Nop).link(Nop.link(Nop));
        let sqes = prepared(&mut chain);
        let flags: Vec<u8> = sqes.entries().iter().map(|entry| entry.flags()).collect();
        assert_eq!(flags, [FLAG_LINK, FLAG_LINK, FLAG_LINK, 0]);
        assert!(!resubmits(&mut chain, -libc::ECANCELED));
    }

    #[test]
    fn each_event_gets_its_own_answer() {
        let write = Write::new(shared_null(), "hello", Position::Current);
        let chain = write.link(Fsync::new(shared_null())).link(Nop);
        let cqes = [answer(0, 3), answer(1, -libc::ECANCELED), answer(2, -libc::ECANCELED)];
        let (((count, buffer), fsync), nop) = chain.complete(ended(&cqes));
        assert_eq!((count.unwrap(), buffer), (3, "hello"));
        assert_eq!(fsync.unwrap_err().raw_os_error(), Some(libc::ECANCELED));
        assert_eq!(nop.unwrap_err().raw_os_error(), Some(libc::ECANCELED));
    }

    #[test]
    fn a_chain_never_submitted_gives_the_reason_once() {
        let refused = Outcome::refused(std::io::ErrorKind::BrokenPipe.into());
        let (first, second) = Nop.link(Nop).complete(refused);
        assert_eq!(first.unwrap_err().kind(), std::io::ErrorKind::BrokenPipe);
        assert_eq!(second.unwrap_err().raw_os_error(), Some(libc::ECANCELED));
    }

    #[test]
    fn what_nobody_takes_is_disposed_of_in_every_step() {
        let numbers = [stray_fd(), stray_fd()];
        let chain = Accept::new(shared_null()).link(Accept::new(shared_null()));
        chain.cancelled(ended(&[answer(0, numbers[0]), answer(1, numbers[1])]));
        assert!(!numbers.into_iter().any(is_open));
    }

    struct Panics;

    #[allow(unsafe_code, reason = "the trait's method is unsafe")]
    impl Event for Panics {
        type Output = ();

        unsafe fn prepare(&mut self, sqes: &mut Sqes) {
            sqes.push(crate::Sqe::nop());
        }

        fn complete(self, _outcome: Outcome<'_, Self>) {
            // A payload without size: what is leaked of it is nothing.
            std::panic::panic_any(());
        }
    }

    #[test]
    fn a_panic_in_the_first_event_loses_nothing_of_the_second() {
        for cancelled in [false, true] {
            let number = stray_fd();
            let panic = std::panic::catch_unwind(|| {
                let chain = Panics.link(Accept::new(shared_null()));
                let cqes = [answer(0, 0), answer(1, number)];
                if cancelled {
                    chain.cancelled(ended(&cqes));
                } else {
                    drop(chain.complete(ended(&cqes)));
                }
            });
            assert!(panic.is_err());
            assert!(!is_open(number));
        }
    }

    #[test]
    fn a_panic_in_both_events_ends_neither_the_process_nor_what_is_behind_them() {
        for cancelled in [false, true] {
            let number = stray_fd();
            let panic = std::panic::catch_unwind(|| {
                let chain = Panics.link(Panics.link(Accept::new(shared_null())));
                let cqes = [answer(0, 0), answer(1, 0), answer(2, number)];
                if cancelled {
                    chain.cancelled(ended(&cqes));
                } else {
                    drop(chain.complete(ended(&cqes)));
                }
            });
            assert!(panic.is_err());
            assert!(!is_open(number));
        }
    }

    #[test]
    #[should_panic(expected = "a chain of 65 entries")]
    fn a_chain_that_is_too_long_is_refused() {
        struct Long;
        #[allow(unsafe_code, reason = "the trait's method is unsafe")]
        impl Event for Long {
            type Output = ();
            fn sqes_needed(&self) -> u32 {
                SQES_PER_EVENT_MAX
            }
            unsafe fn prepare(&mut self, _sqes: &mut Sqes) {}
            fn complete(self, _outcome: Outcome<'_, Self>) {}
        }
        let _ = Long.link(Nop);
    }
}
