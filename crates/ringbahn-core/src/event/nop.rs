//! [`Nop`]: nothing.

use std::io;

use crate::event::Event;
use crate::operation::repeats::Repeats;
use crate::outcome::Outcome;
use crate::sqe::{Sqe, Sqes};

/// Does nothing, by way of the kernel.
///
/// Good for measuring the way there and back, and for finding out whether io_uring works here.
///
/// # Errors
///
/// None of its own.
///
/// # Cancellation
///
/// Ends at once, so a cancel finds nothing.
///
/// # Kernel
///
/// Linux 5.1.
///
/// # References
///
/// [`io_uring_enter(2)`](https://man7.org/linux/man-pages/man2/io_uring_enter.2.html)
#[doc(alias = "IORING_OP_NOP")]
#[derive(Debug, Default)]
pub struct Nop;

impl Nop {
    /// Does nothing.
    pub const fn new() -> Nop {
        Nop
    }
}

impl Event for Nop {
    type Output = io::Result<()>;

    #[inline]
    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        sqes.push(Sqe::nop());
    }

    #[inline]
    fn complete(self, outcome: Outcome<'_, Self>) -> io::Result<()> {
        outcome.result().map(drop)
    }

    #[inline]
    fn repeats(&self) -> Repeats {
        Repeats::FAILED
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::testing::{complete, entry};

    #[test]
    fn it_succeeds_or_reports_the_error() {
        assert_eq!(entry(&mut Nop).opcode(), crate::opcode::NOP);
        complete(Nop, 0).unwrap();
        assert_eq!(complete(Nop, -5).unwrap_err().raw_os_error(), Some(5));
        assert_eq!(complete(Nop, -512).unwrap_err().raw_os_error(), Some(libc::ECANCELED));
    }
}
