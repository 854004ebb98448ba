//! [`FutexWait`]: until somebody wakes a futex.
#![allow(unsafe_code)]

use std::io;
use std::num::NonZeroU32;
use std::ptr;

use crate::event::{Event, FutexEnd, FutexWord};
use crate::opcode;
use crate::outcome::Outcome;
use crate::sqe::{Sqe, Sqes};

/// Waits until somebody wakes a futex, unless its word has changed by then.
///
/// The kernel compares the word with what is expected, and begins to wait, in one step: whoever
/// changes the word first and wakes then is never missed. It wakes by
/// [`FutexWake`](crate::event::FutexWake) or by the system call.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicU32, Ordering};
/// use ringbahn_core::Drive;
/// use ringbahn_core::event::{FutexWait, FutexWord};
///
/// /// Waits until the word is not zero any more.
/// async fn opened(
///     word: Arc<AtomicU32>,
///     driver: impl Drive + Unpin + Clone,
/// ) -> std::io::Result<u32> {
///     loop {
///         match word.load(Ordering::Acquire) {
///             0 => driver.clone().submit(FutexWait::new(FutexWord::new(word.clone()), 0)).await?,
///             state => return Ok(state),
///         };
///     }
/// }
/// ```
///
/// # Errors
///
/// `InvalidInput` for a word that is not of four bytes' alignment, as none is of Rust's. That the
/// word had changed is no error, but a [`FutexEnd`].
///
/// # Cancellation
///
/// Stops at once. A wake that had come by then is lost where nobody takes the output; whoever wakes
/// changes the word as well, so look at that.
///
/// # Kernel
///
/// Linux 6.7. On an older one ringbahn's drivers wait in a thread, and without a
/// [mask](FutexWait::mask). The share of the word is the event's until completion.
///
/// # References
///
/// [`io_uring_prep_futex_wait(3)`](https://man7.org/linux/man-pages/man3/io_uring_prep_futex_wait.3.html)
#[doc(alias = "IORING_OP_FUTEX_WAIT")]
#[derive(Debug)]
pub struct FutexWait {
    word: FutexWord,
    expected: u32,
    mask: u32,
}

impl FutexWait {
    /// Waits while the word is `expected`, until somebody wakes it.
    pub fn new(word: FutexWord, expected: u32) -> FutexWait {
        FutexWait { word, expected, mask: u32::MAX }
    }

    /// Is woken only by those whose mask has a bit in common with this one. At first it has all.
    #[must_use]
    pub fn mask(mut self, mask: NonZeroU32) -> FutexWait {
        self.mask = mask.get();
        self
    }
}

impl Event for FutexWait {
    type Output = io::Result<FutexEnd>;

    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        // SAFETY: S1: the entry names a word that the event owns a share of, and no descriptor.
        let entry = unsafe { Sqe::new(opcode::FUTEX_WAIT) };
        let entry = entry.fd_number(self.word.flags().cast_signed()).address(self.word.address());
        let mask = ptr::without_provenance::<()>(self.mask as usize);
        sqes.push(entry.offset(self.expected.into()).address3(mask));
    }

    fn complete(self, outcome: Outcome<'_, Self>) -> io::Result<FutexEnd> {
        FutexEnd::of(outcome)
    }
}
