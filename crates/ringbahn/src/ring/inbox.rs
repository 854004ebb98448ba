//! [`Inbox`]: what abandoned receives have brought.

use std::io;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use ringbahn_core::event::Keep;
use ringbahn_core::{BufResult, IoBufMut, Slice};

use super::slot::lock;
use super::waiters::Waiters;

/// What abandoned receives have brought, and which of them are still under way.
///
/// A receive into the caller's buffer cannot stay in the handle as the reader's own do: nobody
/// knows the type of its buffer afterwards. So when its future is dropped it is cancelled, and
/// counts as abandoned until the kernel has ended with it; the bytes that it brings all the same
/// are kept here, and whoever reads next waits for that moment.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    state: Mutex<State>,
    waiters: Waiters,
}

#[derive(Debug, Default)]
struct State {
    /// The number of the next receive.
    next: u64,
    /// The abandoned receives that have not ended.
    abandoned: Vec<u64>,
    /// What the ended ones have brought, each with its number.
    kept: Vec<(u64, io::Result<Vec<u8>>)>,
}

impl Inbox {
    /// A ticket for a receive that is to be started.
    pub(crate) fn ticket(self: &Arc<Self>) -> Ticket {
        let mut state = lock(&self.state);
        let number = state.next;
        state.next += 1;
        Ticket { inbox: self.clone(), number }
    }

    /// Counts a receive as abandoned, until its ticket is dropped.
    pub(crate) fn abandon(&self, number: u64) {
        lock(&self.state).abandoned.push(number);
    }

    /// Waits until no abandoned receive is under way, and takes what they have brought, in the
    /// order in which they were started.
    pub(crate) fn poll_settled(&self, cx: &Context<'_>) -> Poll<Vec<io::Result<Vec<u8>>>> {
        for registered in [false, true] {
            let mut state = lock(&self.state);
            if state.abandoned.is_empty() {
                let mut kept = std::mem::take(&mut state.kept);
                drop(state);
                kept.sort_by_key(|(number, _)| *number);
                return Poll::Ready(kept.into_iter().map(|(_, result)| result).collect());
            }
            drop(state);
            if !registered {
                self.waiters.add(cx.waker());
            }
        }
        Poll::Pending
    }
}

/// Goes with a receive into its event, and is dropped when that has ended.
#[derive(Debug)]
pub(crate) struct Ticket {
    inbox: Arc<Inbox>,
    number: u64,
}

impl Ticket {
    pub(crate) fn number(&self) -> u64 {
        self.number
    }
}

impl<B: IoBufMut> Keep<BufResult<usize, B>> for Ticket {
    fn keep(self, (result, buffer): BufResult<usize, B>) {
        let kept = match result {
            // The end of the stream will be found again.
            Ok(0) => return,
            Ok(count) => {
                let bytes: Slice<B> = buffer.slice(..count);
                Ok(bytes.to_vec())
            }
            // It was stopped before it had received anything.
            Err(error) if error.raw_os_error() == Some(libc::ECANCELED) => return,
            Err(error) => Err(error),
        };
        lock(&self.inbox.state).kept.push((self.number, kept));
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let settled = {
            let mut state = lock(&self.inbox.state);
            let before = state.abandoned.len();
            state.abandoned.retain(|&number| number != self.number);
            state.abandoned.len() < before
        };
        if settled {
            self.inbox.waiters.wake_all();
        }
    }
}
