//! [`Nop128`]: nothing, in a long entry.
#![allow(unsafe_code)]

use std::io;

use crate::event::Event;
use crate::opcode;
use crate::outcome::Outcome;
use crate::sqe::{Sqe, Sqes};

/// Does nothing, by way of an entry of 128 bytes among some of 64: how a ring with both is tried.
///
/// A ring that has no such entries, as those of ringbahn's drivers are so far, refuses it with
/// [`Forbidden`](crate::Forbidden), and nothing of it gets there.
///
/// # Errors
///
/// `Unsupported`, with [`Forbidden`](crate::Forbidden) in it, on a ring of other entries.
///
/// # Cancellation
///
/// Ends at once, so a cancel finds nothing.
///
/// # Kernel
///
/// Linux 6.19. On an older one there is nothing in its place. Nothing has to live until completion.
///
/// # References
///
/// [`io_uring_enter(2)`](https://man7.org/linux/man-pages/man2/io_uring_enter.2.html)
#[doc(alias = "IORING_OP_NOP128")]
#[derive(Debug, Default)]
pub struct Nop128;

impl Nop128 {
    /// Does nothing.
    pub const fn new() -> Nop128 {
        Nop128
    }
}

impl Event for Nop128 {
    type Output = io::Result<()>;

    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        // SAFETY: S1: the entry names neither memory nor a descriptor.
        sqes.push_large(unsafe { Sqe::new(opcode::NOP128) }, [0; 80]);
    }

    fn complete(self, outcome: Outcome<'_, Self>) -> io::Result<()> {
        outcome.result().map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::testing::{complete, prepared};

    #[test]
    fn it_is_an_entry_of_128_bytes() {
        let sqes = prepared(&mut Nop128);
        assert_eq!(sqes.entries()[0].opcode(), opcode::NOP128);
        assert_eq!(sqes.second_half(0), Some(&[0; 64]));
        complete(Nop128, 0).unwrap();
        assert!(complete(Nop128, -libc::EINVAL).is_err());
    }
}
