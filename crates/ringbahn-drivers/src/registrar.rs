//! [`Registrar`]: what a ring can be told while it runs.
//!
//! | topic | methods |
//! |---|---|
//! | threads of the kernel that do what cannot wait | [`worker_limits`](Registrar::worker_limits), [`limit_workers`](Registrar::limit_workers), [`bind_workers`](Registrar::bind_workers), [`unbind_workers`](Registrar::unbind_workers) |
//! | polling of network cards | [`set_napi`](Registrar::set_napi), [`clear_napi`](Registrar::clear_napi), [`add_napi_queue`](Registrar::add_napi_queue), [`remove_napi_queue`](Registrar::remove_napi_queue) |
//! | credentials | [`register_personality`](Registrar::register_personality) |
//! | buffers and files | [`clone_buffers`](Registrar::clone_buffers), [`choose_slots`](Registrar::choose_slots), [`buffers_taken`](Registrar::buffers_taken) |
//! | waits | [`set_clock`](Registrar::set_clock), [`notify`](Registrar::notify) |
//! | operations | [`cancel_now`](Registrar::cancel_now) |
//! | the ring itself | [`resize`](Registrar::resize) |
//!
//! Each method fails with `Unsupported` where the fallback executes the operations, and in a forked
//! child; with [`Lacking`](crate::Lacking) inside where the kernel is too old. None of it is needed
//! for anything to work. [`tuning`](crate::tuning) lists all that a ring can be asked for.

use std::fmt;
use std::io;
use std::os::fd::BorrowedFd;

use ringbahn_core::{CancelTarget, Shared, Sharing};

mod cancel_now;
mod clock;
mod clone_buffers;
mod groups_and_slots;
pub(crate) mod lacking;
mod napi;
mod notice;
mod personality;
mod workers;

pub use cancel_now::CancelledNow;
pub use clock::WaitClock;
pub use napi::{Napi, NapiTracking};
pub use notice::{Notice, Notify};
pub use workers::WorkerLimits;

use crate::RingHandle;
use lacking::explain;

/// What a ring can be told while it runs; got from a driver.
///
/// # Examples
///
/// ```
/// use ringbahn_drivers::SharedDriver;
///
/// # fn main() -> std::io::Result<()> {
/// # let Ok(driver) = SharedDriver::new() else { return Ok(()) };
/// match driver.registrar().worker_limits() {
///     Ok(limits) => println!("at most {} threads for files", limits.bounded),
///     Err(error) => println!("nobody can tell: {error}"),
/// }
/// # Ok(())
/// # }
/// ```
pub struct Registrar<'a, S: Sharing = Shared> {
    ring: &'a RingHandle<S>,
    driver: &'a dyn Tuned<S>,
}

/// What a registrar needs of a driver.
pub(crate) trait Tuned<S: Sharing> {
    /// Gives the ring queues of these sizes.
    ///
    /// # Errors
    ///
    /// As [`Registrar::resize`].
    fn resize(&self, sizes: (u32, u32)) -> io::Result<()>;

    /// # Errors
    ///
    /// `Unsupported` where nobody sees to cancels.
    fn check_cancels(&self) -> io::Result<()> {
        Ok(())
    }

    /// Sees to operations whose end has been asked for: `called` of them in all, of which `left`
    /// have yet to be cancelled.
    fn see_to_cancels(&self, called: usize, left: Vec<CancelTarget<S>>);
}

/// A ring whose driver is not one of ringbahn's.
struct Foreign;

impl<S: Sharing> Tuned<S> for Foreign {
    fn resize(&self, _sizes: (u32, u32)) -> io::Result<()> {
        let message = "the halves of the queues are the driver's: it calls RingHandle::resize";
        Err(io::Error::new(io::ErrorKind::Unsupported, message))
    }

    fn check_cancels(&self) -> io::Result<()> {
        let message = "what is left of the cancels is the driver's: call its cancel_selected";
        Err(io::Error::new(io::ErrorKind::Unsupported, message))
    }

    fn see_to_cancels(&self, _called: usize, _left: Vec<CancelTarget<S>>) {}
}

impl<S: Sharing> RingHandle<S> {
    /// What the ring can be told while it runs, but for what needs its driver: to resize it, which
    /// [`RingHandle::resize`] does for one who has its halves, and to cancel.
    pub fn registrar(&self) -> Registrar<'_, S> {
        Registrar { ring: self, driver: &Foreign }
    }
}

impl<'a, S: Sharing> Registrar<'a, S> {
    pub(crate) fn new(ring: &'a RingHandle<S>, driver: &'a dyn Tuned<S>) -> Registrar<'a, S> {
        Registrar { ring, driver }
    }

    /// Gives the ring a submission queue with room for `entries` entries and a completion queue
    /// with room for `completion_entries`, both rounded up to powers of two. What is in flight
    /// stays so.
    ///
    /// Many connections may come to want a larger completion queue, and few may do with a smaller
    /// one, of which less has to be looked at and locked in memory.
    ///
    /// # Errors
    ///
    /// `Unsupported`, where the ring is not a [`LocalDriver`](crate::LocalDriver)'s: the kernel
    /// resizes those only, and no ring's memory may move while others use it. `WouldBlock` where
    /// more completes than can be seen to meanwhile: try again. `OutOfMemory` beyond
    /// `RLIMIT_MEMLOCK`. `Other` where the ring is lost, and with it the driver, for want of memory
    /// at the worst moment; later operations fail then.
    ///
    /// # Kernel
    ///
    /// Linux 6.13.
    pub fn resize(&self, entries: u32, completion_entries: u32) -> io::Result<()> {
        self.driver.resize((entries, completion_entries))
    }

    /// The ring, to ask it for the register operation of this number.
    fn ring_for(&self, operation: u32) -> io::Result<BorrowedFd<'_>> {
        let kernel = self.ring.rings().kernel()?;
        kernel.check_known(operation)?;
        Ok(kernel.fd())
    }

    /// Asks the ring for the register operation of this number, by `call`.
    fn ask<T>(
        &self,
        operation: u32,
        call: impl FnOnce(BorrowedFd<'_>) -> io::Result<T>,
    ) -> io::Result<T> {
        let ring = self.ring_for(operation)?;
        call(ring).map_err(|error| explain(operation, error))
    }
}

impl<S: Sharing> fmt::Debug for Registrar<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registrar").field("ring", self.ring).finish_non_exhaustive()
    }
}
