//! [`WhenReady`]: an event that waits for a file which answers at once that it is not ready.
#![allow(unsafe_code)]

use std::io;

use crate::event::Event;
use crate::event::poll_add::Interest;
use crate::fd::SharedFd;
use crate::opcode;
use crate::outcome::Outcome;
use crate::sqe::{Sqe, Sqes};

/// An event that waits for a file which answers at once that it is not ready.
///
/// Recent kernels (6.18 was tried) wait for a pipe, a terminal or an inotify whose description is
/// in non-blocking mode, as for any other; older ones answer `WouldBlock`. The standard streams of
/// a process often are in that mode, since whoever shares a terminal or a pipe may have set it,
/// and it is not ours to change. So where the inner event gets that answer, this one polls the file
/// and then submits the inner event again, until it gets another.
///
/// The inner event is one of a single entry, a read or write of this file. In a chain it is
/// submitted once only, so it does not wait there.
///
/// # Examples
///
/// ```
/// use std::os::fd::OwnedFd;
/// use ringbahn_core::SharedFd;
/// use ringbahn_core::event::{Interest, Position, Read, WhenReady};
///
/// let (reader, _writer) = std::io::pipe()?;
/// let file = SharedFd::from(OwnedFd::from(reader));
/// let read = Read::new(file.clone(), vec![0; 64], Position::Current);
/// let patient = WhenReady::new(read, file, Interest::READABLE);
/// # drop(patient);
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
///
/// Those of the inner event but `WouldBlock`.
///
/// # Cancellation
///
/// While it polls: at once, and nothing has been done. Otherwise that of the inner event.
///
/// # Kernel
///
/// Linux 5.1. The inner event may need a newer one.
///
/// # References
///
/// [`poll(2)`](https://man7.org/linux/man-pages/man2/poll.2.html)
#[doc(alias = "IORING_OP_POLL_ADD")]
#[derive(Debug)]
pub struct WhenReady<E> {
    event: E,
    wait: Option<(SharedFd, Interest)>,
    /// Whether the entry laid out last is a poll, so that the outcome is not the inner event's.
    polls: bool,
    /// Whether the next one is to be. It may never be laid out, and then the outcome of the last
    /// one comes again.
    to_poll: bool,
}

impl<E: Event> WhenReady<E> {
    /// `event`, which waits until `file` is ready for `interest`.
    pub fn new(event: E, file: impl Into<SharedFd>, interest: Interest) -> WhenReady<E> {
        WhenReady { event, wait: Some((file.into(), interest)), polls: false, to_poll: false }
    }

    /// `event` as it is: for a file that is always ready, where another of its kind is not.
    pub fn at_once(event: E) -> WhenReady<E> {
        WhenReady { event, wait: None, polls: false, to_poll: false }
    }

    /// The inner event's outcome: where the poll has ended last, it has not run.
    fn outcome<'a>(&self, outcome: Outcome<'a, Self>) -> Outcome<'a, E> {
        if !self.polls {
            return outcome.of();
        }
        let cancelled = io::Error::from_raw_os_error(libc::ECANCELED);
        Outcome::refused(outcome.result().err().unwrap_or(cancelled))
    }
}

impl<E: Event> Event for WhenReady<E> {
    type Output = E::Output;

