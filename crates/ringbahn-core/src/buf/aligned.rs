//! [`AlignedBuffer`]: memory at an address that suits `O_DIRECT`.
//!
//! # Safety
//!
//! B6. The `layout` is the one that the memory was allocated with, at `address`, and its size is
//!     not 0. All of the memory is initialised: it was zeroed, and only bytes were written to it.
//!
//! B7. `filled` is at most the size of the layout.
#![allow(unsafe_code)]

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::fmt;
use std::io;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;

use super::{IoBuf, IoBufMut};

/// A buffer at an address that is a multiple of an alignment, for files opened with `O_DIRECT`.
///
/// Like a `Vec<u8>` it holds some bytes and has room for more, up to a capacity that does not
/// change. [`DirectIo`](crate::DirectIo) knows which alignment a file asks for, and makes
/// buffers that suit it.
///
/// # Examples
///
/// ```
/// use ringbahn_core::AlignedBuffer;
///
/// let mut buffer = AlignedBuffer::new(8192, 4096);
/// assert_eq!((buffer.capacity(), buffer.len()), (8192, 0));
/// buffer.resize(4096);
/// buffer[..5].copy_from_slice(b"hello");
/// assert!(buffer.as_ptr().addr() % 4096 == 0);
/// ```
pub struct AlignedBuffer {
    address: NonNull<u8>,
    layout: Layout,
    filled: usize,
}

// SAFETY: B6: the memory is the buffer's own, and an allocation may be freed by any thread.
unsafe impl Send for AlignedBuffer {}
// SAFETY: B6, and a shared reference only reads.
unsafe impl Sync for AlignedBuffer {}

impl AlignedBuffer {
    /// An empty buffer with room for `capacity` bytes, at least one, that begins at a multiple of
    /// `alignment` bytes.
    ///
    /// # Panics
    ///
    /// Panics where `alignment` is not a power of two, or there is no such memory.
    pub fn new(capacity: usize, alignment: usize) -> AlignedBuffer {
        let layout = Layout::from_size_align(capacity.max(1), alignment);
        let layout = layout.expect("an alignment is a power of two, and memory has an end");
        AlignedBuffer::of(layout).unwrap_or_else(|| handle_alloc_error(layout))
    }

    /// As [`new`](AlignedBuffer::new), for a capacity that there may be no memory for.
    ///
    /// # Errors
    ///
    /// `OutOfMemory` where there is none; `InvalidInput` where `alignment` is not a power of two.
    pub fn try_new(capacity: usize, alignment: usize) -> io::Result<AlignedBuffer> {
        if !alignment.is_power_of_two() {
            let message = format!("an alignment is a power of two, and {alignment} is none");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        let layout = Layout::from_size_align(capacity.max(1), alignment).ok();
        layout.and_then(AlignedBuffer::of).ok_or_else(|| io::ErrorKind::OutOfMemory.into())
    }

    /// A buffer of a layout whose size is not 0.
    fn of(layout: Layout) -> Option<AlignedBuffer> {
        assert!(layout.size() > 0, "there is no memory of no bytes");
        // SAFETY: B6: the layout's size is not 0.
        let address = NonNull::new(unsafe { alloc_zeroed(layout) })?;
        Some(AlignedBuffer { address, layout, filled: 0 })
    }

    /// How many bytes there is room for.
    pub fn capacity(&self) -> usize {
        self.layout.size()
    }

    /// The multiple of which the address is, in bytes.
    pub fn alignment(&self) -> usize {
        self.layout.align()
    }

    /// Has the buffer hold the first `length` bytes of its memory: zeroes, or what it held before.
    ///
    /// # Panics
    ///
    /// Panics where there is no room for so many.
    pub fn resize(&mut self, length: usize) {
        assert!(length <= self.capacity(), "{length} bytes in a buffer of {}", self.capacity());
        self.filled = length;
    }

    /// Has the buffer hold nothing.
    pub fn clear(&mut self) {
        self.filled = 0;
    }
}

impl Deref for AlignedBuffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: B6, B7: so many initialised bytes, which nobody changes while `self` is borrowed.
        unsafe { std::slice::from_raw_parts(self.address.as_ptr(), self.filled) }
    }
}

impl DerefMut for AlignedBuffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: B6, B7, and nobody else has access while `self` is borrowed.
        unsafe { std::slice::from_raw_parts_mut(self.address.as_ptr(), self.filled) }
    }
}

// SAFETY: B1, B2 by B6, B7: the memory is the buffer's own, and moves with nobody.
unsafe impl IoBuf for AlignedBuffer {
    fn bytes_ptr(&self) -> *const u8 {
        self.address.as_ptr()
    }

    fn bytes_len(&self) -> usize {
        self.filled
    }
}

// SAFETY: B1, B2 by B6: the target is all of the memory, and the bytes are its beginning.
unsafe impl IoBufMut for AlignedBuffer {
    fn target_ptr(&mut self) -> *mut u8 {
        self.address.as_ptr()
    }

    fn target_len(&self) -> usize {
        self.capacity()
    }

    unsafe fn set_filled(&mut self, count: usize) {
        // B7: no more than the target, by the contract of this method.
        self.filled = count;
    }
}

impl Drop for AlignedBuffer {
    fn drop(&mut self) {
        // SAFETY: B6: allocated with this layout, and nobody has a pointer to it any more.
        unsafe { dealloc(self.address.as_ptr(), self.layout) };
    }
}

impl fmt::Debug for AlignedBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AlignedBuffer")
            .field("len", &self.len())
            .field("capacity", &self.capacity())
            .field("alignment", &self.alignment())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_begins_where_it_should_and_holds_what_was_read() {
        for alignment in [1, 512, 4096, 65_536] {
            let mut buffer = AlignedBuffer::new(1024, alignment);
            assert!(buffer.target_ptr().addr().is_multiple_of(alignment));
            assert_eq!(buffer.fill_from(b"hello"), 5);
            assert_eq!((&buffer[..], buffer.capacity()), (&b"hello"[..], 1024));
            buffer.resize(7);
            assert_eq!(&buffer[..], b"hello\0\0");
        }
        assert_eq!(AlignedBuffer::new(0, 512).capacity(), 1);
    }

    #[test]
    #[should_panic(expected = "9 bytes in a buffer of 8")]
    fn it_does_not_hold_more_than_there_is_room_for() {
        AlignedBuffer::new(8, 8).resize(9);
    }
}
