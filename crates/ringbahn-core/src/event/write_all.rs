//! [`WriteAll`]: all of one buffer into a file, in as many operations as it takes.
#![allow(unsafe_code)]

use std::io;

use crate::buf::{BufResult, IoBuf, entry_length};
use crate::event::Event;
use crate::event::transfer::{Position, Progress};
use crate::fd::SharedFd;
use crate::opcode;
use crate::outcome::Outcome;
use crate::sqe::{Sqe, Sqes};

/// Writes all bytes of a buffer to a file.
///
/// After a short write the event is submitted again for the rest, and so it is where it was
/// interrupted. Buffers may be of any length.
///
/// In a chain it is submitted once only: a short write breaks the chain, and is reported as
/// [`Incomplete`](crate::event::Incomplete).
///
/// # Errors
///
/// `WriteZero` where the file takes nothing more, and those of [`Write`](crate::event::Write);
/// the bytes before have then been written.
///
/// # Cancellation
///
/// As for [`Write`](crate::event::Write); nothing more is submitted after it. A count that the
/// cancel found is in the error, as [`Incomplete`](crate::event::Incomplete).
///
/// # Kernel
///
/// Linux 5.6. The buffer and the file are the event's until the last completion.
///
/// # References
///
/// [`write(2)`](https://man7.org/linux/man-pages/man2/write.2.html)
#[doc(alias = "IORING_OP_WRITE")]
#[derive(Debug)]
pub struct WriteAll<B> {
    file: SharedFd,
    buffer: B,
    position: Position,
    progress: Progress,
}

impl<B: IoBuf> WriteAll<B> {
    /// A write of all of `buffer` to `file`, from `position` on.
    pub fn new(file: impl Into<SharedFd>, buffer: B, position: Position) -> WriteAll<B> {
        WriteAll { file: file.into(), buffer, position, progress: Progress::default() }
    }
}

impl<B: IoBuf> Event for WriteAll<B> {
    type Output = BufResult<(), B>;

    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        let done = self.progress.begin();
        let length = entry_length(self.buffer.bytes_len() - done);
        let registration = self.buffer.registration();
        // SAFETY: B1: no more is done than the buffer holds.
        let rest = unsafe { self.buffer.bytes_ptr().add(done) };
        // SAFETY: S1 by E1 and B1: the buffer is the event's and holds `length` bytes more; E2.
        let entry = unsafe { Sqe::new(opcode::WRITE) };
        let entry = entry.file(&self.file).offset(self.position.advance(done).offset());
        sqes.push_with(entry.address(rest).length(length), registration);
    }

    fn complete(self, outcome: Outcome<'_, Self>) -> BufResult<(), B> {
        let wanted = self.buffer.bytes_len();
        let (_, result) = self.progress.end(outcome, wanted, io::ErrorKind::WriteZero);
        (result, self.buffer)
    }

    fn resubmit(&mut self, outcome: &Outcome<'_, Self>) -> bool {
        self.progress.goes_on(outcome.cqe(), self.buffer.bytes_len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::testing::{complete, entry, resubmits, shared_null};

    #[test]
    fn each_round_writes_the_rest_behind_what_is_written() {
        let text = "0123456789";
        for (position, offsets) in
            [(Position::At(100), [100, 104, 104]), (Position::Current, [u64::MAX; 3])]
        {
            let mut write = WriteAll::new(shared_null(), text, position);
            for (result, done, offset) in
                [(4, 0, offsets[0]), (-libc::EINTR, 4, offsets[1]), (3, 4, offsets[2])]
            {
                let entry = entry(&mut write);
                assert_eq!(entry.get_address().cast_const(), text[done..].as_ptr().cast());
                assert_eq!((entry.get_length() as usize, entry.get_offset()), (10 - done, offset));
                assert!(resubmits(&mut write, result));
            }
            entry(&mut write);
            assert!(!resubmits(&mut write, 3));
            let (result, buffer) = complete(write, 3);
            result.unwrap();
            assert_eq!(buffer, text);
        }
    }

    #[test]
    fn a_file_that_takes_nothing_more_is_an_error() {
        let mut write = WriteAll::new(shared_null(), "hello", Position::Current);
        entry(&mut write);
        assert!(!resubmits(&mut write, 0));
        let (result, buffer) = complete(write, 0);
        assert_eq!((result.unwrap_err().kind(), buffer), (io::ErrorKind::WriteZero, "hello"));
    }

    #[test]
    fn an_error_after_a_part_is_that_error() {
        let mut write = WriteAll::new(shared_null(), "hello", Position::Current);
        entry(&mut write);
        assert!(resubmits(&mut write, 2));
        entry(&mut write);
        assert!(!resubmits(&mut write, -libc::ENOSPC));
        let (result, buffer) = complete(write, -libc::ENOSPC);
        assert_eq!((result.unwrap_err().kind(), buffer), (io::ErrorKind::StorageFull, "hello"));
    }

    #[test]
    fn nothing_is_written_at_once() {
        let mut write = WriteAll::new(shared_null(), "", Position::Current);
        entry(&mut write);
        assert!(!resubmits(&mut write, 0));
        complete(write, 0).0.unwrap();
    }
}
