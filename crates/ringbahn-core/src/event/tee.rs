//! [`Tee`]: bytes of one pipe for another one, too.
#![allow(unsafe_code)]

use std::io;

use crate::buf::entry_length;
use crate::event::Event;
use crate::fd::SharedFd;
use crate::opcode;
use crate::outcome::Outcome;
use crate::sqe::{Sqe, Sqes};

/// Puts bytes that wait in a pipe into another pipe, too, without copying them.
///
/// They stay in the first one. Yields how many it was; none where there will be no more. It waits
/// until the first pipe has something and the second one has room.
///
/// # Errors
///
/// Those of `tee(2)`: `InvalidInput` where one of the files is no pipe, or both are the same one.
///
/// # Cancellation
///
/// Stops it while it waits.
///
/// # Kernel
///
/// Linux 5.8. Both files are the event's until completion. A thread of the kernel executes it, and
/// is busy with it for as long as it waits.
///
/// # References
///
/// [`tee(2)`](https://man7.org/linux/man-pages/man2/tee.2.html)
#[doc(alias = "IORING_OP_TEE")]
#[derive(Debug)]
pub struct Tee {
    from: SharedFd,
    to: SharedFd,
    length: usize,
}

impl Tee {
    /// Puts up to `length` bytes that wait in the pipe `from` into the pipe `to`.
    pub fn new(from: impl Into<SharedFd>, to: impl Into<SharedFd>, length: usize) -> Tee {
        Tee { from: from.into(), to: to.into(), length }
    }
}

impl Event for Tee {
    type Output = io::Result<usize>;

    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        // SAFETY: S1 by E2, for both files; the entry names no memory.
        let entry = unsafe { Sqe::new(opcode::TEE) };
        let entry = entry.file(&self.to).length(entry_length(self.length));
        sqes.push(entry.source_file(&self.from));
    }

    fn complete(self, outcome: Outcome<'_, Self>) -> io::Result<usize> {
        outcome.result().map(|count| count as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::testing::{complete, shared_null};

    #[test]
    fn it_tells_how_many_bytes_have_been_put_into_the_second_pipe() {
        let tee = || Tee::new(shared_null(), shared_null(), 10);
        assert_eq!(complete(tee(), 7).unwrap(), 7);
        assert!(complete(tee(), -libc::EINVAL).is_err());
    }
}
