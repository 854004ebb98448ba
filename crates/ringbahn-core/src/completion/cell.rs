//! The meeting place of a future and the kernel's CQEs: the table of [`state`](super::state)
//! behind a lock.
//!
//! No foreign code runs under the lock. Wakers are cloned before it is taken and dropped or woken
//! after it is released, so a waker may panic, or poll the same future again inside `wake`.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Poll, Waker};

use smallvec::SmallVec;

use super::state::{Action, Input, State};
use crate::cancelling::Watch;
use crate::cqe::Cqe;
use crate::panics::contain_panic;
use crate::sharing::{Lock, Sharing};

/// The CQEs of one operation: one for most; of a multishot operation those that nobody has read
/// yet. Where there are more than one, as of a zero-copy send, they are apart from the record,
/// which so is no larger than most operations need.
pub(crate) type Cqes = SmallVec<[Cqe; 1]>;

/// The state, waker and CQEs of an operation in flight.
pub(crate) struct Cell<S: Sharing> {
    inner: S::Lock<Inner>,
}

struct Inner {
    state: State,
    /// Whether the operation may end cancelled though neither its future nor its driver has
    /// asked: somebody has submitted a cancel of it as an event of its own.
    forewarned: bool,
    /// Whom to wake; the future of the last poll that had to wait.
    waker: Option<Waker>,
    /// Who has asked for the operation's end, where that wants to know how it ended.
    watch: Option<Arc<Watch>>,
    /// How many CQEs may wait here before the operation is stopped.
    unread_max: u32,
    /// Every CQE so far that nobody has read, in the order of arrival.
    cqes: Cqes,
}

/// What a CQE after which there will be more asks of whoever reaped it.
#[derive(Debug)]
pub(crate) struct Progress {
    /// Wake the future.
    pub(crate) wake: Option<Waker>,
    /// Cancel the operation: its reader lags.
    pub(crate) stop: bool,
}

/// What the end of an operation asks of whoever reaped its last CQE.
#[derive(Debug)]
pub(crate) enum End {
    /// Wake the future, if it has left a waker.
    Wake(Option<Waker>),
    /// Take the event and run its cancellation callback, with these CQEs.
    Dispose(Cqes),
    /// Submit the event once more.
    Resubmit,
    /// Nothing: it had ended before.
    Nothing,
}

/// What the departure of a future asks of it.
#[derive(Debug)]
pub(crate) enum Departure {
    /// Ask the driver to cancel.
    Request,
    /// Take the event and run its cancellation callback, with these CQEs.
    Dispose(Cqes),
    /// Nothing.
    Nothing,
}

impl Inner {
    #[inline]
    fn step(&mut self, input: Input) -> Action {
        let (state, action) = self.state.on(input);
        self.state = state;
        action
    }
}

impl<S: Sharing> Cell<S> {
    /// The cell of an operation that a future waits for.
    ///
    /// Where more than `unread_max` CQEs come and nobody reads them, it is to be stopped.
    #[inline]
    pub(crate) fn new(unread_max: u32) -> Cell<S> {
        let inner = Inner {
            state: State::Running,
            forewarned: false,
            waker: None,
            watch: None,
            unread_max,
            cqes: Cqes::new(),
        };
        Cell { inner: S::Lock::new(inner) }
    }

    /// The future's poll: `Ready` means that the event is the caller's to take, and the CQEs. The
    /// only one is put into `only`; others are to be had from [`take_cqes`](Cell::take_cqes).
    #[inline]
    pub(crate) fn poll(&self, waker: &Waker, only: &mut Option<Cqe>) -> Poll<()> {
        self.wait(waker, |inner| match inner.step(Input::Poll) {
            Action::Take => {
                if inner.cqes.len() == 1 {
                    *only = inner.cqes.pop();
                }
                Poll::Ready(())
            }
            _ => Poll::Pending,
        })
    }

    /// All CQEs but an only one, for the one who got the event.
    pub(crate) fn take_cqes(&self) -> Cqes {
        std::mem::take(&mut self.inner.lock().cqes)
    }

