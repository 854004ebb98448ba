//! [`Buffering`]: where a handle takes the buffers from that its poll functions read into and write
//! from.

use std::{io, mem};

use ringbahn_core::{
    BufResult, BufferGroup, EitherBuffer, IoBuf, IoBufMut, ProvidedBuffer, Slice, event,
};
use ringbahn_drivers::{RegisteredBuffer, RegisteredBuffers};

use super::reader::TRANSFER_MAX;

/// Where a [`Ring`](crate::Ring) takes the buffers from that its traits read into and write from.
///
/// [`Ring`](crate::Ring#buffers) says which one is for whom.
///
/// Implemented for [`Heap`], [`Registered`] and [`Provided`]; for others it cannot be.
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

/// Buffers that the kernel chooses from a group when there is data, and not before: a connection
/// whose read waits holds no buffer.
///
/// Any number of handles share one group. What comes lies in a buffer of the group until it has
/// been taken, and then the buffer is free for the next one, of whatever handle. One read moves no
/// more than such a buffer has room for. Where all buffers are out reads wait, in turn, until one
/// comes back, and no error is seen. So a group is to have as many as there are connections likely
/// to have unread data at the same time; and a handle whose unread bytes nobody takes, those of a
/// dropped read among them, keeps one from all others.
///
/// Writes take a buffer of the heap, which is freed when the write has ended and a `flush`, or the
/// next write, has seen that. Reads of a file that has a position take the heap as well: they do
/// not wait for anybody.
///
/// # Examples
///
/// ```
/// use std::os::unix::net::UnixStream;
/// use futures::io::{AsyncReadExt, AsyncWriteExt};
/// use ringbahn::{Provided, Ring, SharedDriver};
///
/// # fn main() -> std::io::Result<()> {
/// # let Ok(driver) = SharedDriver::new() else { return Ok(()) };
/// # if driver.buffer_group(1, 1).is_err() { return Ok(()) }
/// // Enough for 64 connections that have data at the same time, and for thousands that have not.
/// let buffers = Provided::new(driver.buffer_group(64, 4096)?);
/// let (near, far) = UnixStream::pair()?;
/// let mut near = Ring::new_on_driver(near, driver.clone()).buffered(buffers.clone());
/// let mut far = Ring::new_on_driver(far, driver).buffered(buffers);
/// let mut text = [0; 5];
/// futures::executor::block_on(async {
///     near.write_all(b"hello").await?;
///     far.read_exact(&mut text).await
/// })?;
/// assert_eq!(&text, b"hello");
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// The group is that of one driver's ring. On another driver's handle each read fails with
/// [`ForeignRing`](crate::ForeignRing), of the kind `InvalidInput`, and nothing is read; the handle
/// is as good as before with other [buffers](crate::Ring::buffered).
///
/// # Kernel
///
/// Linux 5.19. A group cannot be made before that, where [`Heap`] does. The fallback has them.
#[derive(Clone, Debug)]
pub struct Provided {
    group: BufferGroup,
}

impl Provided {
    /// Buffers out of this group, which is that of the handle's own driver.
    pub fn new(group: BufferGroup) -> Provided {
        Provided { group }
    }

    /// The group.
    pub fn group(&self) -> &BufferGroup {
        &self.group
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
        Pool::Registered(self.buffers.clone())
    }
}

impl Buffering for Provided {}

impl private::Buffering for Provided {
    fn pool(&self) -> Pool {
        Pool::Provided(self.group.clone())
    }
}

/// Where the buffers of one direction of a handle come from.
#[derive(Clone, Debug, Default)]
pub enum Pool {
    #[default]
    Heap,
    Registered(RegisteredBuffers),
    /// The kernel chooses, for what can wait. Anything else takes the heap, and keeps nothing.
    Provided(BufferGroup),
}

/// What an operation owns of a buffer.
pub(crate) type Memory = EitherBuffer<Vec<u8>, RegisteredBuffer>;

/// A buffer of a handle.
#[derive(Debug)]
pub(crate) enum Buffer {
    /// One that was there before the operation.
    Own(Memory),
    /// One that the kernel has chosen.
    Provided(ProvidedBuffer),
}

