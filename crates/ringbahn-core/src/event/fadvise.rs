//! [`Fadvise`]: how a file will be used.
#![allow(unsafe_code)]

use std::io;
use std::num::NonZeroU64;

use crate::event::Event;
use crate::fd::SharedFd;
use crate::opcode;
use crate::outcome::Outcome;
use crate::sqe::{Sqe, Sqes};

/// How a file will be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FileAdvice {
    /// Nothing is known: the usual read-ahead.
    Normal,
    /// From front to back: more is read ahead.
    Sequential,
    /// Here and there: nothing is read ahead.
    Random,
    /// Once only.
    NoReuse,
    /// Soon: the kernel begins to read it into memory.
    WillNeed,
    /// Not soon: what is in memory and on the disk alike may be forgotten.
    DontNeed,
}

impl FileAdvice {
    fn number(self) -> i32 {
        match self {
            FileAdvice::Normal => libc::POSIX_FADV_NORMAL,
            FileAdvice::Sequential => libc::POSIX_FADV_SEQUENTIAL,
            FileAdvice::Random => libc::POSIX_FADV_RANDOM,
            FileAdvice::NoReuse => libc::POSIX_FADV_NOREUSE,
            FileAdvice::WillNeed => libc::POSIX_FADV_WILLNEED,
            FileAdvice::DontNeed => libc::POSIX_FADV_DONTNEED,
        }
    }
}

/// Tells the kernel how a file will be used.
///
/// That changes how fast it is read, never what is read.
///
/// # Errors
///
/// Those of `posix_fadvise(2)`: `NotSeekable` for a pipe.
///
/// # Cancellation
///
/// Stops it only while it waits for a worker of the kernel; after that it runs to its end.
///
/// # Kernel
///
/// Linux 5.6. The file is the event's until completion. A [length](Fadvise::length) of 4 GiB or
/// more takes Linux 6.11, and is `InvalidInput` before.
///
/// # References
///
/// [`posix_fadvise(2)`](https://man7.org/linux/man-pages/man2/posix_fadvise.2.html)
#[doc(alias = "IORING_OP_FADVISE")]
#[derive(Debug)]
pub struct Fadvise {
    file: SharedFd,
    offset: u64,
    /// Of 0 the kernel takes all there is.
    length: u64,
    advice: FileAdvice,
}

impl Fadvise {
    /// Says how all of `file` will be used.
    pub fn new(file: impl Into<SharedFd>, advice: FileAdvice) -> Fadvise {
        Fadvise { file: file.into(), offset: 0, length: 0, advice }
    }

    /// Speaks only of what is from `offset` on, in bytes.
    #[must_use]
    pub fn offset(mut self, offset: u64) -> Fadvise {
        self.offset = offset;
        self
    }

    /// Speaks only of `length` bytes.
    #[must_use]
    pub fn length(mut self, length: NonZeroU64) -> Fadvise {
        self.length = length.get();
        self
    }
}

impl Event for Fadvise {
    type Output = io::Result<()>;

    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        // SAFETY: S1 by E2; the entry names no memory: its address word holds a length.
        let entry = unsafe { Sqe::new(opcode::FADVISE) };
        let entry = entry.file(&self.file).offset(self.offset);
        // Older kernels know the short word only, and newer ones look at it where the other is 0.
        let entry = match u32::try_from(self.length) {
            Ok(short) => entry.length(short),
            Err(_) => entry.address_number(self.length),
        };
        sqes.push(entry.op_flags(self.advice.number().cast_unsigned()));
    }

    fn complete(self, outcome: Outcome<'_, Self>) -> io::Result<()> {
        outcome.result().map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::testing::{complete, entry, shared_null};

    #[test]
    fn a_length_of_any_size_arrives_whole() {
        for (length, words) in
            [(1, (1, 0)), (u32::MAX.into(), (u32::MAX, 0)), (1 << 32, (0, 1 << 32))]
        {
            let length = NonZeroU64::new(length).unwrap();
            let mut advise = Fadvise::new(shared_null(), FileAdvice::WillNeed).length(length);
            let entry = entry(&mut advise);
            assert_eq!((entry.get_length(), entry.get_address_number()), words);
        }
    }

    #[test]
    fn it_succeeds_or_reports_the_error() {
        complete(Fadvise::new(shared_null(), FileAdvice::Normal), 0).unwrap();
        for errno in [libc::ESPIPE, libc::ECANCELED, 512] {
            assert!(complete(Fadvise::new(shared_null(), FileAdvice::Normal), -errno).is_err());
        }
    }
}
