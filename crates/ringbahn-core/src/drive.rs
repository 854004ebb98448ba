//! [`Drive`]: what manages an io_uring instance, or stands in for one.

use std::io;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::attempt::{Attempt, Served};
use crate::cancelling::Cancelling;
use crate::event::Event;
use crate::multishot::Multishot;
use crate::multishot::event::MultiEvent;
use crate::operation::target::CancelTarget;
use crate::reservation::Reservation;
use crate::selection::Selection;
use crate::sharing::Sharing;
use crate::submission::Submission;

/// Manages an io_uring instance, onto which events are scheduled.
///
/// A driver is what users replace to take control over how their IO is scheduled. It is written
/// in safe code, upon queue halves that it cannot misuse: a driver that forgets to submit, drops
/// what it is given or never reaps makes operations hang or leak, and never makes them unsound.
///
/// A driver is usually a cheap handle, cloned for each submission.
///
/// # What a driver owes
///
/// 1. *Room.* [`poll_prepare`](Drive::poll_prepare) finds free places in the submission queue
///    and calls `prepare` with them, or returns `Pending` and wakes the task when it is worth
///    another try. It never blocks.
/// 2. *Submission.* Whatever has been prepared reaches the kernel: with the next
///    [`poll_submit`](Drive::poll_submit), or earlier, or later, but also if the task is never
///    polled again. An error of `io_uring_enter` is the driver's affair and no operation's.
/// 3. *Reaping.* CQEs are read, and their [`Batch`](crate::Batch) is run, soon after the kernel
///    has posted them, whoever is or is not polling. What [`Batch::run`](crate::Batch::run)
///    leaves behind is submitted: operations once more, cancels, and cancels that missed.
/// 4. *Cancels.* [`cancel`](Drive::cancel) gets a cancel to the kernel, sooner or later.
/// 5. *Quiet.* No waker and no event is called, cloned or dropped under a lock or borrow that
///    another method of the driver takes.
/// 6. *Teardown.* A driver that goes away cancels what is in flight and reaps until nothing is.
pub trait Drive {
    /// Whether threads share the operations of the driver's ring. It is that of its queues:
    /// [`Shared`](crate::Shared), unless they were made for one thread only.
    type Sharing: Sharing;

    /// Readies `count` places in the submission queue, next to each other, and has them filled.
    ///
    /// `prepare` runs no foreign code, so it may be called under the driver's lock. It must be
    /// called with a reservation of at least `count` places; with fewer, the operation fails.
    /// The receipt `Completion<'cx>` is made by that call only, and its lifetime, that of this
    /// context and no other, keeps a driver from returning one of another call.
    ///
    /// # Errors
    ///
    /// When no event can be accepted any more: io_uring is not available, the driver has been
    /// shut down, its ring is dead, or it belongs to the parent process. The event fails with
    /// this error; its operands are given back in its output.
    fn poll_prepare<'cx>(
        self: Pin<&mut Self>,
        cx: &mut Context<'cx>,
        count: u32,
        prepare: impl FnOnce(Reservation<'_, Self::Sharing>, &mut Context<'cx>) -> Completion<'cx>,
    ) -> Poll<io::Result<Completion<'cx>>>;

    /// Submits what has been prepared, and yields how many entries the kernel took.
    ///
    /// A driver that knows a better moment, as when other tasks are about to prepare more, may
    /// return `Ready(Ok(0))` and submit later. `Pending` means that the task is to call again.
    ///
    /// # Errors
    ///
    /// What the system call failed with. It says nothing of any operation: all that is prepared
    /// stays in flight and goes out with a later call.
    fn poll_submit(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<u32>>;

    /// Sees to it that the operation is cancelled, if it is still in flight. Never blocks.
    ///
    /// Called when a submission is dropped, so it must not fail; where there is no room at the
    /// moment, the driver keeps the target for later.
    fn cancel(self: Pin<&mut Self>, target: CancelTarget<Self::Sharing>);

    /// Tells all operations in flight that `selection` names to stop, and yields what will become
    /// of them. Never blocks.
    ///
    /// A driver has its table mark them with [`OperationTable::cancel_selected`], and gets the
    /// cancels to the kernel, as in [`cancel`](Drive::cancel).
    ///
    /// [`OperationTable::cancel_selected`]: crate::OperationTable::cancel_selected
    ///
    /// # Errors
    ///
    /// `Unsupported`, which is what a driver says that does not provide this method. Where the
    /// operations are those of the parent process, the error of a forked child.
    fn cancel_selected(self: Pin<&mut Self>, selection: &Selection) -> io::Result<Cancelling> {
        let _ = selection;
        let message = "the driver cannot cancel several operations at once; cancel each of them";
        Err(io::Error::new(io::ErrorKind::Unsupported, message))
    }

    /// Serves an operation at once, without the ring, where that can be done and is worth it.
    ///
    /// Asked before [`poll_prepare`](Drive::poll_prepare), once for each try to submit an operation
    /// of one entry. It must not block. `None`, which is what a driver says that does not provide
    /// this method, leaves the operation to the ring.
    ///
    /// Asked as well for receives and sends that name memory of a caller who expects them not to
    /// wait ([`Attempt::is_expected`]): what reads and writes by the traits copies nothing then.
    fn attempt<'a>(self: Pin<&mut Self>, attempt: Attempt<'a>) -> Option<Served<'a>> {
        let _ = attempt;
        None
    }

    /// The future that runs `event` on this driver.
    fn submit<E: Event>(self, event: E) -> Submission<E, Self>
    where
        Self: Sized,
    {
        Submission::new(event, self)
    }

    /// The stream of what `event` yields on this driver.
    fn stream<M: MultiEvent>(self, event: M) -> Multishot<M, Self>
    where
        Self: Sized,
    {
        Multishot::new(event, self)
    }
}

/// The receipt for one operation that was prepared within one call of
/// [`Drive::poll_prepare`].
///
/// Its lifetime is invariant: a receipt of one call is of another type than that of the next.
/// Submissions do not rely on it for more than it can prove; they know by themselves whether
/// their closure has run.
#[derive(Debug)]
pub struct Completion<'cx> {
    committed: bool,
    brand: PhantomData<fn(&'cx ()) -> &'cx ()>,
}

impl Completion<'_> {
    pub(crate) fn new(committed: bool) -> Self {
        Completion { committed, brand: PhantomData }
    }

    /// Whether the operation has been committed to the queue. One that was refused has filled no
    /// place, and its future knows why: there were fewer places than it needs, or what it names is
    /// [of another ring](crate::ForeignRing).
    pub fn is_committed(&self) -> bool {
        self.committed
    }
}