    /// Makes the cell of an operation that has ended that of another one, not started yet. Yields
    /// the last waker, if one is left.
    #[must_use = "it is dropped when nobody minds a panic"]
    pub(crate) fn renew(&mut self, unread_max: u32) -> Option<Waker> {
        let inner = self.inner.get_mut();
        inner.state = State::Running;
        inner.forewarned = false;
        inner.unread_max = unread_max;
        inner.cqes.clear();
        inner.waker.take()
    }

    /// The CQE that arrived as number `index`; `None` when the operation ended with fewer.
    pub(crate) fn poll_cqe(&self, index: usize, waker: &Waker) -> Poll<Option<Cqe>> {
        self.wait(waker, |inner| match inner.cqes.get(index) {
            Some(cqe) => Poll::Ready(Some(*cqe)),
            None if matches!(inner.state, State::Finished | State::Gone) => Poll::Ready(None),
            None => Poll::Pending,
        })
    }

    /// Takes the first of the CQEs so far, as soon as there is one or the operation has ended, and
    /// moves those behind it to `unread`.
    #[inline]
    pub(crate) fn poll_unread(
        &self,
        waker: &Waker,
        unread: &mut VecDeque<Cqe>,
    ) -> Poll<Option<Cqe>> {
        self.wait(waker, |inner| match inner.cqes.len() {
            0 if matches!(inner.state, State::Finished | State::Gone) => Poll::Ready(None),
            0 => Poll::Pending,
            1 => Poll::Ready(inner.cqes.pop()),
            _ => {
                unread.extend(inner.cqes.drain(..));
                Poll::Ready(unread.pop_front())
            }
        })
    }

    /// Looks with `look`, and leaves `waker` where that is pending.
    // Always inlined: it is little beside the call, and each caller's look is its own.
    #[inline(always)]
    fn wait<T>(&self, waker: &Waker, mut look: impl FnMut(&mut Inner) -> Poll<T>) -> Poll<T> {
        {
            let mut inner = self.inner.lock();
            if let Poll::Ready(value) = look(&mut inner) {
                return Poll::Ready(value);
            }
            if inner.waker.as_ref().is_some_and(|known| known.will_wake(waker)) {
                return Poll::Pending;
            }
        }
        // The clone is the future's code, and may panic: nothing has changed yet.
        self.leave(waker.clone(), look)
    }

    /// Looks once more, with `look`, and leaves `waker` where that is still pending.
    fn leave<T>(&self, waker: Waker, look: impl FnOnce(&mut Inner) -> Poll<T>) -> Poll<T> {
        let mut inner = self.inner.lock();
        let looked = look(&mut inner);
        let unused = match looked {
            Poll::Ready(_) => Some(waker),
            Poll::Pending => inner.waker.replace(waker),
        };
        drop(inner);
        let_go(unused);
        looked
    }

    /// Keeps a CQE after which there will be more.
    pub(crate) fn progress(&self, cqe: Cqe) -> Progress {
        let mut inner = self.inner.lock();
        inner.cqes.push(cqe);
        let wake = match inner.step(Input::Progress) {
            Action::Wake => inner.waker.take(),
            _ => None,
        };
        let lags = inner.cqes.len() >= inner.unread_max as usize;
        let stop = lags && inner.step(Input::Cancel) == Action::Request;
        Progress { wake, stop }
    }

    /// The CQE by which the event is to say whether it wants to be submitted once more: the first
    /// one, of which `last` is the only one where none came before. `None` where it may not.
    #[inline]
    pub(crate) fn cqe_to_repeat(&self, last: &Cqe) -> Option<Cqe> {
        let inner = self.inner.lock();
        let may_repeat = inner.state.may_repeat() && !inner.forewarned;
        may_repeat.then(|| *inner.cqes.first().unwrap_or(last))
    }

    /// Whether somebody has asked for the operation's end.
    #[inline]
    pub(crate) fn is_cancelled(&self) -> bool {
        self.inner.lock().state.is_cancelled()
    }

