//! [`FutexWord`]: a share of the word that a futex is; and [`FutexEnd`], how a wait for it ended.
//!
//! # Safety
//!
//! FW1. The word lies in what a share keeps, and so stays where it is as long as the share; nobody
//!     but the kernel follows its address.
#![allow(unsafe_code)]

use std::fmt;
use std::io;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use crate::outcome::Outcome;

/// `FUTEX2_SIZE_U32`: the word has 32 bits, as all have so far.
const SIZE_U32: u32 = 2;
/// `FUTEX2_PRIVATE`: only this process uses it.
const PRIVATE: u32 = 128;

/// A share of the word that a futex is, held by every operation on it.
///
/// The kernel reads the word where an operation is submitted, and knows it by its address until the
/// operation has ended. So the memory stays as long as there is a share of it. Whoever waits and
/// whoever wakes are to agree on whether other processes use the word, too.
///
/// ```
/// use std::sync::Arc;
/// use std::sync::atomic::AtomicU32;
/// use ringbahn_core::event::FutexWord;
///
/// struct Gate {
///     state: AtomicU32,
/// }
///
/// let alone = FutexWord::new(Arc::new(AtomicU32::new(0)));
/// let gate = Arc::new(Gate { state: AtomicU32::new(0) });
/// let within = FutexWord::of(gate.clone(), |gate| &gate.state);
/// # drop((alone, within));
/// ```
#[derive(Clone)]
pub struct FutexWord {
    word: NonNull<AtomicU32>,
    flags: u32,
    /// Keeps the word where it is.
    _owner: Arc<dyn Send + Sync>,
}

// SAFETY: FW1: the word is an atomic behind a share that may be sent and shared itself; its address
// is only given to the kernel.
unsafe impl Send for FutexWord {}
// SAFETY: FW1, as for `Send`.
unsafe impl Sync for FutexWord {}

impl FutexWord {
    /// A share of `word`.
    pub fn new(word: Arc<AtomicU32>) -> FutexWord {
        FutexWord::of(word, |word| word)
    }

    /// A share of the word that `owner` has, which `word` finds there.
    pub fn of<T: Send + Sync + 'static>(
        owner: Arc<T>,
        word: impl for<'a> FnOnce(&'a T) -> &'a AtomicU32,
    ) -> FutexWord {
        // What was found may be looked at for as long as the owner is borrowed, which it is for as
        // long as there is this share of it.
        let word = NonNull::from(word(&owner));
        FutexWord { word, flags: SIZE_U32 | PRIVATE, _owner: owner }
    }

    /// The same word, which lies in memory that other processes have, too.
    #[must_use]
    pub fn between_processes(mut self) -> FutexWord {
        self.flags = SIZE_U32;
        self
    }

    pub(super) fn address(&self) -> *const AtomicU32 {
        self.word.as_ptr()
    }

    /// `FUTEX2_*`.
    pub(super) fn flags(&self) -> u32 {
        self.flags
    }
}

impl fmt::Debug for FutexWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let private = self.flags & PRIVATE != 0;
        f.debug_struct("FutexWord").field("word", &self.word).field("private", &private).finish()
    }
}

/// How a wait for a futex, or for one of several, has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FutexEnd {
    /// Somebody has woken it, by the word of this index; of one word, that is 0.
    Woken(usize),
    /// It has not waited: the word, or one of them, had another value than was expected.
    Changed,
}

impl FutexEnd {
    /// What the kernel has answered.
    pub(super) fn of<E>(outcome: Outcome<'_, E>) -> io::Result<FutexEnd> {
        match outcome.result() {
            Ok(index) => Ok(FutexEnd::Woken(index as usize)),
            Err(error) if error.raw_os_error() == Some(libc::EAGAIN) => Ok(FutexEnd::Changed),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Nop;
    use crate::event::testing::{cqe, ended};

    #[test]
    fn a_share_of_a_word_keeps_its_owner() {
        let owner = Arc::new((7, AtomicU32::new(3)));
        let word = FutexWord::of(owner.clone(), |owner| &owner.1);
        assert_eq!(word.address(), &raw const owner.1);
        let other = word.clone().between_processes();
        assert_eq!((word.flags(), other.flags()), (SIZE_U32 | PRIVATE, SIZE_U32));
        assert_eq!(Arc::strong_count(&owner), 3);
        drop((word, other));
        assert_eq!(Arc::strong_count(&owner), 1);
    }

    #[test]
    fn a_word_that_has_changed_is_no_error() {
        let end = |result| FutexEnd::of::<Nop>(ended(&[cqe(result)]));
        assert_eq!(end(2).unwrap(), FutexEnd::Woken(2));
        assert_eq!(end(-libc::EAGAIN).unwrap(), FutexEnd::Changed);
        for errno in [libc::EINVAL, libc::ECANCELED, 512] {
            assert!(end(-errno).is_err());
        }
    }
}
