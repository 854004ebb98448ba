//! [`Read`]: from a file into one buffer.
#![allow(unsafe_code)]

use crate::buf::{BufResult, IoBufMut, entry_length};
use crate::event::Event;
use crate::event::transfer::{Faults, Position, received};
use crate::fd::SharedFd;
use crate::opcode;
use crate::operation::repeats::Repeats;
use crate::outcome::Outcome;
use crate::sqe::{Sqe, Sqes};

/// Reads from a file into a buffer, up to the buffer's capacity.
///
/// Yields the number of bytes read and the buffer. Zero means the end of the file, or that the
/// buffer has no room.
///
/// # Examples
///
/// ```
/// use std::fs::File;
/// use std::sync::Arc;
/// use ringbahn_core::SharedFd;
/// use ringbahn_core::event::{Position, Read};
///
/// let file = SharedFd::new(Arc::new(File::open("/dev/zero")?));
/// let whole = Read::new(file.clone(), Vec::with_capacity(4096), Position::At(0));
/// let fixed = Read::new(file, [0; 64], Position::Current);
/// # drop((whole, fixed));
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
///
/// Those of `read(2)`: `IsADirectory`, `InvalidInput` for a position beyond `i64::MAX`, …
///
/// # Cancellation
///
/// From a socket, pipe or terminal it stops at once, with nothing read. From a disk it runs to
/// its end. The kernel may also have read before the cancel arrived: the bytes are in the output,
/// and lost with it where nobody takes it.
///
/// # Kernel
///
/// Linux 5.6. The buffer and the file are the event's until completion.
///
/// # References
///
/// [`read(2)`](https://man7.org/linux/man-pages/man2/read.2.html)
#[doc(alias = "IORING_OP_READ")]
#[derive(Debug)]
pub struct Read<B> {
    file: SharedFd,
    buffer: B,
    position: Position,
    faults: Faults,
}

impl<B: IoBufMut> Read<B> {
    /// A read from `file` at `position` into `buffer`.
    pub fn new(file: impl Into<SharedFd>, buffer: B, position: Position) -> Read<B> {
        Read { file: file.into(), buffer, position, faults: Faults::default() }
    }
}

impl<B: IoBufMut> Event for Read<B> {
    type Output = BufResult<usize, B>;

    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        let length = entry_length(self.buffer.target_len());
        let registration = self.buffer.registration();
        let target = self.buffer.target_ptr();
        // SAFETY: S1 by E1 and B1: the buffer is the event's and has room for `length`; E2.
        let entry = unsafe { Sqe::new(opcode::READ) };
        let entry = entry.file(&self.file).offset(self.position.offset());
        sqes.push_with(entry.address(target).length(length), registration);
    }

    fn complete(mut self, outcome: Outcome<'_, Self>) -> BufResult<usize, B> {
        // SAFETY: E3: the entry asked for the buffer's target.
        let result = unsafe { received(outcome, &mut self.buffer) };
        (result, self.buffer)
    }

    fn resubmit(&mut self, outcome: &Outcome<'_, Self>) -> bool {
        outcome.has_not_run() || self.faults.is_first(outcome)
    }

    #[inline]
    fn repeats(&self) -> Repeats {
        Repeats::FAILED
    }

    #[inline]
    fn is_often_served(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::testing::resubmits;

    #[test]
    fn a_fault_is_tried_again_once() {
        let mut read = Read::new(crate::event::testing::shared_null(), [0; 4], Position::Current);
        assert!(resubmits(&mut read, -libc::EFAULT));
        assert!(resubmits(&mut read, -libc::EINTR));
        assert!(!resubmits(&mut read, -libc::EFAULT));
    }
    use crate::event::testing::{complete, entry, fill, shared_null};

    #[test]
    fn the_buffer_comes_back_with_what_was_read() {
        let mut read = Read::new(shared_null(), Vec::with_capacity(64), Position::Current);
        let entry = entry(&mut read);
        assert_eq!(entry.get_length(), 64);
        fill(&entry, b"hello");
        let (result, buffer) = complete(read, 5);
        assert_eq!((result.unwrap(), &buffer[..]), (5, &b"hello"[..]));
    }

    #[test]
    fn an_inline_array_is_read_in_place() {
        let mut read = Read::new(shared_null(), *b"0123456789", Position::At(7));
        fill(&entry(&mut read), b"hello");
        let (result, buffer) = complete(read, 5);
        assert_eq!((result.unwrap(), &buffer), (5, b"hello56789"));
    }

    #[test]
    fn an_error_leaves_the_buffer_as_it_was() {
        for errno in [libc::EIO, libc::EINTR, libc::ECANCELED, 512] {
            let read = Read::new(shared_null(), b"before".to_vec(), Position::Current);
            let (result, buffer) = complete(read, -errno);
            assert!(result.is_err());
            assert_eq!(buffer, b"before");
        }
    }

    #[test]
    fn the_end_of_the_file_empties_a_growable_buffer() {
        let read = Read::new(shared_null(), b"before".to_vec(), Position::Current);
        let (result, buffer) = complete(read, 0);
        assert_eq!((result.unwrap(), buffer.len()), (0, 0));
    }

    #[test]
    fn an_impossible_count_never_exceeds_the_buffer() {
        let read = Read::new(shared_null(), [0; 8], Position::Current);
        assert_eq!(complete(read, 9).0.unwrap(), 8);
    }
}
