//! [`RegisteredBuffers`]: buffers that a ring has the pages of at hand.
//!
//! # Safety
//!
//! RB1. The place `n` of a pool is `size` bytes at `base + n * stride`, within its memory, which
//!      is never moved nor freed before the pool is dropped. `n` is either in `free`, once, or the
//!      place of one [`RegisteredBuffer`], which keeps its table, and by that the pool. A pool has
//!      a table for each ring that knows its buffers.
//!
//! RB2. All of the memory is initialised: it was zeroed, and only bytes were written to it. A
//!      buffer's `filled` is at most `size`.
//!
//! RB3. The ring of a table has the place `n` under the index `first + n` until the table is
//!      dropped, or the ring is. An operation that names it owns the buffer of that place, and by
//!      that the table, until its terminal CQE. So when a table goes the kernel does nothing more
//!      for its ring with the memory of the pool.
#![allow(unsafe_code)]

mod free;
mod take_buffer;

use std::fmt;
use std::io;
use std::ops::{Deref, DerefMut};
use std::os::fd::OwnedFd;
use std::ptr::NonNull;
use std::sync::Arc;

use ringbahn_core::{AlignedBuffer, IoBuf, IoBufMut, Registration, RingId, Sharing, opcode};

use crate::RingHandle;
use crate::queue::registry::{Lease, Release};
use crate::sys::uapi::{BUFFERS_MAX, REGISTER_BUFFERS2};
use crate::unavailable::locked_memory_advice;
use free::FreePlaces;
pub use take_buffer::TakeBuffer;

/// Buffers begin at pages, so that they suit files opened with `O_DIRECT`.
const PAGE: usize = 4096;

/// The kernel registers no larger ones.
const SIZE_MAX: usize = 1 << 30;

/// Buffers that are registered with a ring: a handle to a table that all its clones share.
///
/// A buffer is taken out of the table as an owned value, used like any buffer, and goes back when
/// it is dropped, on whatever thread. Operations on the ring that it is registered with name it by
/// its index, which spares the kernel looking up and pinning its pages each time. With other rings
/// it works as well, as ordinary memory.
///
/// The memory is kept as long as there is a handle, a buffer or an operation with one; only then
/// does the ring let go of it. Nothing of this keeps the ring open.
///
/// It pays off for files opened with `O_DIRECT`; not, as a rule, for sockets or for what is in the
/// page cache.
///
/// # Examples
///
/// ```
/// use ringbahn_core::Drive;
/// use ringbahn_core::event::{Position, Read};
/// use ringbahn_drivers::SharedDriver;
///
/// # fn main() -> std::io::Result<()> {
/// # let Ok(driver) = SharedDriver::new() else { return Ok(()) };
/// # let Ok(_) = driver.register_buffers(1, 64) else { return Ok(()) };
/// let buffers = driver.register_buffers(8, 4096)?;
/// let buffer = buffers.take().expect("eight are free");
/// let zero = std::os::fd::OwnedFd::from(std::fs::File::open("/dev/zero")?);
/// let read = driver.submit(Read::new(zero, buffer, Position::Current));
/// let (count, buffer) = futures::executor::block_on(read);
/// assert_eq!((count?, buffer.len()), (4096, 4096));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct RegisteredBuffers {
    table: Arc<Table>,
}

/// The buffers of a pool under the names that one ring has for them.
struct Table {
    ring: RingId,
    /// Whether the ring takes several ranges of a buffer at once.
    vectored: bool,
    first: u16,
    lease: Lease,
    /// Freed after the ring has been told to let go of it.
    pool: Arc<Pool>,
}

/// Buffers, whichever rings have them.
struct Pool {
    count: u16,
    size: usize,
    stride: usize,
    base: NonNull<u8>,
    free: FreePlaces,
    _memory: AlignedBuffer,
}

// SAFETY: RB1: `base` points into memory that the pool owns, which any thread may use and free.
unsafe impl Send for Pool {}
// SAFETY: RB1: of a shared pool nobody touches a place but the one buffer that has it.
unsafe impl Sync for Pool {}

