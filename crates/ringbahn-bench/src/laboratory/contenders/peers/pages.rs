//! [`Pages`]: a buffer that `O_DIRECT` takes, for those libraries whose callers bring buffers.
//!
//! # Safety
//!
//! PP1. The memory is that of a `Vec` of initialised pages which never grows: it stays where it is,
//!      however `Pages` is moved, until `Pages` is dropped, and all of it is initialised, whatever
//!      part a library says it has filled. `Pages` has no borrow and no other owner.
//! PP2. A page is 4096 bytes without padding, and any bytes are valid for it.
#![allow(unsafe_code)]

use std::mem::MaybeUninit;
use std::slice;

/// How long a page is, in bytes.
const PAGE: usize = 4096;

#[derive(Clone)]
#[repr(C, align(4096))]
struct Page([u8; PAGE]);

/// A buffer of whole pages.
pub(super) struct Pages {
    pages: Vec<Page>,
    /// What the last read has filled, in bytes.
    filled: usize,
}

impl Pages {
    /// A buffer of `length` bytes, which must be a multiple of 4096.
    pub(super) fn new(length: usize) -> Pages {
        assert!(length.is_multiple_of(PAGE), "there are no parts of pages");
        Pages { pages: vec![Page([0x5a; PAGE]); length / PAGE], filled: 0 }
    }

    /// How many bytes the last read has filled, for a library that does not tell otherwise. It is
    /// none again afterwards.
    pub(super) fn take_filled(&mut self) -> usize {
        std::mem::take(&mut self.filled)
    }

    fn length(&self) -> usize {
        self.pages.len() * PAGE
    }

    fn bytes(&self) -> &[u8] {
        // SAFETY: PP1 and PP2.
        unsafe { slice::from_raw_parts(self.pages.as_ptr().cast(), self.length()) }
    }

    fn address(&mut self) -> *mut u8 {
        self.pages.as_mut_ptr().cast()
    }
}

// SAFETY: PP1.
unsafe impl monoio::buf::IoBuf for Pages {
    fn read_ptr(&self) -> *const u8 {
        self.pages.as_ptr().cast()
    }

    fn bytes_init(&self) -> usize {
        self.length()
    }
}

// SAFETY: PP1.
unsafe impl monoio::buf::IoBufMut for Pages {
    fn write_ptr(&mut self) -> *mut u8 {
        self.address()
    }

    fn bytes_total(&mut self) -> usize {
        self.length()
    }

    unsafe fn set_init(&mut self, filled: usize) {
        self.filled = filled;
    }
}

// SAFETY: PP1.
unsafe impl tokio_uring::buf::IoBuf for Pages {
    fn stable_ptr(&self) -> *const u8 {
        self.pages.as_ptr().cast()
    }

    fn bytes_init(&self) -> usize {
        self.length()
    }

    fn bytes_total(&self) -> usize {
        self.length()
    }
}

// SAFETY: PP1.
unsafe impl tokio_uring::buf::IoBufMut for Pages {
    fn stable_mut_ptr(&mut self) -> *mut u8 {
        self.address()
    }

    unsafe fn set_init(&mut self, filled: usize) {
        self.filled = filled;
    }
}

impl compio::buf::IoBuf for Pages {
    fn as_init(&self) -> &[u8] {
        self.bytes()
    }
}

impl compio::buf::SetLen for Pages {
    unsafe fn set_len(&mut self, filled: usize) {
        self.filled = filled;
    }
}

impl compio::buf::IoBufMut for Pages {
    fn as_uninit(&mut self) -> &mut [MaybeUninit<u8>] {
        let length = self.length();
        // SAFETY: PP1 and PP2; what is initialised may be overwritten only by what is, which the
        // caller owes to all buffers of compio.
        unsafe { slice::from_raw_parts_mut(self.pages.as_mut_ptr().cast(), length) }
    }
}

// SAFETY: PP1.
unsafe impl a10::io::Buf for Pages {
    unsafe fn parts(&self) -> (*const u8, u32) {
        (self.pages.as_ptr().cast(), self.length() as u32)
    }
}

// SAFETY: PP1.
unsafe impl a10::io::BufMut for Pages {
    unsafe fn parts_mut(&mut self) -> (*mut u8, u32) {
        (self.address(), self.length() as u32)
    }

    unsafe fn set_init(&mut self, filled: usize) {
        self.filled = filled;
    }

    fn spare_capacity(&self) -> u32 {
        self.length() as u32
    }
}
