//! [`FutexWaitv`]: until somebody wakes one of several futexes.
#![allow(unsafe_code)]

use std::io;

use crate::event::{Event, FutexEnd, FutexWord};
use crate::opcode;
use crate::outcome::Outcome;
use crate::sqe::{Sqe, Sqes};

/// `FUTEX_WAITV_MAX`
const WORDS_MAX: usize = 128;

/// `struct futex_waitv`
#[derive(Debug)]
#[repr(C)]
struct Waiter {
    expected: u64,
    address: Address,
    flags: u32,
    reserved: u32,
}

/// An address that nobody here follows.
#[derive(Debug)]
#[repr(transparent)]
struct Address(*const std::sync::atomic::AtomicU32);

// SAFETY: E1: the address is only for the kernel to follow, and the event has a share of what is
// there.
unsafe impl Send for Address {}

/// Waits until somebody wakes one of several futexes, unless one of their words has changed by
/// then.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
/// use std::sync::atomic::AtomicU32;
/// use ringbahn_core::event::{FutexWaitv, FutexWord};
///
/// let words = [(); 3].map(|()| Arc::new(AtomicU32::new(0)));
/// let any = FutexWaitv::new(words.into_iter().map(|word| (FutexWord::new(word), 0)))?;
/// # drop(any);
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
///
/// None of its own. That a word had changed is no error, but a [`FutexEnd`].
///
/// # Cancellation
///
/// Stops at once. A wake that had come by then is lost where nobody takes the output; whoever wakes
/// changes the word as well, so look at that.
///
/// # Kernel
///
/// Linux 6.7. On an older one from 5.16 on ringbahn's drivers wait in a thread, for one word less.
/// The list of the words, and the shares of them, are the event's until completion.
///
/// # References
///
/// [`io_uring_prep_futex_waitv(3)`](https://man7.org/linux/man-pages/man3/io_uring_prep_futex_waitv.3.html)
#[doc(alias = "IORING_OP_FUTEX_WAITV")]
#[derive(Debug)]
pub struct FutexWaitv {
    waiters: Vec<Waiter>,
    /// What keeps the words where they are.
    _words: Vec<FutexWord>,
}

impl FutexWaitv {
    /// Waits while each of `words` has the value that is expected of it, until somebody wakes one.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for no words at all, and for more than 128.
    pub fn new(words: impl IntoIterator<Item = (FutexWord, u32)>) -> io::Result<FutexWaitv> {
        let (words, waiters): (Vec<_>, Vec<_>) = words
            .into_iter()
            .map(|(word, expected)| {
                let (address, flags) = (Address(word.address()), word.flags());
                (word, Waiter { expected: expected.into(), address, flags, reserved: 0 })
            })
            .unzip();
        if !(1..=WORDS_MAX).contains(&waiters.len()) {
            let message = "one waits for at least 1 futex and at most 128 at a time";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        Ok(FutexWaitv { waiters, _words: words })
    }
}

impl Event for FutexWaitv {
    type Output = io::Result<FutexEnd>;

    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        // SAFETY: S1 by E1: the list is the event's, as are the shares of what it names. There is
        // no descriptor, for which the kernel wants a zero.
        let entry = unsafe { Sqe::new(opcode::FUTEX_WAITV) }.fd_number(0);
        sqes.push(entry.address(self.waiters.as_ptr()).length(self.waiters.len() as u32));
    }

    fn complete(self, outcome: Outcome<'_, Self>) -> io::Result<FutexEnd> {
        FutexEnd::of(outcome)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicU32;

    use super::*;
    use crate::event::testing::entry;

    #[test]
    fn the_list_names_each_word_with_what_is_expected_of_it() {
        let words = [5_u32, 6].map(|value| Arc::new(AtomicU32::new(value)));
        let pairs = words.clone().into_iter().zip([7, 8]);
        let mut wait =
            FutexWaitv::new(pairs.map(|(word, value)| (FutexWord::new(word), value))).unwrap();
        let entry = entry(&mut wait);
        assert_eq!(entry.get_address().cast_const(), wait.waiters.as_ptr().cast());
        assert_eq!((entry.get_length(), entry.get_fd(), size_of::<Waiter>()), (2, 0, 24));
        for ((waiter, word), expected) in wait.waiters.iter().zip(&words).zip([7, 8]) {
            assert_eq!(waiter.address.0, Arc::as_ptr(word));
            assert_eq!((waiter.expected, waiter.flags, waiter.reserved), (expected, 130, 0));
            assert_eq!(Arc::strong_count(word), 2);
        }
        drop(wait);
        assert_eq!(Arc::strong_count(&words[0]), 1);
    }

    #[test]
    fn too_few_and_too_many_words_are_refused() {
        for count in [0, 129] {
            let words = (0..count).map(|_| (FutexWord::new(Arc::default()), 0));
            let error = FutexWaitv::new(words).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        }
    }
}
