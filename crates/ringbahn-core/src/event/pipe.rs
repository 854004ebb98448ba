//! [`Pipe`]: a new pipe.
//!
//! # Safety
//!
//! P1. Where the kernel answers that a pipe was made, it has written both ends to `ends`, which are
//!     fresh and the event's alone: descriptors, or slots if the entry asked for these.
#![allow(unsafe_code)]

use std::io::{self, PipeReader, PipeWriter};
use std::os::fd::{FromRawFd, OwnedFd, RawFd};

use crate::direct::{DirectFd, DirectTable};
use crate::event::Event;
use crate::event::into_slot::sealed::Opening;
use crate::opcode;
use crate::outcome::Outcome;
use crate::sqe::{Sqe, Sqes};

/// Makes a pipe.
///
/// Yields the end to read from and the end to write to, both closed on exec. Dropping the output
/// closes both.
///
/// # Errors
///
/// Those of `pipe2(2)`: `EMFILE` and `ENFILE` where descriptors have run out, or where the user has
/// too many pipes.
///
/// # Cancellation
///
/// Ends at once, so a cancel finds nothing; a pipe that nobody takes is closed.
///
/// # Kernel
///
/// Linux 6.16. On an older one ringbahn's drivers make the pipe themselves, but not in slots. The
/// place for both ends is the event's until completion.
///
/// # References
///
/// [`pipe2(2)`](https://man7.org/linux/man-pages/man2/pipe.2.html)
#[doc(alias = "IORING_OP_PIPE")]
#[derive(Debug)]
pub struct Pipe {
    ends: [RawFd; 2],
}

impl Pipe {
    /// Makes a pipe.
    pub fn new() -> Pipe {
        Pipe { ends: [-1; 2] }
    }
}

impl Default for Pipe {
    fn default() -> Pipe {
        Pipe::new()
    }
}

impl Event for Pipe {
    type Output = io::Result<(PipeReader, PipeWriter)>;

    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        // SAFETY: E1, which our caller has promised.
        sqes.push(unsafe { self.entry(libc::O_CLOEXEC) });
    }

    fn complete(self, outcome: Outcome<'_, Self>) -> io::Result<(PipeReader, PipeWriter)> {
        outcome.result()?;
        let [reader, writer] = self.ends.map(|end| {
            // SAFETY: P1: the entry has asked for descriptors.
            unsafe { OwnedFd::from_raw_fd(end) }
        });
        Ok((reader.into(), writer.into()))
    }
}

impl Opening for Pipe {
    type Opened = (DirectFd, DirectFd);

    unsafe fn entry(&mut self, flags: i32) -> Sqe {
        // SAFETY: S1 by E1: the place for both ends is the event's. There is no descriptor, for
        // which the kernel wants a zero.
        let entry = unsafe { Sqe::new(opcode::PIPE) }.fd_number(0);
        entry.address(&raw mut self.ends).op_flags(flags.cast_unsigned())
    }

    fn opened(self, _answer: u32, table: &DirectTable) -> (DirectFd, DirectFd) {
        // P1: the entry has asked for slots.
        let [reader, writer] = self.ends.map(|end| table.opened(end.cast_unsigned()));
        (reader, writer)
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsRawFd;

    use super::*;
    use crate::event::testing::{cancelled, complete, entry, is_open, stray_fd};

    /// An event that has been answered with two open files.
    fn answered() -> (Pipe, [RawFd; 2]) {
        let mut pipe = Pipe::new();
        let place: *mut [RawFd; 2] = entry(&mut pipe).get_address().cast();
        let ends = [stray_fd(), stray_fd()];
        // SAFETY: E1: the entry's place has room for both.
        unsafe { place.write(ends) };
        (pipe, ends)
    }

    #[test]
    fn the_first_end_is_read_and_the_second_written() {
        let (pipe, ends) = answered();
        let (reader, writer) = complete(pipe, 0).unwrap();
        assert_eq!([reader.as_raw_fd(), writer.as_raw_fd()], ends);
        drop((reader, writer));
        assert_eq!(ends.map(is_open), [false; 2]);
    }

    #[test]
    fn a_pipe_that_nobody_takes_is_closed_and_an_error_closes_nothing() {
        let (pipe, ends) = answered();
        cancelled(pipe, 0);
        assert_eq!(ends.map(is_open), [false; 2]);
        for errno in [libc::EMFILE, libc::ENFILE, libc::ECANCELED, 512] {
            assert!(complete(Pipe::new(), -errno).is_err());
        }
    }
}
