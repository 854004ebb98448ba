//! [`ProvideBuffers`]: memory for a ring, for receives to choose from.
#![allow(unsafe_code)]

use std::io;
use std::num::{NonZeroU16, NonZeroU32};

use crate::event::{Event, LentBuffers};
use crate::opcode;
use crate::outcome::Outcome;
use crate::ring_id::RingId;
use crate::sqe::{Sqe, Sqes};

/// Provides a ring with buffers, for receives to choose from: a group of the older kind.
///
/// Where the kernel has groups with a ring of their own (5.19), those are better in every way, and
/// a driver has them: [`BufferGroup`](crate::BufferGroup). This kind is for kernels before that.
///
/// Yields the [`LentBuffers`], which the ring has from then on.
///
/// # Errors
///
/// `OutOfMemory`; `InvalidInput` on another ring than was said.
///
/// # Cancellation
///
/// Ends at once, so a cancel finds nothing. Where nobody takes the output the memory is leaked,
/// since the ring has it.
///
/// # Kernel
///
/// Linux 5.7. The memory is the kernel's beyond completion: until it has been used or removed.
///
/// # References
///
/// [`io_uring_prep_provide_buffers(3)`](https://man7.org/linux/man-pages/man3/io_uring_prep_provide_buffers.3.html)
#[doc(alias = "IORING_OP_PROVIDE_BUFFERS")]
#[derive(Debug)]
pub struct ProvideBuffers {
    buffers: LentBuffers,
}

impl ProvideBuffers {
    /// Provides `ring` with `count` buffers of `size` bytes.
    ///
    /// # Errors
    ///
    /// `OutOfMemory`; `QuotaExceeded` when this has been done 32 768 times.
    pub fn new(ring: RingId, count: NonZeroU16, size: NonZeroU32) -> io::Result<ProvideBuffers> {
        Ok(ProvideBuffers { buffers: LentBuffers::new(ring, count, size)? })
    }
}

impl Event for ProvideBuffers {
    type Output = io::Result<LentBuffers>;

    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        // SAFETY: S1 by LB1: the memory is the kernel's until it says otherwise.
        let entry = unsafe { Sqe::new(opcode::PROVIDE_BUFFERS) };
        let entry = entry.fd_number(self.buffers.count().cast_signed());
        let entry = entry.address(self.buffers.address()).length(self.buffers.size() as u32);
        sqes.belongs_to(self.buffers.ring());
        sqes.push(entry.buffer_index(self.buffers.id()));
    }

    fn complete(self, outcome: Outcome<'_, Self>) -> io::Result<LentBuffers> {
        // Where it has failed none of them got there.
        outcome.result()?;
        self.buffers.lend();
        Ok(self.buffers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::testing::{complete, prepared};
    use crate::ring_id::Home;

    fn provide() -> ProvideBuffers {
        let (count, size) = (NonZeroU16::new(3).unwrap(), NonZeroU32::new(64).unwrap());
        ProvideBuffers::new(RingId::new(), count, size).unwrap()
    }

    #[test]
    fn each_group_has_a_number_of_its_own_and_goes_to_its_ring() {
        let (mut first, mut second) = (provide(), provide());
        let (sqes, others) = (prepared(&mut first), prepared(&mut second));
        let (entry, other) = (&sqes.entries()[0], &others.entries()[0]);
        assert_ne!(entry.get_buffer_index(), other.get_buffer_index());
        assert_eq!((entry.get_fd(), entry.get_length()), (3, 64));
        assert_eq!(sqes.home(), Home::only(first.buffers.ring()));
        for event in [first, second] {
            assert!(complete(event, -libc::EINVAL).is_err());
        }
    }

    #[test]
    fn what_was_refused_has_never_been_lent() {
        let refused = provide();
        let buffers = refused.buffers.clone();
        assert!(complete(refused, -libc::EOPNOTSUPP).is_err());
        assert_eq!((buffers.outside(), buffers.count()), (3, 3));
        let provided = complete(provide(), 0).unwrap();
        assert_eq!(provided.outside(), 0);
        provided.came_back(3); // It was only made up that the kernel has them.
    }
}
