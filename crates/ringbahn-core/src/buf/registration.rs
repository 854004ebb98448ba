//! [`Registration`]: where a ring knows a buffer's memory, so that it need not look it up.

use crate::opcode;
use crate::ring_id::RingId;

/// The memory of a buffer is registered with a ring, under an index.
///
/// The ring has its pages at hand, and spares looking them up and pinning them for each operation.
/// To any other ring the buffer is ordinary memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Registration {
    ring: RingId,
    index: u16,
    vectored: bool,
}

impl Registration {
    /// Registered with `ring` under `index`.
    pub fn new(ring: RingId, index: u16) -> Registration {
        Registration { ring, index, vectored: false }
    }

    /// Whether the ring's kernel takes several ranges of the buffer at once (`READV_FIXED`,
    /// `WRITEV_FIXED`: Linux 6.15). Where it does not they are ordinary memory to it.
    #[must_use]
    pub fn vectored(mut self, vectored: bool) -> Registration {
        self.vectored = vectored;
        self
    }

    /// The ring.
    pub fn ring(&self) -> RingId {
        self.ring
    }

    /// The index in the ring's table of buffers.
    pub fn index(&self) -> u16 {
        self.index
    }

    /// Whether an entry of this opcode may name the buffer by its index.
    pub(crate) fn serves(&self, code: u8) -> bool {
        self.vectored || !matches!(code, opcode::READV | opcode::WRITEV)
    }
}