impl<S: Sharing> RingHandle<S> {
    /// Registers `count` buffers of `size` bytes with the ring.
    ///
    /// Each begins at a page and takes up whole pages, which are locked in memory. A ring has
    /// 16,384 of them at most, in as many tables as one likes.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for no buffers, or empty ones; `OutOfMemory` beyond `RLIMIT_MEMLOCK`, with a
    /// hint; `QuotaExceeded` where the ring has no room for so many; `Unsupported` on kernels
    /// before 5.19, and in a forked child. Without registered buffers any other ones do. To the
    /// fallback they are memory as any other, and none of it is locked.
    ///
    /// # Kernel
    ///
    /// Linux 5.19.
    pub fn register_buffers(&self, count: u16, size: usize) -> io::Result<RegisteredBuffers> {
        if count == 0 || !(1..=SIZE_MAX).contains(&size) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "registered buffers are at least one, of at least one byte and at most 1 GiB",
            ));
        }
        let (registry, clerk) = self.rings().registry()?;
        self.rings().check_known(REGISTER_BUFFERS2)?;
        let lease = Lease::new(self.rings())?;
        let stride = size.next_multiple_of(PAGE);
        let refused = |error| refused(error, count, size);
        let memory = AlignedBuffer::try_new(stride * usize::from(count), PAGE);
        let mut memory = memory.map_err(refused)?;
        let base = NonNull::new(memory.target_ptr()).ok_or(io::ErrorKind::OutOfMemory)?;
        let first = registry.take_buffers(clerk, count.into()).map_err(refused)?;
        let vectored = self.probe().is_ok_and(|known| {
            known.supports(opcode::READV_FIXED) && known.supports(opcode::WRITEV_FIXED)
        });
        let free = FreePlaces::all(count);
        let pool = Arc::new(Pool { count, size, stride, base, free, _memory: memory });
        // Dropped, it gives the slots back, filled or not.
        let table = Table { ring: self.table().ring(), vectored, first, lease, pool };
        let vectors: Vec<libc::iovec> = (0..count).map(|place| table.pool.vector(place)).collect();
        let mut done = 0;
        while done < vectors.len() {
            // What did not go in with one call says why with the next.
            let more = clerk.update_buffers(u32::from(first) + done as u32, &vectors[done..]);
            done += more.map_err(refused)? as usize;
        }
        Ok(RegisteredBuffers { table: Arc::new(table) })
    }
}

/// What the registration has failed with, and what to do about it.
fn refused(error: io::Error, count: u16, size: usize) -> io::Error {
    let bytes = size.next_multiple_of(PAGE) * usize::from(count);
    if error.kind() == io::ErrorKind::OutOfMemory {
        return io::Error::new(
            io::ErrorKind::OutOfMemory,
            format!(
                "{count} registered buffers lock {} KiB, for which there is no memory: {}",
                bytes / 1024,
                locked_memory_advice("register fewer or smaller buffers"),
            ),
        );
    }
    if error.raw_os_error() == Some(libc::EINVAL) {
        let message = "this kernel's rings have no table of buffers that is filled later: run \
                       Linux 5.19 or newer, or use buffers that are not registered";
        return io::Error::new(io::ErrorKind::Unsupported, message);
    }
    error
}

impl RegisteredBuffers {
    /// Takes a buffer out, empty; `None` where none is left.
    pub fn take(&self) -> Option<RegisteredBuffer> {
        let place = self.table.pool.free.take()?;
        Some(RegisteredBuffer::at(&self.table, place))
    }

    /// Takes a buffer out, empty; where none is left, as soon as one comes back.
    ///
    /// Several who wait are served in the order in which they came; [`take`](Self::take), and one
    /// who comes just as a buffer does, may be faster.
    ///
    /// # Cancel safety
    ///
    /// It is cancel safe: a buffer that it was woken for is the next one's.
    pub fn take_or_wait(&self) -> TakeBuffer {
        TakeBuffer::new(self.clone())
    }

    /// How many buffers there are.
    pub fn count(&self) -> usize {
        self.table.pool.count.into()
    }

    /// How many of them can be taken at the moment.
    pub fn available(&self) -> usize {
        self.table.pool.free.available()
    }

    /// How many bytes each of them has room for.
    pub fn buffer_size(&self) -> usize {
        self.table.pool.size
    }

    /// The same buffers under the names that `ring` has for them, from `first` on.
    pub(crate) fn registered_as(&self, ring: RingId, first: u16, lease: Lease) -> Self {
        // Both rings are of the same kernel, which takes several ranges or does not.
        let (vectored, pool) = (self.table.vectored, self.table.pool.clone());
        let table = Table { ring, vectored, first, lease, pool };
        RegisteredBuffers { table: Arc::new(table) }
    }

    /// The index of the first one.
    pub(crate) fn first(&self) -> u16 {
        self.table.first
    }

