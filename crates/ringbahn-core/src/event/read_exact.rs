//! [`ReadExact`]: from a file until one buffer is full, in as many operations as it takes.
#![allow(unsafe_code)]

use std::io;

use crate::buf::{BufResult, IoBufMut, entry_length};
use crate::event::Event;
use crate::event::transfer::{Faults, Position, Progress};
use crate::fd::SharedFd;
use crate::opcode;
use crate::outcome::Outcome;
use crate::sqe::{Sqe, Sqes};

/// Reads from a file until a buffer is full.
///
/// After a short read the event is submitted again for the rest, and so it is where it was
/// interrupted.
///
/// A growable buffer is full when its capacity is reached, which may be more than was asked for
/// when it was made. To read `n` bytes and no more, read into a slice up to `n`:
///
/// ```
/// use std::fs::File;
/// use std::os::fd::OwnedFd;
/// use ringbahn_core::IoBuf;
/// use ringbahn_core::event::{Position, ReadExact};
///
/// let zero = OwnedFd::from(File::open("/dev/zero")?);
/// let buffer = Vec::with_capacity(100).slice(..100);
/// let read = ReadExact::new(zero, buffer, Position::Current);
/// # drop(read);
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// In a chain it is submitted once only: a short read breaks the chain, and is reported as
/// [`Incomplete`](crate::event::Incomplete).
///
/// # Errors
///
/// `UnexpectedEof` where the file ends first, and those of [`Read`](crate::event::Read). A growable
/// buffer then holds what was read before, and where nothing was, what it held.
///
/// # Cancellation
///
/// As for [`Read`](crate::event::Read); nothing more is submitted after it. What the cancel found
/// is in the buffer, and the count in the error, as [`Incomplete`](crate::event::Incomplete).
///
/// # Kernel
///
/// Linux 5.6. The buffer and the file are the event's until the last completion.
///
/// # References
///
/// [`read(2)`](https://man7.org/linux/man-pages/man2/read.2.html)
#[doc(alias = "IORING_OP_READ")]
#[derive(Debug)]
pub struct ReadExact<B> {
    file: SharedFd,
    buffer: B,
    position: Position,
    progress: Progress,
    faults: Faults,
}

impl<B: IoBufMut> ReadExact<B> {
    /// A read from `file`, from `position` on, that fills `buffer`.
    pub fn new(file: impl Into<SharedFd>, buffer: B, position: Position) -> ReadExact<B> {
        ReadExact {
            file: file.into(),
            buffer,
            position,
            progress: Progress::default(),
            faults: Faults::default(),
        }
    }
}

impl<B: IoBufMut> Event for ReadExact<B> {
    type Output = BufResult<(), B>;

    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        let done = self.progress.begin();
        let length = entry_length(self.buffer.target_len() - done);
        let registration = self.buffer.registration();
        // SAFETY: B1: no more is done than the buffer has room for.
        let rest = unsafe { self.buffer.target_ptr().add(done) };
        // SAFETY: S1 by E1 and B1: the buffer is the event's and has room for `length` more; E2.
        let entry = unsafe { Sqe::new(opcode::READ) };
        let entry = entry.file(&self.file).offset(self.position.advance(done).offset());
        sqes.push_with(entry.address(rest).length(length), registration);
    }

    fn complete(mut self, outcome: Outcome<'_, Self>) -> BufResult<(), B> {
        let wanted = self.buffer.target_len();
        let (done, result) = self.progress.end(outcome, wanted, io::ErrorKind::UnexpectedEof);
        if done > 0 {
            // SAFETY: B3 by E3: each round has written as many bytes as it said, behind those of
            // the rounds before, and `Progress` counts no more than were asked for.
            unsafe { self.buffer.set_filled(done) };
        }
        (result, self.buffer)
    }

    fn resubmit(&mut self, outcome: &Outcome<'_, Self>) -> bool {
        self.progress.goes_on(outcome.cqe(), self.buffer.target_len())
            || self.faults.is_first(outcome)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::buf::IoBuf;
    use crate::event::Incomplete;
    use crate::event::testing::{complete, entry, fill, resubmits, shared_null};

    #[test]
    fn each_round_reads_behind_what_was_read() {
        let mut read =
            ReadExact::new(shared_null(), Vec::with_capacity(10).slice(..10), Position::At(7));
        for (data, offset) in [(&b"0123"[..], 7), (b"45678", 11)] {
            let entry = entry(&mut read);
            assert_eq!(entry.get_offset(), offset);
            fill(&entry, data);
            assert!(resubmits(&mut read, data.len() as i32));
        }
        fill(&entry(&mut read), b"9");
        assert!(!resubmits(&mut read, 1));
        let (result, buffer) = complete(read, 1);
        result.unwrap();
        assert_eq!(buffer.into_inner(), b"0123456789");
    }

    #[test]
    fn an_early_end_leaves_what_was_read_and_says_how_much() {
        let mut read =
            ReadExact::new(shared_null(), Vec::with_capacity(10).slice(..10), Position::Current);
        fill(&entry(&mut read), b"abc");
        assert!(resubmits(&mut read, 3));
        entry(&mut read);
        assert!(!resubmits(&mut read, 0));
        let (result, buffer) = complete(read, 0);
        let error = result.unwrap_err();
        assert_eq!((error.kind(), &*buffer), (io::ErrorKind::UnexpectedEof, &b"abc"[..]));
        let incomplete: &Incomplete = error.get_ref().unwrap().downcast_ref().unwrap();
        assert_eq!((incomplete.done(), incomplete.wanted()), (3, 10));
    }

    #[test]
    fn cancelled_half_way_it_keeps_what_it_has() {
        let mut read = ReadExact::new(shared_null(), vec![0; 10].slice(..10), Position::Current);
        fill(&entry(&mut read), b"abc");
        assert!(resubmits(&mut read, 3));
        entry(&mut read);
        let (result, buffer) = complete(read, -libc::ECANCELED);
        let error = result.unwrap_err();
        let incomplete: &Incomplete = error.get_ref().unwrap().downcast_ref().unwrap();
        assert_eq!((incomplete.done(), incomplete.wanted()), (3, 10));
        assert_eq!(buffer.into_inner(), b"abc");
    }

    #[test]
    fn an_error_before_anything_was_read_leaves_the_buffer_as_it_was() {
        for result in [0, -libc::EIO, -libc::EISDIR] {
            let mut read = ReadExact::new(shared_null(), vec![1, 2], Position::Current);
            entry(&mut read);
            assert!(!resubmits(&mut read, result));
            let (read, buffer) = complete(read, result);
            assert!(read.is_err());
            assert_eq!(buffer, [1, 2]);
        }
    }
}
