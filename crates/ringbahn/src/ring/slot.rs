//! [`Slot`]: the place for the one operation that a handle keeps in flight for one direction.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};

use ringbahn_core::{Cancelled, Drive, Event, Submission};

use super::waiters::Waiters;

/// An operation of one of two kinds, with the same output: that of a file or of a socket.
#[derive(Debug)]
pub enum Operation<F: Event, S: Event<Output = F::Output>, D: Drive> {
    /// On a file.
    File(Submission<F, D>),
    /// On a socket.
    Socket(Submission<S, D>),
}

impl<F: Event, S: Event<Output = F::Output>, D: Drive + Unpin> Operation<F, S, D> {
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<F::Output> {
        match self {
            Operation::File(submission) => Pin::new(submission).poll(cx),
            Operation::Socket(submission) => Pin::new(submission).poll(cx),
        }
    }

    fn poll_cancel(&mut self, cx: &mut Context<'_>) -> Poll<Cancelled<F::Output>> {
        match self {
            Operation::File(submission) => Pin::new(submission).poll_cancel(cx),
            Operation::Socket(submission) => Pin::new(submission).poll_cancel(cx),
        }
    }

    /// Whether the driver has taken it.
    pub(crate) fn is_in_flight(&self) -> bool {
        match self {
            Operation::File(submission) => submission.cancel_target().is_some(),
            Operation::Socket(submission) => submission.cancel_target().is_some(),
        }
    }

    fn detach(self) {
        match self {
            Operation::File(mut submission) => Pin::new(&mut submission).detach(),
            Operation::Socket(mut submission) => Pin::new(&mut submission).detach(),
        }
    }
}

/// The place for the one operation that a handle keeps in flight for one direction.
///
/// The poll functions have the handle to themselves and use a slot as it is. Methods that take
/// `&self` reach it by [`poll_settled`], which holds no lock while it polls.
#[derive(Debug)]
pub(crate) struct Slot<F: Event, S: Event<Output = F::Output>, D: Drive> {
    operation: Option<Operation<F, S, D>>,
    /// Whether somebody is polling the operation outside of the lock at this moment.
    borrowed: bool,
    /// Those who wait, where they may be several.
    waiters: Option<Arc<Waiters>>,
}

impl<F: Event, S: Event<Output = F::Output>, D: Drive + Unpin> Slot<F, S, D> {
    /// An empty slot. `shared` says whether several tasks may wait for its operation.
    pub(crate) fn new(shared: bool) -> Slot<F, S, D> {
        Slot { operation: None, borrowed: false, waiters: shared.then(Arc::default) }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.operation.is_none()
    }

    /// Fills the slot, which is empty.
    pub(crate) fn start(&mut self, operation: Operation<F, S, D>) {
        debug_assert!(self.operation.is_none());
        self.operation = Some(operation);
    }

    /// Waits for the operation, if there is one, and yields its output.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<F::Output>> {
        let Some(operation) = &mut self.operation else { return Poll::Ready(None) };
        let output = match &self.waiters {
            None => ready!(operation.poll(cx)),
            Some(waiters) => {
                let waker = waiters.joined(cx.waker());
                ready!(operation.poll(&mut Context::from_waker(&waker)))
            }
        };
        self.end();
        Poll::Ready(Some(output))
    }

    /// Stops the operation, if there is one, and yields its output where it has completed.
    pub(crate) fn poll_cancel(&mut self, cx: &mut Context<'_>) -> Poll<Option<F::Output>> {
        let Some(operation) = &mut self.operation else { return Poll::Ready(None) };
        let output = match &self.waiters {
            None => ready!(operation.poll_cancel(cx)),
            Some(waiters) => {
                let waker = waiters.joined(cx.waker());
                ready!(operation.poll_cancel(&mut Context::from_waker(&waker)))
            }
        };
        self.end();
        Poll::Ready(match output {
            Cancelled::Completed(output) => Some(output),
            Cancelled::Cancelled(_) => None,
        })
    }

    /// Polls an operation that was started a moment ago, for a task that will not wait for it.
    ///
    /// `Err` where the driver has no room for it: then it has not started, the slot is empty again,
    /// and the task will be woken when it is worth another try. Its operands are in the output.
    pub(crate) fn launch(&mut self, cx: &mut Context<'_>) -> Result<Option<F::Output>, F::Output> {
        let Some(operation) = &mut self.operation else { return Ok(None) };
        let mut output = operation.poll(cx);
        if output.is_pending()
            && !operation.is_in_flight()
            && let Poll::Ready(stopped) = operation.poll_cancel(cx)
        {
            self.operation = None;
            return Err(stopped.into_inner());
        }
        if output.is_pending() {
            // Takes the task's waker out again, which would wake it for nothing.
            output = operation.poll(&mut Context::from_waker(Waker::noop()));
        }
        match output {
            Poll::Pending => Ok(None),
            Poll::Ready(output) => {
                self.end();
                Ok(Some(output))
            }
        }
    }

    /// The operation has ended. Others who wait for it have a look.
    fn end(&mut self) {
        self.operation = None;
        if let Some(waiters) = &self.waiters {
            waiters.wake_all();
        }
    }

    /// Lets the operation run to its end with nobody waiting.
    pub(crate) fn detach(&mut self) {
        if let Some(operation) = self.operation.take() {
            operation.detach();
        }
    }
}

/// One direction of a handle: a slot, and what becomes of its outputs.
pub(crate) trait Side {
    type File: Event;
    type Socket: Event<Output = <Self::File as Event>::Output>;
    type Driver: Drive + Unpin;

    fn slot(&mut self) -> &mut Slot<Self::File, Self::Socket, Self::Driver>;

    fn settle(&mut self, output: <Self::File as Event>::Output);
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // No foreign code runs under these locks, so poison says nothing.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn get_mut<T>(mutex: &mut Mutex<T>) -> &mut T {
    mutex.get_mut().unwrap_or_else(PoisonError::into_inner)
}

/// The operation of a side that is being polled outside of the lock. It goes back when this does.
struct Borrowed<'a, S: Side> {
    side: &'a Mutex<S>,
    operation: Option<Operation<S::File, S::Socket, S::Driver>>,
}

impl<S: Side> Drop for Borrowed<'_, S> {
    fn drop(&mut self) {
        let mut side = lock(self.side);
        let slot = side.slot();
        slot.borrowed = false;
        slot.operation = self.operation.take();
    }
}

/// Waits until a side has nothing in flight, for one of several who hold `&self`.
pub(crate) fn poll_settled<S: Side>(side: &Mutex<S>, cx: &mut Context<'_>) -> Poll<()> {
    let mut guard = lock(side);
    let slot = guard.slot();
    if slot.borrowed {
        drop(guard);
        // Another thread is polling at this moment; it will not take long.
        cx.waker().wake_by_ref();
        return Poll::Pending;
    }
    let Some(operation) = slot.operation.take() else { return Poll::Ready(()) };
    slot.borrowed = true;
    let waiters = slot.waiters.get_or_insert_default().clone();
    drop(guard);
    let mut borrowed = Borrowed { side, operation: Some(operation) };
    let waker = waiters.joined(cx.waker());
    let mut shared_cx = Context::from_waker(&waker);
    let polled = match &mut borrowed.operation {
        Some(operation) => operation.poll(&mut shared_cx),
        None => return Poll::Ready(()),
    };
    let Poll::Ready(output) = polled else { return Poll::Pending };
    borrowed.operation = None;
    // The output is there before the slot is free, so nobody finds it empty too early.
    lock(side).settle(output);
    drop(borrowed);
    waiters.wake_all();
    Poll::Ready(())
}
