//! [`Buffering`]: where a handle takes the buffers from that its poll functions read into and write
//! from.

use std::mem;

use ringbahn_core::{EitherBuffer, IoBuf, IoBufMut};
use ringbahn_drivers::{RegisteredBuffer, RegisteredBuffers};

use super::reader::TRANSFER_MAX;

/// Where a [`Ring`](crate::Ring) takes the buffers from that its traits read into and write from.
///
/// Implemented for [`Heap`] and [`Registered`]; for others it cannot be.
pub trait Buffering: Send + Sync + Unpin + 'static + private::Buffering {}

/// Buffers of the heap, as large as they are asked for: what a [`Ring`](crate::Ring) uses unless it
/// is told otherwise.
#[derive(Clone, Copy, Debug, Default)]
pub struct Heap;

/// Buffers that are registered with a driver's ring, and shared by as many handles as one likes.
///
/// A handle holds one while a read or write is in flight, and while bytes are unread. One read or
/// write moves no more than such a buffer has room for. Where none is left the handle takes one of
/// the heap.
///
/// # Examples
///
/// ```
/// use futures::io::AsyncReadExt;
/// use ringbahn::{Registered, Ring, SharedDriver};
///
/// # fn main() -> std::io::Result<()> {
/// # let Ok(driver) = SharedDriver::new() else { return Ok(()) };
/// # if driver.register_buffers(1, 1).is_err() { return Ok(()) }
/// let buffers = Registered::new(driver.register_buffers(16, 64 * 1024)?);
/// let zero = Ring::new_on_driver(std::fs::File::open("/dev/zero")?, driver);
/// let mut zero = zero.buffered(buffers);
/// let mut text = [1; 5];
/// futures::executor::block_on(zero.read_exact(&mut text))?;
/// assert_eq!(text, [0; 5]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Registered {
    buffers: RegisteredBuffers,
}

impl Registered {
    /// Buffers out of this table, which had best be that of the handle's own driver.
    pub fn new(buffers: RegisteredBuffers) -> Registered {
        Registered { buffers }
    }
}

mod private {
    use super::Pool;

    /// Where buffers come from.
    pub trait Buffering {
        fn pool(&self) -> Pool;
    }
}

impl Buffering for Heap {}

impl private::Buffering for Heap {
    fn pool(&self) -> Pool {
        Pool::default()
    }
}

impl Buffering for Registered {}

impl private::Buffering for Registered {
    fn pool(&self) -> Pool {
        Pool { registered: Some(self.buffers.clone()) }
    }
}

/// Where the buffers of one direction of a handle come from.
#[derive(Clone, Debug, Default)]
pub struct Pool {
    registered: Option<RegisteredBuffers>,
}

/// What an operation owns of a buffer.
pub(crate) type Memory = EitherBuffer<Vec<u8>, RegisteredBuffer>;

/// A buffer of a handle.
#[derive(Debug)]
pub(crate) struct Buffer(Memory);

impl Pool {
    /// An empty buffer with room for `wanted` bytes, or as many as it can have: `spare`, where that
    /// will do.
    pub(crate) fn buffer(&self, spare: Buffer, wanted: usize) -> Buffer {
        if let Some(buffer) = self.registered.as_ref().and_then(RegisteredBuffers::take) {
            return Buffer(Memory::Second(buffer));
        }
        let mut bytes = spare.into_vec();
        bytes.clear();
        bytes.reserve_exact(wanted);
        bytes.into()
    }
}

impl Buffer {
    pub(crate) fn bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// How many bytes it takes at most, holding nothing.
    pub(crate) fn most(&self) -> usize {
        match &self.0 {
            Memory::First(_) => TRANSFER_MAX,
            Memory::Second(buffer) => buffer.capacity().min(TRANSFER_MAX),
        }
    }

    /// How many bytes of memory it takes up.
    pub(crate) fn capacity(&self) -> usize {
        self.0.target_len()
    }

    pub(crate) fn into_memory(self) -> Memory {
        self.0
    }

    /// What it holds, as a vector.
    pub(crate) fn into_vec(self) -> Vec<u8> {
        match self.0 {
            Memory::First(bytes) => bytes,
            Memory::Second(buffer) => buffer.to_vec(),
        }
    }

    /// What is kept of it for the next operation: nothing of a pool.
    #[must_use]
    pub(crate) fn spare(self) -> Buffer {
        match self.0 {
            Memory::First(mut bytes) => {
                bytes.clear();
                bytes.into()
            }
            Memory::Second(_) => Buffer::default(),
        }
    }

    /// Appends `bytes`, for which there may be no room in a buffer of a pool.
    pub(crate) fn extend(&mut self, bytes: &[u8]) {
        if let Memory::Second(buffer) = &mut self.0 {
            let begin = buffer.len();
            if bytes.len() <= buffer.capacity() - begin {
                buffer.set_len(begin + bytes.len());
                buffer[begin..].copy_from_slice(bytes);
                return;
            }
        }
        let mut all = mem::take(self).into_vec();
        all.extend_from_slice(bytes);
        *self = all.into();
    }

    /// Takes away the first `count` bytes, or as many as there are.
    pub(crate) fn cut(&mut self, count: usize) {
        match &mut self.0 {
            Memory::First(bytes) => drop(bytes.drain(..count.min(bytes.len()))),
            Memory::Second(buffer) => {
                let count = count.min(buffer.len());
                buffer.copy_within(count.., 0);
                buffer.set_len(buffer.len() - count);
            }
        }
    }
}

/// An empty one, without memory.
impl Default for Buffer {
    fn default() -> Buffer {
        Vec::new().into()
    }
}

impl From<Vec<u8>> for Buffer {
    fn from(bytes: Vec<u8>) -> Buffer {
        Buffer(Memory::First(bytes))
    }
}

impl From<Memory> for Buffer {
    fn from(memory: Memory) -> Buffer {
        Buffer(memory)
    }
}
