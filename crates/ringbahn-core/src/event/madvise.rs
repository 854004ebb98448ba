//! [`Madvise`]: how a buffer will be used.
//!
//! # Safety
//!
//! MA1. The range that an entry names is within the bytes of a buffer that the event owns, and no
//!     [`MemoryAdvice`] changes what is in memory.
//!
//! MA2. To ask the C library for a number touches no memory.
#![allow(unsafe_code)]

use crate::buf::{BufResult, IoBuf};
use crate::event::Event;
use crate::opcode;
use crate::outcome::Outcome;
use crate::sqe::{Sqe, Sqes};

/// How memory will be used.
///
/// There is only advice that changes nothing of what is in memory. What the rest is good for,
/// giving memory back, dropping a buffer does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MemoryAdvice {
    /// Nothing is known.
    Normal,
    /// From front to back.
    Sequential,
    /// Here and there.
    Random,
    /// Soon: what lies on a disk is read.
    WillNeed,
    /// Not soon: it is written to the swap space before others (Linux 5.4).
    Cold,
    /// Not soon: it is written to the swap space at once (Linux 5.4).
    PageOut,
    /// Pages are to be there for reads, now and not when they are read (Linux 5.14).
    PopulateRead,
    /// Pages are to be there for writes, now and not when they are written to (Linux 5.14).
    PopulateWrite,
    /// Large pages are welcome.
    HugePages,
    /// Large pages are not welcome.
    NoHugePages,
}

impl MemoryAdvice {
    fn number(self) -> i32 {
        match self {
            MemoryAdvice::Normal => libc::MADV_NORMAL,
            MemoryAdvice::Sequential => libc::MADV_SEQUENTIAL,
            MemoryAdvice::Random => libc::MADV_RANDOM,
            MemoryAdvice::WillNeed => libc::MADV_WILLNEED,
            MemoryAdvice::Cold => libc::MADV_COLD,
            MemoryAdvice::PageOut => libc::MADV_PAGEOUT,
            MemoryAdvice::PopulateRead => libc::MADV_POPULATE_READ,
            MemoryAdvice::PopulateWrite => libc::MADV_POPULATE_WRITE,
            MemoryAdvice::HugePages => libc::MADV_HUGEPAGE,
            MemoryAdvice::NoHugePages => libc::MADV_NOHUGEPAGE,
        }
    }
}

/// Tells the kernel how a buffer will be used.
///
/// Yields the buffer. The advice is for the pages that lie within its bytes as a whole; where there
/// are none it is for nothing. Some of it stays with the memory when that is freed and used again.
///
/// # Errors
///
/// Those of `madvise(2)`: `InvalidInput` for advice that the kernel does not know, or not of this
/// memory; `EFAULT` for memory that cannot be populated; …
///
/// # Cancellation
///
/// Stops it only while it waits for a worker of the kernel; after that it runs to its end. The
/// buffer comes back in its output.
///
/// # Kernel
///
/// Linux 5.6. The buffer is the event's until completion. A range of 4 GiB or more takes Linux
/// 6.11, and is `InvalidInput` before.
///
/// # References
///
/// [`madvise(2)`](https://man7.org/linux/man-pages/man2/madvise.2.html)
#[doc(alias = "IORING_OP_MADVISE")]
#[derive(Debug)]
pub struct Madvise<B> {
    buffer: B,
    advice: MemoryAdvice,
}

impl<B: IoBuf> Madvise<B> {
    /// Says how `buffer` will be used.
    pub fn new(buffer: B, advice: MemoryAdvice) -> Madvise<B> {
        Madvise { buffer, advice }
    }
}

/// How far into `length` bytes at `address` the first page begins, and how long those are that lie
/// within as a whole.
fn whole_pages(address: usize, length: usize, page: usize) -> (usize, usize) {
    let before = address.wrapping_neg() % page;
    match length.checked_sub(before) {
        Some(rest) => (before, rest - rest % page),
        None => (0, 0),
    }
}

fn page_size() -> usize {
    // SAFETY: MA2.
    let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    usize::try_from(size).unwrap_or(4096)
}

impl<B: IoBuf> Event for Madvise<B> {
    type Output = BufResult<(), B>;

    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        let (bytes, length) = (self.buffer.bytes_ptr(), self.buffer.bytes_len());
        let (before, length) = whole_pages(bytes.addr(), length, page_size());
        let start = if length == 0 { std::ptr::null() } else { bytes.wrapping_add(before) };
        // SAFETY: S1 by E1 and MA1.
        let entry = unsafe { Sqe::new(opcode::MADVISE) }.address(start);
        // Older kernels know the short word only, and newer ones look at it where the other is 0.
        let entry = match u32::try_from(length) {
            Ok(short) => entry.length(short),
            Err(_) => entry.offset(length as u64),
        };
        sqes.push(entry.op_flags(self.advice.number().cast_unsigned()));
    }

    fn complete(self, outcome: Outcome<'_, Self>) -> BufResult<(), B> {
        (outcome.result().map(drop), self.buffer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::testing::{complete, entry};

    #[test]
    fn only_whole_pages_of_the_buffer_are_spoken_of() {
        for (address, length, range) in [
            (0x4000, 0x2000, (0, 0x2000)),
            (0x4001, 0x2000, (0xfff, 0x1000)),
            (0x4000, 0x1fff, (0, 0x1000)),
            (0x4fff, 2, (1, 0)),
            (0x4ffe, 1, (0, 0)),
            (0x4001, 0, (0, 0)),
        ] {
            assert_eq!(whole_pages(address, length, 0x1000), range, "{address:x} {length:x}");
        }
    }

    #[test]
    fn the_buffer_comes_back() {
        let mut advise = Madvise::new(vec![7; 9], MemoryAdvice::WillNeed);
        let words = entry(&mut advise);
        assert_eq!((words.get_address(), words.get_length()), (std::ptr::null_mut(), 0));
        let (result, buffer) = complete(advise, 0);
        result.unwrap();
        assert_eq!(buffer, [7; 9]);
        let (result, buffer) = complete(Madvise::new("x", MemoryAdvice::Cold), -libc::EINVAL);
        assert_eq!((result.is_err(), buffer), (true, "x"));
    }

    #[test]
    fn a_long_range_arrives_whole() {
        /// Says that it is longer than it is, which is nothing that an entry would look at.
        struct Long;
        // SAFETY: nobody reads it: the entry is only looked at.
        unsafe impl IoBuf for Long {
            fn bytes_ptr(&self) -> *const u8 {
                std::ptr::without_provenance(1 << 40)
            }

            fn bytes_len(&self) -> usize {
                5 << 32
            }
        }
        let words = entry(&mut Madvise::new(Long, MemoryAdvice::Random));
        assert_eq!((words.get_length(), words.get_offset()), (0, 5 << 32));
    }
}
