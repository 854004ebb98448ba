//! [`Ended`] and [`Resubmission`]: the two rights to an event that the kernel has given back.
//!
//! The first is the right to find out what becomes of it, the second that to submit it once more.
//! Who holds one holds the event, by O3 of [`operation`](super).
#![allow(unsafe_code)]

use super::{Ending, Operation};
use crate::cqe::Cqe;
use crate::panics::contain_panic;
use crate::sharing::{OperationShare, Shared, Sharing};
use crate::sqe::Sqes;

/// The proof that the kernel has ended with an operation: made by the table when it has seen the
/// last CQE, used up by [`Ended::run`].
///
/// Dropping it instead lets the future wait for ever, and harms nothing else.
pub(crate) struct Ended<S: Sharing> {
    /// `None` once it has been used up.
    operation: Option<OperationShare<S>>,
    cqe: Cqe,
}

impl<S: Sharing> Ended<S> {
    /// # Safety
    ///
    /// The kernel has posted the last CQE of every entry of the operation's one commit, and no
    /// other `Ended` is made of it.
    pub(super) unsafe fn new(operation: OperationShare<S>, cqe: Cqe) -> Ended<S> {
        Ended { operation: Some(operation), cqe }
    }

    /// The right itself; what is left here is used up.
    #[inline]
    pub(super) fn take(&mut self) -> Ended<S> {
        Ended { operation: self.operation.take(), cqe: self.cqe }
    }

    /// Whether the operation was stopped before it had done anything.
    #[inline]
    pub(super) fn has_not_run(&self) -> bool {
        self.cqe.has_not_run()
    }

    /// Completes, disposes of or repeats the operation. Runs code of the event and of wakers.
    ///
    /// Says whether its result was disposed of, or yields it where it wants to go round again. A
    /// second call finds nothing left to do.
    #[inline]
    pub(crate) fn run(&mut self) -> Result<Option<Disposed>, Resubmission<S>> {
        let Some(operation) = self.operation.take() else { return Ok(None) };
        // SAFETY: O3: this is the operation's `Ended`, which nothing is left of.
        match unsafe { operation.end(&self.cqe) } {
            Ending::Finished => Ok(None),
            Ending::Disposed => Ok(Some(Disposed { counted_as: operation.header().counted_as() })),
            Ending::Again(sqes) => Err(Resubmission { operation, sqes }),
        }
    }
}

/// A result that was disposed of.
pub(crate) struct Disposed {
    /// The opcode of its operation, where the ring counts by opcode.
    pub(super) counted_as: Option<u8>,
}

/// An operation that has ended without being done, and wants to be submitted once more.
///
/// A driver gets these from [`Batch::run`](crate::Batch::run), finds room in its queue and gives
/// them to [`Reservation::resubmit`](crate::Reservation::resubmit). Dropping one ends the
/// operation as cancelled.
pub struct Resubmission<S: Sharing = Shared> {
    operation: OperationShare<S>,
    sqes: Sqes<'static>,
}

impl<S: Sharing> Resubmission<S> {
    /// How many free places of the submission queue it needs.
    pub fn sqes_needed(&self) -> u32 {
        self.sqes.entries().len() as u32
    }

    /// Whether nobody wants it to be repeated any more; dropping it is then all there is to do.
    pub fn is_cancelled(&self) -> bool {
        self.operation.header().cell.is_cancelled()
    }

    /// Ends the operation as cancelled, unless it has been committed or ended before. Says whether
    /// its waker or its event panicked at that; the panic goes no further, since it is the affair
    /// of neither the driver nor other operations.
    pub fn give_up(&mut self) -> bool {
        // A committed one has left its entries behind.
        if self.sqes.take_entries().count() == 0 {
            return false;
        }
        contain_panic(|| {
            // SAFETY: O3: this is the operation's `Resubmission`, and without its entries it will
            // neither be committed nor get here again.
            unsafe { self.operation.give_up() };
        })
    }

    pub(crate) fn operation(&self) -> &OperationShare<S> {
        &self.operation
    }

    pub(crate) fn sqes_mut(&mut self) -> &mut Sqes<'static> {
        &mut self.sqes
    }
}

impl<S: Sharing> Drop for Resubmission<S> {
    fn drop(&mut self) {
        self.give_up();
    }
}

impl<S: Sharing> std::fmt::Debug for Resubmission<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Resubmission").field("sqes", &self.sqes).finish_non_exhaustive()
    }
}
