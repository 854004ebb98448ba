//! [`SendNumber`]: a completion for another ring.
#![allow(unsafe_code)]

use std::io;

use crate::event::Event;
use crate::fd::SharedFd;
use crate::opcode;
use crate::outcome::Outcome;
use crate::sqe::{Sqe, Sqes};

/// `IORING_MSG_RING_FLAGS_PASS`: the other ring's completion has flags.
const FLAGS_PASS: u32 = 1 << 1;

/// Posts a completion to another ring, with a number in it, and wakes whoever waits there.
///
/// For rings that the program has besides ringbahn's. A ring of ringbahn takes a completion for
/// the end of the operation that it names, so nobody may send it one; what is sent to such a ring
/// is a file, by [`SendToRing`](crate::event::SendToRing).
///
/// # Errors
///
/// `EBADFD` where the other is no ring, or has not been enabled; `EOVERFLOW` where it has no room
/// for completions.
///
/// # Cancellation
///
/// Stops it only before it has begun.
///
/// # Kernel
///
/// Linux 5.18. 6.3 for [flags](SendNumber::flags). On an older one, and on the fallback, there is
/// nothing in its place. The other ring is the event's until completion.
///
/// # References
///
/// [`io_uring_prep_msg_ring(3)`](https://man7.org/linux/man-pages/man3/io_uring_prep_msg_ring.3.html)
#[doc(alias = "IORING_OP_MSG_RING")]
#[doc(alias = "IORING_MSG_DATA")]
#[derive(Debug)]
pub struct SendNumber {
    ring: SharedFd,
    user_data: u64,
    number: u32,
    flags: Option<u32>,
}

impl SendNumber {
    /// Posts to `ring` a completion of `user_data`, whose result is `number`.
    ///
    /// # Errors
    ///
    /// `InvalidInput` where `ring` is a direct descriptor.
    ///
    /// # Safety
    ///
    /// `ring` is no ring of ringbahn, and whoever reads its completions does no harm with this one.
    pub unsafe fn new(
        ring: impl Into<SharedFd>,
        user_data: u64,
        number: u32,
    ) -> io::Result<SendNumber> {
        let ring = ring.into();
        ring.number()?;
        Ok(SendNumber { ring, user_data, number, flags: None })
    }

    /// The flags of the completion (`IORING_CQE_F_*`); without them it has none.
    #[must_use]
    pub fn flags(mut self, flags: u32) -> SendNumber {
        self.flags = Some(flags);
        self
    }
}

impl Event for SendNumber {
    type Output = io::Result<()>;

    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        // SAFETY: S1 by E2; the entry names no memory, and the other ring is as `new` was promised.
        let entry = unsafe { Sqe::new(opcode::MSG_RING) }.file(&self.ring);
        let entry = entry.offset(self.user_data).length(self.number);
        sqes.push(match self.flags {
            Some(flags) => entry.op_flags(FLAGS_PASS).file_index(flags),
            None => entry,
        });
    }

    fn complete(self, outcome: Outcome<'_, Self>) -> io::Result<()> {
        outcome.result().map(drop)
    }
}
