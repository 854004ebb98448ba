//! [`Slot`]: the place for the one operation that a handle keeps in flight for one direction.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};

use ringbahn_core::{Cancelled, Drive, Event, Submission};

use super::waiters::Waiters;

/// The place for the one operation that a handle keeps in flight for one direction.
///
/// Of a direction that a handle does not use it takes no memory: operations lie in boxes.
///
/// The poll functions have the handle to themselves and use a slot as it is. Methods that take
/// `&self` reach it by [`poll_settled`], which holds no lock while it polls.
#[derive(Debug)]
pub(crate) struct Slot<E: Event, D: Drive> {
    operation: Option<Box<Submission<E, D>>>,
    /// The operation of before, whose memory serves for the next one.
    spare: Option<Box<Submission<E, D>>>,
    /// Whether somebody is polling the operation outside of the lock at this moment.
    borrowed: bool,
    /// Those who wait, where they may be several.
    waiters: Option<Arc<Waiters>>,
}

impl<E: Event, D: Drive + Unpin> Slot<E, D> {
    /// An empty slot. `shared` says whether several tasks may wait for its operation.
    pub(crate) fn new(shared: bool) -> Slot<E, D> {
        Slot { operation: None, spare: None, borrowed: false, waiters: shared.then(Arc::default) }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.operation.is_none()
    }

    /// Fills the slot, which is empty.
    pub(crate) fn start(&mut self, event: E, driver: &D)
    where
        D: Clone,
    {
        debug_assert!(self.operation.is_none());
        self.operation = Some(match self.spare.take() {
            Some(mut spare) => {
                Pin::new(&mut *spare).restart(event);
                spare
            }
            None => Box::new(driver.clone().submit(event)),
        });
    }

    /// Waits for the operation, if there is one, and yields its output.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<E::Output>> {
        let Some(operation) = &mut self.operation else { return Poll::Ready(None) };
        let output = match &self.waiters {
            None => ready!(Pin::new(&mut **operation).poll(cx)),
            Some(waiters) => {
                let waker = waiters.joined(cx.waker());
                ready!(Pin::new(&mut **operation).poll(&mut Context::from_waker(&waker)))
            }
        };
        self.end();
        Poll::Ready(Some(output))
    }

    /// Stops the operation, if there is one, and yields its output where it has completed.
    pub(crate) fn poll_cancel(&mut self, cx: &mut Context<'_>) -> Poll<Option<E::Output>> {
        let Some(operation) = &mut self.operation else { return Poll::Ready(None) };
        let output = match &self.waiters {
            None => ready!(Pin::new(&mut **operation).poll_cancel(cx)),
            Some(waiters) => {
                let waker = waiters.joined(cx.waker());
                ready!(Pin::new(&mut **operation).poll_cancel(&mut Context::from_waker(&waker)))
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
    /// With them comes how many bytes have been moved all the same, without the driver's queue.
    pub(crate) fn launch(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Result<Option<E::Output>, (E::Output, usize)> {
        let Some(operation) = &mut self.operation else { return Ok(None) };
        let mut operation = Pin::new(&mut **operation);
        let mut output = operation.as_mut().poll(cx);
        let done = operation.done_before_admission() as usize;
        if output.is_pending()
            && !operation.is_in_flight()
            && let Poll::Ready(stopped) = operation.as_mut().poll_cancel(cx)
        {
            self.operation = None;
            return Err((stopped.into_inner(), done));
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
        self.spare = self.operation.take();
        if let Some(waiters) = &self.waiters {
            waiters.wake_all();
        }
    }

    /// Lets the operation run to its end with nobody waiting.
    pub(crate) fn detach(&mut self) {
        if let Some(mut operation) = self.operation.take() {
            Pin::new(&mut *operation).detach();
        }
    }
}

/// One direction of a handle: a slot, and what becomes of its outputs.
pub(crate) trait Side {
    type Event: Event;
    type Driver: Drive + Unpin;

    fn slot(&mut self) -> &mut Slot<Self::Event, Self::Driver>;

    fn settle(&mut self, output: <Self::Event as Event>::Output);
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
    operation: Option<Box<Submission<S::Event, S::Driver>>>,
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
        Some(operation) => Pin::new(&mut **operation).poll(&mut shared_cx),
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
