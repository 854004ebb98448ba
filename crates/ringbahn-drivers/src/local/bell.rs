//! [`Bell`]: the operation by which other threads end the sleep of a local driver.
//!
//! # Safety
//!
//! L1. The entry of a bell is that of the read within, and the bell is touched as little as its
//!     read may be: it has nothing else that the kernel knows of.
#![allow(unsafe_code)]

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use ringbahn_core::event::{Position, Read};
use ringbahn_core::{
    CancelTarget, Completion, Drive, Event, Local, Outcome, Reservation, SharedFd, Sqes,
};

use super::core::{Core, State};
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

impl Core {
    /// Sees to it that others can wake a thread that sleeps in the ring. `false` where the bell
    /// cannot be hung up now.
    pub(super) fn hang_up_bell(&self) -> bool {
        let hung_up = |state: &State| state.bell.is_some() && state.refusal.is_none();
        if hung_up(&self.state()) {
            return true;
        }
        let mut bell = std::pin::pin!(self.submit(Bell::new(&self.parker)));
        // It is the driver's own and waits for nobody.
        let polled = bell.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        let Some(target) = bell.cancel_target().filter(|_| polled.is_pending()) else {
            return false;
        };
        bell.detach();
        self.ring.table().disregard(&target);
        let mut state = self.state();
        state.counters.submitted -= 1;
        state.bell = Some(target);
        true
    }
}

/// The driver as it submits its own bell.
impl Drive for &Core {
    type Sharing = Local;

    fn poll_prepare<'cx>(
        self: Pin<&mut Self>,
        cx: &mut Context<'cx>,
        count: u32,
        prepare: impl FnOnce(Reservation<'_, Local>, &mut Context<'cx>) -> Completion<'cx>,
    ) -> Poll<io::Result<Completion<'cx>>> {
        Core::poll_prepare(*self, cx, count, prepare)
    }

    fn poll_submit(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<u32>> {
        Poll::Ready(Ok(0))
    }

    fn cancel(self: Pin<&mut Self>, target: CancelTarget<Local>) {
        Core::cancel(*self, target);
    }
}