    fn sqes_needed(&self) -> u32 {
        self.event.sqes_needed()
    }

    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        self.polls = self.to_poll;
        match &self.wait {
            Some((file, interest)) if self.polls => {
                // SAFETY: S1 by E2; the entry names no memory.
                let entry = unsafe { Sqe::new(opcode::POLL_ADD) };
                sqes.push(entry.file(file).op_flags(interest.entry_mask()));
            }
            // SAFETY: E1 holds for the inner event, which is a part of this one.
            _ => unsafe { self.event.prepare(sqes) },
        }
    }

    fn complete(self, outcome: Outcome<'_, Self>) -> E::Output {
        let outcome = self.outcome(outcome);
        self.event.complete(outcome)
    }

    fn cancelled(self, outcome: Outcome<'_, Self>) {
        let outcome = self.outcome(outcome);
        self.event.cancelled(outcome);
    }

    fn resubmit(&mut self, outcome: &Outcome<'_, Self>) -> bool {
        if self.polls {
            // Where the file has an error the inner event will find it.
            self.to_poll = outcome.cqe().result().is_err();
            return !self.to_poll || outcome.has_not_run();
        }
        let cqe = outcome.cqe();
        // Where the CQE brings a buffer all the same, that is the inner event's to give back.
        if self.wait.is_some() && cqe.failed_with(libc::EAGAIN) && cqe.buffer().is_none() {
            self.to_poll = true;
            return true;
        }
        // SAFETY: V1: the entry is the inner event's, which only looks at this outcome.
        let outcome = unsafe { Outcome::completed(outcome.cqes()) };
        self.event.resubmit(&outcome)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cqe::Cqe;
    use crate::event::testing::{complete, cqe, ended, entry, fill, resubmits, shared_null};
    use crate::event::{Position, Read, WriteAll};

    fn patient(buffer: Vec<u8>) -> WhenReady<Read<Vec<u8>>> {
        let read = Read::new(shared_null(), buffer, Position::Current);
        WhenReady::new(read, shared_null(), Interest::READABLE)
    }

    #[test]
    fn it_polls_and_then_tries_again() {
        let mut read = patient(Vec::with_capacity(8));
        for _ in 0..2 {
            assert_eq!(entry(&mut read).opcode(), opcode::READ);
            assert!(resubmits(&mut read, -libc::EAGAIN));
            assert_eq!(entry(&mut read).opcode(), opcode::POLL_ADD);
            assert!(resubmits(&mut read, -libc::EINTR));
            assert_eq!(entry(&mut read).opcode(), opcode::POLL_ADD);
            assert!(resubmits(&mut read, i32::from(libc::POLLIN)));
        }
        fill(&entry(&mut read), b"hello");
        assert!(!resubmits(&mut read, 5));
        let (count, buffer) = complete(read, 5);
        assert_eq!((count.unwrap(), &buffer[..]), (5, &b"hello"[..]));
    }

    #[test]
    fn what_the_poll_answers_is_never_taken_for_a_count() {
        for (answer, error) in [(1, libc::ECANCELED), (-libc::ENOMEM, libc::ENOMEM)] {
            let mut read = patient(Vec::with_capacity(8));
            assert!(resubmits(&mut read, -libc::EAGAIN));
            entry(&mut read);
            if answer > 0 {
                // It is to go round once more, and is stopped before that.
                assert!(resubmits(&mut read, answer));
            }
            let (count, buffer) = complete(read, answer);
            assert_eq!(count.unwrap_err().raw_os_error(), Some(error));
            assert!(buffer.is_empty());
        }
        let mut read = patient(Vec::with_capacity(8));
        assert!(resubmits(&mut read, -libc::EAGAIN));
        entry(&mut read);
        assert!(!resubmits(&mut read, -libc::ENOMEM));
    }

    #[test]
    fn a_buffer_that_comes_with_the_answer_is_left_to_the_inner_event() {
        let mut read = patient(Vec::with_capacity(8));
        entry(&mut read);
        let brings_a_buffer = Cqe { flags: 1, ..cqe(-libc::EAGAIN) };
        assert!(!read.resubmit(&ended(&[brings_a_buffer])));
        assert!(read.resubmit(&ended(&[cqe(-libc::EAGAIN)])));
    }

    #[test]
    fn a_write_goes_on_where_it_was() {
        let write = WriteAll::new(shared_null(), "0123456789", Position::Current);
        let mut write = WhenReady::new(write, shared_null(), Interest::WRITABLE);
        entry(&mut write);
        assert!(resubmits(&mut write, 4));
        assert_eq!(entry(&mut write).get_length(), 6);
        assert!(resubmits(&mut write, -libc::EAGAIN));
        assert_eq!(entry(&mut write).opcode(), opcode::POLL_ADD);
        assert!(resubmits(&mut write, i32::from(libc::POLLOUT)));
        assert_eq!(entry(&mut write).get_length(), 6);
        complete(write, 6).0.unwrap();
    }
}
