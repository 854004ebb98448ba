//! [`Inbox`]: what abandoned receives have brought.

use std::io;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use ringbahn_core::Event;
use ringbahn_core::event::{Keep, Received};

use super::receive::Reception;
use super::slot::lock;
use super::waiters::Waiters;

/// What one abandoned receive has brought.
#[derive(Debug)]
pub struct Kept {
    pub(crate) bytes: Vec<u8>,
    /// Who has sent it, where it is a datagram, and what came along.
    pub(crate) received: Received,
}

impl Kept {
    /// Nothing but bytes.
    pub(crate) fn bytes(bytes: Vec<u8>) -> Kept {
        Kept { bytes, received: Received::default() }
    }
}

/// What abandoned receives have brought, and which of them are still under way.
///
/// A receive into the caller's buffer cannot stay in the handle as the reader's own do: nobody
/// knows the type of its buffer afterwards. So when its future is dropped it is cancelled, and
/// counts as abandoned until the kernel has ended with it; what it brings all the same is kept
/// here, and whoever reads next waits for that moment.
///
/// Nothing may lie here while somebody waits in the kernel for the like of it. So the receives in
/// flight tell here that they wait, and one of them is woken for what is kept.
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
    kept: Vec<(u64, io::Result<Kept>)>,
    /// The receives in flight whose tasks sleep.
    waiting: Vec<(u64, Waker)>,
}

impl State {
    /// The next one who waits, if there is something for it.
    fn heir(&mut self) -> Option<Waker> {
        let something = !self.kept.is_empty() && !self.waiting.is_empty();
        something.then(|| self.waiting.swap_remove(0).1)
    }
}

impl Inbox {
    /// A ticket for a receive that is to be started.
    pub(crate) fn ticket<R>(self: &Arc<Self>) -> Ticket<R> {
        let mut state = lock(&self.state);
        let number = state.next;
        state.next += 1;
        Ticket { inbox: self.clone(), number, reception: PhantomData }
    }

    /// Tells that a receive in flight waits, unless something is kept: then `true`.
    pub(crate) fn wait(&self, number: u64, waker: &Waker) -> bool {
        let waker = waker.clone();
        let mut state = lock(&self.state);
        if !state.kept.is_empty() {
            return true;
        }
        let place = state.waiting.iter_mut().find(|(other, _)| *other == number);
        let former = match place {
            Some((_, place)) => Some(std::mem::replace(place, waker)),
            None => {
                state.waiting.push((number, waker));
                None
            }
        };
        drop(state);
        drop(former);
        false
    }

    /// Takes it that a receive waits no longer.
    pub(crate) fn leave(&self, number: u64) {
        self.go(number, false);
    }

    /// Counts a receive as abandoned, until its ticket is dropped.
    pub(crate) fn abandon(&self, number: u64) {
        self.go(number, true);
    }

    fn go(&self, number: u64, abandoned: bool) {
        let (own, heir) = {
            let mut state = lock(&self.state);
            if abandoned {
                state.abandoned.push(number);
            }
            let own = state.waiting.iter().position(|(other, _)| *other == number);
            let own = own.map(|index| state.waiting.swap_remove(index));
            // What this one was woken for, if it was, is the next one's.
            (own, state.heir())
        };
        drop(own);
        if let Some(heir) = heir {
            heir.wake();
        }
    }

    /// Waits until no abandoned receive is under way, and takes what they have brought, in the
    /// order in which they were started.
    pub(crate) fn poll_settled(&self, cx: &Context<'_>) -> Poll<Vec<io::Result<Kept>>> {
        self.poll_take(usize::MAX, cx)
    }

    /// Waits until no abandoned receive is under way, and takes the first thing that they have
    /// brought.
    pub(crate) fn poll_next(&self, cx: &Context<'_>) -> Poll<Option<io::Result<Kept>>> {
        self.poll_take(1, cx).map(|mut kept| kept.pop())
    }

    fn poll_take(&self, most: usize, cx: &Context<'_>) -> Poll<Vec<io::Result<Kept>>> {
        for registered in [false, true] {
            let mut state = lock(&self.state);
            if state.abandoned.is_empty() {
                state.kept.sort_by_key(|(number, _)| *number);
                let count = most.min(state.kept.len());
                let kept: Vec<_> = state.kept.drain(..count).collect();
                return Poll::Ready(kept.into_iter().map(|(_, result)| result).collect());
            }
            drop(state);
            if !registered {
                self.waiters.add(cx.waker());
            }
        }
        Poll::Pending
    }

    /// Puts something in front of all else.
    pub(crate) fn put_back(&self, kept: Kept) {
        let heir = {
            let mut state = lock(&self.state);
            state.kept.insert(0, (0, Ok(kept)));
            state.heir()
        };
        if let Some(heir) = heir {
            heir.wake();
        }
    }
}

/// Goes with a receive into its event, and is dropped when that has ended.
#[derive(Debug)]
pub(crate) struct Ticket<R> {
    inbox: Arc<Inbox>,
    number: u64,
    reception: PhantomData<fn() -> R>,
}

impl<R> Ticket<R> {
    pub(crate) fn number(&self) -> u64 {
        self.number
    }
}

impl<R: Reception> Keep<<R::Event as Event>::Output> for Ticket<R> {
    fn keep(self, output: <R::Event as Event>::Output) {
        let kept = match R::keep(output) {
            // The end of the stream will be found again.
            Ok(kept) if !R::DATAGRAM && kept.bytes.is_empty() => return,
            // It was stopped before it had received anything.
            Err(error) if error.raw_os_error() == Some(libc::ECANCELED) => return,
            kept => kept,
        };
        lock(&self.inbox.state).kept.push((self.number, kept));
    }
}

impl<R> Drop for Ticket<R> {
    fn drop(&mut self) {
        let (settled, heir) = {
            let mut state = lock(&self.inbox.state);
            let before = state.abandoned.len();
            state.abandoned.retain(|&number| number != self.number);
            (state.abandoned.len() < before, state.heir())
        };
        if settled {
            self.inbox.waiters.wake_all();
        }
        if let Some(heir) = heir {
            heir.wake();
        }
    }
}
