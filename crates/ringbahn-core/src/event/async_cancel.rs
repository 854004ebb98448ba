//! [`AsyncCancel`]: of another operation, by way of the queue.
#![allow(unsafe_code)]

use std::io;

use crate::event::Event;
use crate::operation::target::CancelTarget;
use crate::outcome::Outcome;
use crate::sqe::Sqes;

/// Cancels another operation on the same ring.
///
/// [`Submission::cancel`](crate::Submission::cancel) is what one usually wants: it waits for the
/// operation and gives everything back. This event only passes the request on, and tells what the
/// kernel answered; the operation's own future tells how it ended.
///
/// An event may be sent to another thread, which a target of a [`Local`](crate::Local) ring may
/// not. So it is of use on rings that threads share.
///
/// # Examples
///
/// ```no_run
/// # // Not run: this crate brings no driver to run it on.
/// use std::pin::pin;
/// use ringbahn_core::{Drive, Shared};
/// use ringbahn_core::event::{AsyncCancel, Nop};
///
/// # async fn example(driver: impl Drive<Sharing = Shared> + Clone) -> std::io::Result<()> {
/// let operation = pin!(driver.clone().submit(Nop));
/// if let Some(target) = operation.cancel_target() {
///     driver.submit(AsyncCancel::new(target)).await?;
/// }
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// `NotFound` where there is nothing to cancel: the operation has ended, is another ring's, or
/// has not started yet, such as the later part of a chain. An operation that has come to a point
/// where it cannot be stopped is told to stop all the same; that is no error.
///
/// # Cancellation
///
/// It takes no time worth cancelling.
///
/// # Kernel
///
/// Linux 5.5.
///
/// # References
///
/// [`io_uring_prep_cancel(3)`](https://man7.org/linux/man-pages/man3/io_uring_prep_cancel.3.html)
#[doc(alias = "IORING_OP_ASYNC_CANCEL")]
#[derive(Debug)]
pub struct AsyncCancel {
    target: CancelTarget,
}

impl AsyncCancel {
    /// A cancel of `target`.
    pub fn new(target: CancelTarget) -> AsyncCancel {
        AsyncCancel { target }
    }
}

impl Event for AsyncCancel {
    type Output = io::Result<()>;

    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        sqes.push_cancel(self.target.clone());
    }

    fn complete(self, outcome: Outcome<'_, Self>) -> io::Result<()> {
        match outcome.result() {
            Ok(_) => Ok(()),
            // On its way: a worker thread has been signalled.
            Err(error) if error.raw_os_error() == Some(libc::EALREADY) => Ok(()),
            Err(error) => Err(error),
        }
    }
}
