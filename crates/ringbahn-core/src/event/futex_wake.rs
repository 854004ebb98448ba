//! [`FutexWake`]: those who wait for a futex go on.
#![allow(unsafe_code)]

use std::io;
use std::num::NonZeroU32;
use std::ptr;

use crate::event::{Event, FutexWord};
use crate::opcode;
use crate::outcome::Outcome;
use crate::sqe::{Sqe, Sqes};

/// Wakes those who wait for a futex, by way of a ring or by a system call.
///
/// Yields how many have been woken. In a chain it is what tells others that the part before it has
/// succeeded.
///
/// # Errors
///
/// None of its own.
///
/// # Cancellation
///
/// Ends at once, so a cancel finds nothing.
///
/// # Kernel
///
/// Linux 6.7. On an older one ringbahn's drivers make the system call. The share of the word is the
/// event's until completion.
///
/// # References
///
/// [`io_uring_prep_futex_wake(3)`](https://man7.org/linux/man-pages/man3/io_uring_prep_futex_wake.3.html)
#[doc(alias = "IORING_OP_FUTEX_WAKE")]
#[derive(Debug)]
pub struct FutexWake {
    word: FutexWord,
    count: u32,
    mask: u32,
}

impl FutexWake {
    /// Wakes up to `count` of those who wait for `word`.
    pub fn new(word: FutexWord, count: u32) -> FutexWake {
        // The kernel counts with a sign.
        FutexWake { word, count: count.min(i32::MAX.cast_unsigned()), mask: u32::MAX }
    }

    /// Wakes all who wait for `word`.
    pub fn all(word: FutexWord) -> FutexWake {
        FutexWake::new(word, u32::MAX)
    }

    /// Wakes only those whose mask has a bit in common with this one. At first it has all.
    #[must_use]
    pub fn mask(mut self, mask: NonZeroU32) -> FutexWake {
        self.mask = mask.get();
        self
    }
}

impl Event for FutexWake {
    type Output = io::Result<u32>;

    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        // SAFETY: S1: the entry names a word that the event owns a share of, and no descriptor.
        let entry = unsafe { Sqe::new(opcode::FUTEX_WAKE) };
        let entry = entry.fd_number(self.word.flags().cast_signed()).address(self.word.address());
        let mask = ptr::without_provenance::<()>(self.mask as usize);
        sqes.push(entry.offset(self.count.into()).address3(mask));
    }

    fn complete(self, outcome: Outcome<'_, Self>) -> io::Result<u32> {
        outcome.result()
    }
}
