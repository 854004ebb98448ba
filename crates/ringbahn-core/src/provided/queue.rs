//! [`BufferQueue`]: buffers that the kernel uses up bit by bit, for one operation at a time.
#![allow(unsafe_code)]

use std::fmt;
use std::io;

use super::{BufferGroup, Bundle, GroupMemory, ProvidedBuffer};
use crate::outcome::Outcome;
use crate::ring_id::RingId;

/// Buffers that the kernel uses up one after the other, each bit by bit: the next data goes where
/// the last has ended.
///
/// A [`BufferGroup`] gives a buffer to each piece of data, however small that is. Here small pieces
/// share a buffer, and large ones span several, so a few large buffers do for any traffic. In
/// return the buffers serve one operation at a time: an event owns the queue while it uses it, as
/// it would own a buffer. Most connections that are busy have one of their own.
///
/// What has been received are *parts*, each a [`ProvidedBuffer`]. They go back by being dropped, in
/// any order and on any thread; a buffer is used again when the kernel is done with all of it, and
/// its last part has come back. So a part that is kept keeps its whole buffer.
///
/// # Kernel
///
/// Linux 6.12 (`IOU_PBUF_RING_INC`). The drivers refuse to make a queue where the kernel has none.
pub struct BufferQueue {
    group: BufferGroup,
}

impl BufferQueue {
    /// A queue of the buffers in `memory`, which has been registered under `id` with `ring`, as one
    /// whose buffers are used up bit by bit.
    ///
    /// For drivers. `registration` is dropped when the last part and the last operation of the
    /// queue are gone; its drop unregisters the queue.
    ///
    /// # Safety
    ///
    /// The ring of `memory`, at [`GroupMemory::ring_address`] and with
    /// [`GroupMemory::ring_entries`], is registered as group `id` of `ring`, with the flag
    /// `IOU_PBUF_RING_INC`, and nothing else will be before `registration` has been dropped.
    pub unsafe fn new(
        memory: GroupMemory,
        ring: RingId,
        id: u16,
        registration: Box<dyn Send + Sync>,
    ) -> BufferQueue {
        // SAFETY: PB2 of `provided`, by the contract of this function.
        let group = unsafe { BufferGroup::make(memory, ring, id, registration, true) };
        BufferQueue { group }
    }

    /// How many buffers there are.
    pub fn count(&self) -> u16 {
        self.group.count()
    }

    /// How large each of them is, in bytes.
    pub fn size(&self) -> u32 {
        self.group.size()
    }

    /// The ring that the queue is registered with.
    pub fn ring(&self) -> RingId {
        self.group.ring()
    }

    /// How many buffers have come back so far, used up and let go of.
    pub fn returns(&self) -> u64 {
        self.group.returns()
    }

    /// The buffers, as those who wait for one see them. Only the operation that owns the queue may
    /// choose from them (PB4 of [`provided`](super)).
    pub(crate) fn group(&self) -> &BufferGroup {
        &self.group
    }
}

impl fmt::Debug for BufferQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BufferQueue")
            .field("count", &self.count())
            .field("size", &self.size())
            .finish_non_exhaustive()
    }
}

/// What tells the CQEs of the operation that has a queue.
#[derive(Debug)]
pub struct PartDecoder {
    group: BufferGroup,
}

impl PartDecoder {
    /// Of the operation that owns `queue`.
    pub(crate) fn new(queue: &BufferQueue) -> PartDecoder {
        PartDecoder { group: queue.group.clone() }
    }

    pub(crate) fn group(&self) -> &BufferGroup {
        &self.group
    }

    /// What a CQE of data brings; `None` at the end of the stream.
    ///
    /// # Safety
    ///
    /// PB4 of [`provided`](super): the outcome tells of one CQE, of the operation that owns the
    /// queue, and of all its CQEs in the order in which they were posted, each once.
    pub(crate) unsafe fn bundle<E>(&self, outcome: Outcome<'_, E>) -> Option<io::Result<Bundle>> {
        let cqe = outcome.cqe();
        let bytes = match outcome.result() {
            Ok(0) => return None,
            Ok(bytes) => bytes,
            Err(error) => return Some(Err(error)),
        };
        // SAFETY: PB4, by the contract of this function.
        let parts = cqe.buffer().and_then(|first| unsafe { self.group.parts(first, bytes) });
        Some(parts.ok_or_else(|| {
            let message = format!(
                "the kernel received {bytes} bytes, and not into the next buffers of the queue: \
                 nothing more can be received with it; make another queue"
            );
            io::Error::new(io::ErrorKind::InvalidData, message)
        }))
    }

    /// The same of an operation each of whose CQEs brings one part.
    ///
    /// # Safety
    ///
    /// As for [`bundle`](PartDecoder::bundle).
    pub(crate) unsafe fn part<E>(
        &self,
        outcome: Outcome<'_, E>,
    ) -> Option<io::Result<ProvidedBuffer>> {
        // SAFETY: PB4, by the contract of this function.
        let bundle = match unsafe { self.bundle(outcome) }? {
            Ok(bundle) => bundle,
            Err(error) => return Some(Err(error)),
        };
        let mut parts = bundle.into_iter();
        match (parts.next(), parts.len()) {
            (Some(part), 0) => Some(Ok(part)),
            _ => {
                let message = "the kernel has used several buffers where it was to use one";
                Some(Err(io::Error::new(io::ErrorKind::InvalidData, message)))
            }
        }
    }
}
