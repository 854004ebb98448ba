//! [`Bell`]: the operation by which other threads end the sleep of a local driver.
//!
//! # Safety
//!
//! L1. The entry of a bell is that of the read within, and the bell is touched as little as its
//!     read may be: it has nothing else that the kernel knows of.
#![allow(unsafe_code)]

use std::sync::Arc;

use ringbahn_core::event::{Position, Read};
use ringbahn_core::{Event, Outcome, SharedFd, Sqes};

use super::parker::Parker;

/// A read of the parker's eventfd that is submitted again and again, until it is cancelled.
///
/// While it is in flight a thread that sleeps in `io_uring_enter` is woken by a write to the
/// eventfd. Nobody waits for its output.
pub(super) struct Bell {
    read: Read<[u8; 8]>,
    parker: Arc<Parker>,
}

impl Bell {
    pub(super) fn new(parker: &Arc<Parker>) -> Bell {
        let read = Read::new(SharedFd::new(parker.clone()), [0; 8], Position::Current);
        Bell { read, parker: parker.clone() }
    }
}

impl Event for Bell {
    type Output = ();

    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        // SAFETY: L1; our caller has promised of the bell what the read asks of its caller.
        unsafe { self.read.prepare(sqes) };
    }

    fn complete(self, _outcome: Outcome<'_, Self>) {}

    fn resubmit(&mut self, _outcome: &Outcome<'_, Self>) -> bool {
        self.parker.note_ring()
    }
}
