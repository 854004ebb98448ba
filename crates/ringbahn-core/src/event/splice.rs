//! [`Splice`]: bytes from one file to another, through no memory of the process.
#![allow(unsafe_code)]

use std::io;

use crate::buf::entry_length;
use crate::event::Event;
use crate::event::transfer::Position;
use crate::fd::SharedFd;
use crate::opcode;
use crate::outcome::Outcome;
use crate::sqe::{Sqe, Sqes};

/// Moves bytes from a pipe to a file or socket, the other way round, or from pipe to pipe, without
/// their passing through memory of the process.
///
/// Yields how many bytes have been moved: at least one, and fewer than asked for where no more are
/// there, or where there is no more room; none where the source has come to its end. It waits until
/// the source has something and the target has room.
///
/// One of the files is a pipe, and a pipe knows no position; so the way is chosen by the
/// constructor.
///
/// # Examples
///
/// ```
/// use std::os::fd::OwnedFd;
/// use ringbahn_core::SharedFd;
/// use ringbahn_core::event::{Position, Splice};
///
/// let (_reader, writer) = std::io::pipe()?;
/// let file = SharedFd::from(OwnedFd::from(std::fs::File::open("/dev/zero")?));
/// let pipe = SharedFd::from(OwnedFd::from(writer));
/// let splice = Splice::into_pipe(file, Position::At(0), pipe, 4096);
/// # drop(splice);
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
///
/// Those of `splice(2)`: `InvalidInput` where neither file is a pipe, where a file system cannot
/// do it, where the target is open for appending, or for a position in a socket; `BrokenPipe`, with
/// which a `SIGPIPE` may come that Rust programs ignore unless they ask for it; …
///
/// # Cancellation
///
/// Stops it while it waits. Bytes that it has moved by then are where they were to go, and its
/// output says how many.
///
/// # Kernel
///
/// Linux 5.7. Both files are the event's until completion. A thread of the kernel executes it, and
/// is busy with it for as long as it waits.
///
/// # References
///
/// [`splice(2)`](https://man7.org/linux/man-pages/man2/splice.2.html)
#[doc(alias = "IORING_OP_SPLICE")]
#[derive(Debug)]
pub struct Splice {
    from: (SharedFd, Position),
    to: (SharedFd, Position),
    length: usize,
    flags: u32,
}

impl Splice {
    /// Moves up to `length` bytes from `position` in `from` into the pipe `pipe`. Of a socket the
    /// position is [`Position::Current`].
    pub fn into_pipe(
        from: impl Into<SharedFd>,
        position: Position,
        pipe: impl Into<SharedFd>,
        length: usize,
    ) -> Splice {
        Splice::new((from.into(), position), (pipe.into(), Position::Current), length)
    }

    /// Moves up to `length` bytes from the pipe `pipe` to `position` in `to`. Of a socket the
    /// position is [`Position::Current`].
    pub fn from_pipe(
        pipe: impl Into<SharedFd>,
        to: impl Into<SharedFd>,
        position: Position,
        length: usize,
    ) -> Splice {
        Splice::new((pipe.into(), Position::Current), (to.into(), position), length)
    }

    /// Moves up to `length` bytes from one pipe to another.
    pub fn between_pipes(
        from: impl Into<SharedFd>,
        to: impl Into<SharedFd>,
        length: usize,
    ) -> Splice {
        Splice::new((from.into(), Position::Current), (to.into(), Position::Current), length)
    }

    fn new(from: (SharedFd, Position), to: (SharedFd, Position), length: usize) -> Splice {
        Splice { from, to, length, flags: 0 }
    }

    /// Whether more is to follow soon, so that a socket need not send at once what is no full
    /// packet.
    #[must_use]
    pub fn more(mut self, more: bool) -> Splice {
        self.flags = if more { libc::SPLICE_F_MORE } else { 0 };
        self
    }
}

impl Event for Splice {
    type Output = io::Result<usize>;

    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        let ((from, from_position), (to, to_position)) = (&self.from, &self.to);
        // SAFETY: S1 by E2, for both files; the entry names no memory: its address word holds the
        // position in the first one.
        let entry = unsafe { Sqe::new(opcode::SPLICE) };
        sqes.push(
            entry
                .file(to)
                .offset(to_position.offset())
                .address_number(from_position.offset())
                .length(entry_length(self.length))
                .op_flags(self.flags)
                .source_file(from),
        );
    }

    fn complete(self, outcome: Outcome<'_, Self>) -> io::Result<usize> {
        outcome.result().map(|count| count as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::testing::{complete, entry, resubmits, shared_null};

    #[test]
    fn it_tells_how_many_bytes_have_been_moved() {
        let splice = || Splice::between_pipes(shared_null(), shared_null(), 10);
        assert_eq!(complete(splice(), 7).unwrap(), 7);
        assert!(complete(splice(), -libc::EPIPE).is_err());
        assert!(resubmits(&mut splice(), -512));
    }

    #[test]
    fn a_pipe_has_no_position() {
        let at = Position::At(5);
        let mut into = Splice::into_pipe(shared_null(), at, shared_null(), 10);
        let words = entry(&mut into);
        assert_eq!((words.get_address_number(), words.get_offset()), (5, u64::MAX));
        let mut from = Splice::from_pipe(shared_null(), shared_null(), at, 10);
        let words = entry(&mut from);
        assert_eq!((words.get_address_number(), words.get_offset()), (u64::MAX, 5));
    }
}