    /// Whether the operation runs with nobody waiting for it.
    pub(crate) fn is_detached(&self) -> bool {
        self.inner.lock().state == State::Detached
    }

    /// The last CQE came, of an operation that does not want to be submitted once more. Yields the
    /// waker of the future that waits for it, if it has left one; `None` where that is not all
    /// there is to it, and [`end`](Cell::end) is to be asked.
    #[inline]
    pub(crate) fn finish(&self, cqe: &Cqe) -> Option<Option<Waker>> {
        let mut inner = self.inner.lock();
        // Somebody waits, and nobody has asked for the end.
        if inner.state != State::Running {
            return None;
        }
        let action = inner.step(Input::Finish);
        debug_assert_eq!(action, Action::Wake);
        inner.cqes.push(*cqe);
        Some(inner.waker.take())
    }

    /// The last CQE came. With `repeat` the event wants to be submitted once more, and is unless
    /// somebody has asked for its end meanwhile.
    ///
    /// Without a CQE it is the end of an operation that was to be submitted once more and has not
    /// been: the CQEs of before have been told to the event already.
    #[inline]
    pub(crate) fn end(&self, cqe: Option<&Cqe>, repeat: bool) -> End {
        let mut inner = self.inner.lock();
        let repeat = repeat && !inner.forewarned;
        let action = inner.step(if repeat { Input::Repeat } else { Input::Finish });
        match action {
            Action::Resubmit => inner.cqes.clear(),
            Action::Wake | Action::Dispose => {
                if let Some(cqe) = cqe {
                    inner.cqes.push(*cqe);
                }
            }
            _ => {}
        }
        // There is none while it may be repeated: it was set with the cancel.
        let watch = inner.watch.take();
        let stopped = watch.is_some() && inner.cqes.first().is_none_or(Cqe::has_not_run);
        let end = match action {
            Action::Resubmit => End::Resubmit,
            Action::Wake => End::Wake(inner.waker.take()),
            Action::Dispose => End::Dispose(std::mem::take(&mut inner.cqes)),
            _ => End::Nothing,
        };
        drop(inner);
        if let Some(watch) = watch {
            watch.note(stopped);
        }
        end
    }

    /// A cancel of the operation is on its way, as an event of its own.
    pub(crate) fn forewarn(&self) {
        self.inner.lock().forewarned = true;
    }

    /// Somebody asks for the operation's end. Says whether the driver is to be asked for it.
    pub(crate) fn cancel(&self) -> bool {
        self.inner.lock().step(Input::Cancel) == Action::Request
    }

    /// Asks for the operation's end as [`cancel`](Cell::cancel) does. Where the driver is to be
    /// asked, `watch` will be told how the operation has ended.
    pub(crate) fn cancel_watched(&self, watch: &Arc<Watch>) -> bool {
        let mut inner = self.inner.lock();
        let request = inner.step(Input::Cancel) == Action::Request;
        if request {
            inner.watch = Some(watch.clone());
        }
        request
    }

    /// The future goes and lets the operation run to its end.
    pub(crate) fn detach(&self) -> Departure {
        self.depart(Input::Detach)
    }

    /// The future goes.
    pub(crate) fn abandon(&self) -> Departure {
        self.depart(Input::Drop)
    }

    fn depart(&self, input: Input) -> Departure {
        let (departure, waker) = {
            let mut inner = self.inner.lock();
            let departure = match inner.step(input) {
                Action::Request => Departure::Request,
                Action::Dispose => Departure::Dispose(std::mem::take(&mut inner.cqes)),
                _ => Departure::Nothing,
            };
            (departure, inner.waker.take())
        };
        let_go(waker);
        departure
    }
}

/// Drops a waker. Should that panic, what the caller has just been given must not be lost with it,
/// so the panic ends here.
#[inline]
fn let_go(waker: Option<Waker>) {
    if waker.is_some() {
        contain_panic(|| drop(waker));
    }
}