    /// A descriptor of their ring of its own.
    ///
    /// # Errors
    ///
    /// As [`Lease::ring_file`].
    pub(crate) fn ring_file(&self) -> io::Result<OwnedFd> {
        self.table.lease.ring_file()
    }

    /// The ring that they are registered with.
    pub fn ring(&self) -> RingId {
        self.table.ring
    }
}

impl Pool {
    fn address(&self, place: u16) -> NonNull<u8> {
        // SAFETY: RB1: the place lies within the memory.
        unsafe { self.base.add(self.stride * usize::from(place)) }
    }

    fn vector(&self, place: u16) -> libc::iovec {
        libc::iovec { iov_base: self.address(place).as_ptr().cast(), iov_len: self.size }
    }
}

impl Table {
    /// The slot behind its last one.
    fn end(&self) -> u32 {
        u32::from(self.first) + u32::from(self.pool.count)
    }
}

/// RB3: nobody has a buffer, so no operation does.
impl Drop for Table {
    fn drop(&mut self) {
        self.lease.release(Release::Buffers(self.first.into()..self.end()));
    }
}

/// A buffer out of a table of [`RegisteredBuffers`].
///
/// Like a `Vec<u8>` it holds some bytes and has room for more, up to a capacity that does not
/// change. Dropped, it goes back to its table.
pub struct RegisteredBuffer {
    table: Arc<Table>,
    place: u16,
    filled: usize,
}

impl RegisteredBuffer {
    /// The one at `place`, which was taken out of the free ones of `table`.
    fn at(table: &Arc<Table>, place: u16) -> RegisteredBuffer {
        RegisteredBuffer { table: table.clone(), place, filled: 0 }
    }

    /// How many bytes there is room for.
    pub fn capacity(&self) -> usize {
        self.table.pool.size
    }

    /// The index under which the ring has it.
    pub fn index(&self) -> u16 {
        // Below `BUFFERS_MAX`.
        self.table.first + self.place
    }

    /// Has the buffer hold the first `length` bytes of its memory, whatever they are: also those
    /// that somebody has left there who had it before.
    ///
    /// # Panics
    ///
    /// Panics where there is no room for so many.
    pub fn set_len(&mut self, length: usize) {
        assert!(length <= self.capacity(), "{length} bytes in a buffer of {}", self.capacity());
        self.filled = length;
    }

    /// Has the buffer hold nothing.
    pub fn clear(&mut self) {
        self.filled = 0;
    }
}

const _: () = assert!(BUFFERS_MAX <= 1 << 16);

impl Deref for RegisteredBuffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        let address = self.table.pool.address(self.place).as_ptr();
        // SAFETY: RB1, RB2: so many initialised bytes of this buffer's own.
        unsafe { std::slice::from_raw_parts(address, self.filled) }
    }
}

impl DerefMut for RegisteredBuffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        let address = self.table.pool.address(self.place).as_ptr();
        // SAFETY: RB1, RB2, and the buffer is borrowed mutably meanwhile.
        unsafe { std::slice::from_raw_parts_mut(address, self.filled) }
    }
}

// SAFETY: RB1, RB2: the bytes are this buffer's own, and stay where they are. RB3: the ring has
// them under that index as long as the buffer lives.
unsafe impl IoBuf for RegisteredBuffer {
    fn bytes_ptr(&self) -> *const u8 {
        self.table.pool.address(self.place).as_ptr()
    }

    fn bytes_len(&self) -> usize {
        self.filled
    }

    fn registration(&self) -> Option<Registration> {
        let table = &self.table;
        Some(Registration::new(table.ring, self.index()).vectored(table.vectored))
    }
}

// SAFETY: RB1, RB2: the target is all of the place, and the bytes are its beginning.
unsafe impl IoBufMut for RegisteredBuffer {
    fn target_ptr(&mut self) -> *mut u8 {
        self.table.pool.address(self.place).as_ptr()
    }

    fn target_len(&self) -> usize {
        self.table.pool.size
    }

    unsafe fn set_filled(&mut self, count: usize) {
        // RB2: no more than the target, by the contract of this method.
        self.filled = count;
    }
}

impl Drop for RegisteredBuffer {
    fn drop(&mut self) {
        self.table.pool.free.put_back(self.place);
    }
}

impl fmt::Debug for RegisteredBuffers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegisteredBuffers")
            .field("count", &self.count())
            .field("available", &self.available())
            .field("buffer_size", &self.buffer_size())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for RegisteredBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegisteredBuffer")
            .field("index", &self.index())
            .field("len", &self.len())
            .field("capacity", &self.capacity())
            .finish_non_exhaustive()
    }
}
