//! [`RemoveBuffers`]: memory back from a ring.
#![allow(unsafe_code)]

use std::io;

use crate::event::{Event, LentBuffers};
use crate::opcode;
use crate::outcome::Outcome;
use crate::sqe::{Sqe, Sqes};

/// Takes buffers back that a ring was [provided](crate::event::ProvideBuffers) with and has not
/// used.
///
/// Yields how many there were. When the last share of the [`LentBuffers`] goes, their memory is
/// freed.
///
/// # Errors
///
/// `InvalidInput` on another ring than the one that has them.
///
/// # Cancellation
///
/// Ends at once, so a cancel finds nothing.
///
/// # Kernel
///
/// Linux 5.7. Nothing has to live until completion.
///
/// # References
///
/// [`io_uring_prep_remove_buffers(3)`](https://man7.org/linux/man-pages/man3/io_uring_prep_remove_buffers.3.html)
#[doc(alias = "IORING_OP_REMOVE_BUFFERS")]
#[derive(Debug)]
pub struct RemoveBuffers {
    buffers: LentBuffers,
}

impl RemoveBuffers {
    /// Takes back those of `buffers` that have not been used.
    pub fn new(buffers: LentBuffers) -> RemoveBuffers {
        RemoveBuffers { buffers }
    }
}

impl Event for RemoveBuffers {
    type Output = io::Result<u32>;

    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        // SAFETY: S1: the entry names neither memory nor a descriptor.
        let entry = unsafe { Sqe::new(opcode::REMOVE_BUFFERS) };
        let entry = entry.fd_number(self.buffers.count().cast_signed());
        sqes.belongs_to(self.buffers.ring());
        sqes.push(entry.buffer_index(self.buffers.id()));
    }

    fn complete(self, outcome: Outcome<'_, Self>) -> io::Result<u32> {
        let count = outcome.result()?;
        self.buffers.came_back(count);
        Ok(count)
    }
}