impl Pool {
    /// The group that the kernel chooses from.
    pub(crate) fn group(&self) -> Option<&BufferGroup> {
        match self {
            Pool::Provided(group) => Some(group),
            Pool::Heap | Pool::Registered(_) => None,
        }
    }

    /// What is kept of `buffer` for the next operation: one of the heap, emptied, unless an idle
    /// handle is to have none.
    pub(crate) fn kept(&self, buffer: Buffer) -> Buffer {
        match (self, buffer) {
            (Pool::Heap | Pool::Registered(_), Buffer::Own(Memory::First(mut bytes))) => {
                bytes.clear();
                bytes.into()
            }
            _ => Buffer::default(),
        }
    }

    /// An empty buffer with room for `wanted` bytes, or as many as it can have: `spare`, where that
    /// will do.
    pub(crate) fn buffer(&self, spare: Buffer, wanted: usize) -> Buffer {
        if let Pool::Registered(buffers) = self
            && let Some(buffer) = buffers.take()
        {
            return Buffer::Own(Memory::Second(buffer));
        }
        let mut bytes = spare.into_vec();
        bytes.clear();
        bytes.reserve_exact(wanted);
        bytes.into()
    }
}

impl Buffer {
    /// What a read has yielded that had a buffer of its own, with what was read in it.
    pub(crate) fn read(
        (count, buffer): BufResult<usize, Slice<Memory>>,
    ) -> BufResult<usize, Buffer> {
        (count, Buffer::Own(buffer.into_inner()))
    }

    /// What a read has yielded for which the kernel has chosen a buffer, if it needed one.
    pub(crate) fn chosen(data: io::Result<Option<ProvidedBuffer>>) -> BufResult<usize, Buffer> {
        match data {
            Ok(Some(buffer)) => (Ok(buffer.len()), Buffer::Provided(buffer)),
            Ok(None) => (Ok(0), Buffer::default()),
            Err(error) => (Err(error), Buffer::default()),
        }
    }

    /// What has been found out about a file without a read.
    pub(crate) fn none(found: io::Result<event::Ready>) -> BufResult<usize, Buffer> {
        (found.map(|_ready| 0), Buffer::default())
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Buffer::Own(memory) => memory.as_bytes(),
            Buffer::Provided(buffer) => buffer,
        }
    }

    /// How many bytes it takes at most, holding nothing.
    pub(crate) fn most(&self) -> usize {
        match self {
            Buffer::Own(Memory::Second(buffer)) => buffer.capacity().min(TRANSFER_MAX),
            // Of the heap, or replaced by such a one.
            Buffer::Own(Memory::First(_)) | Buffer::Provided(_) => TRANSFER_MAX,
        }
    }

    /// How many bytes of memory it takes up.
    pub(crate) fn capacity(&self) -> usize {
        match self {
            Buffer::Own(memory) => memory.target_len(),
            Buffer::Provided(buffer) => buffer.group().size() as usize,
        }
    }

    pub(crate) fn into_memory(self) -> Memory {
        match self {
            Buffer::Own(memory) => memory,
            Buffer::Provided(buffer) => Memory::First(buffer.to_vec()),
        }
    }

    /// What it holds, as a vector.
    pub(crate) fn into_vec(self) -> Vec<u8> {
        match self {
            Buffer::Own(Memory::First(bytes)) => bytes,
            Buffer::Own(Memory::Second(buffer)) => buffer.to_vec(),
            Buffer::Provided(buffer) => buffer.to_vec(),
        }
    }

    /// Appends `bytes`, for which there may be no room in a buffer of a pool.
    pub(crate) fn extend(&mut self, bytes: &[u8]) {
        if let Buffer::Own(Memory::Second(buffer)) = self {
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
        match self {
            Buffer::Own(Memory::First(bytes)) => drop(bytes.drain(..count.min(bytes.len()))),
            Buffer::Own(Memory::Second(buffer)) => {
                let count = count.min(buffer.len());
                buffer.copy_within(count.., 0);
                buffer.set_len(buffer.len() - count);
            }
            Buffer::Provided(buffer) => buffer.advance(count.min(buffer.len())),
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
        Buffer::Own(Memory::First(bytes))
    }
}

impl From<Memory> for Buffer {
    fn from(memory: Memory) -> Buffer {
        Buffer::Own(memory)
    }
}
