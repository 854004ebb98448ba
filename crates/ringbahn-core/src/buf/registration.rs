//! [`Registration`]: where a ring knows a buffer's memory, so that it need not look it up.

use crate::ring_id::RingId;

/// The memory of a buffer is registered with a ring, under an index.
///
/// The ring has its pages at hand, and spares looking them up and pinning them for each operation.
/// To any other ring the buffer is ordinary memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Registration {
    ring: RingId,
    index: u16,
}

impl Registration {
    /// Registered with `ring` under `index`.
    pub fn new(ring: RingId, index: u16) -> Registration {
        Registration { ring, index }
    }

    /// The ring.
    pub fn ring(&self) -> RingId {
        self.ring
    }

    /// The index in the ring's table of buffers.
    pub fn index(&self) -> u16 {
        self.index
    }
}
