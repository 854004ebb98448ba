//! [`DefaultDriver`]: the one driver that everything runs on unless told otherwise.

use std::io;
use std::pin::Pin;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll};

use ringbahn_core::{
    Attempt, CancelTarget, Cancelling, Completion, Drive, Reservation, Selection, Served, Shared,
};
use ringbahn_drivers::SharedDriver;

/// The driver of the process: one [`SharedDriver`], built when it is first needed.
///
/// It is a name and holds nothing, so handles and futures that use it are no larger for it. A
/// program that never does any IO with ringbahn never builds a ring.
///
/// Where io_uring is not available the driver does its work inside the process; the variable
/// `RINGBAHN_IO_URING` of the environment, as [`Policy`](crate::Policy) describes it, says whether
/// it may. What it lacks besides, a descriptor or memory, fails each operation with an
/// [`Unavailable`](crate::Unavailable). A failure is not remembered, since the next attempt may
/// find what this one lacked.
///
/// # Examples
///
/// ```
/// use ringbahn::{DefaultDriver, Drive, event::Nop};
///
/// # fn main() -> std::io::Result<()> {
/// # if DefaultDriver::shared().is_err() { return Ok(()) }
/// futures::executor::block_on(DefaultDriver.submit(Nop::new()))?;
/// assert!(DefaultDriver::shared()?.counters().completed >= 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct DefaultDriver;

static SHARED: OnceLock<SharedDriver> = OnceLock::new();

/// Held while the driver is being built, so that it is built once.
static BUILDING: Mutex<()> = Mutex::new(());

impl DefaultDriver {
    /// The driver behind the name, built if need be: for its counters, or to use it directly.
    ///
    /// Building it may block for a fifth of a second where locked memory is short; a program that
    /// minds calls this before it starts its executor. The driver lives as long as the process.
    /// Shutting it down makes every later operation fail.
    ///
    /// # Errors
    ///
    /// An [`Unavailable`](crate::Unavailable) inside the `io::Error`, with the reason why there
    /// can be no ring and what to do about it.
    pub fn shared() -> io::Result<&'static SharedDriver> {
        if let Some(driver) = SHARED.get() {
            return Ok(driver);
        }
        let _building = BUILDING.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(driver) = SHARED.get() {
            return Ok(driver);
        }
        let driver = SharedDriver::new()?;
        Ok(SHARED.get_or_init(|| driver))
    }
}

impl Drive for DefaultDriver {
    type Sharing = Shared;

    fn poll_prepare<'cx>(
        self: Pin<&mut Self>,
        cx: &mut Context<'cx>,
        count: u32,
        prepare: impl FnOnce(Reservation<'_>, &mut Context<'cx>) -> Completion<'cx>,
    ) -> Poll<io::Result<Completion<'cx>>> {
        let mut driver = DefaultDriver::shared()?;
        Pin::new(&mut driver).poll_prepare(cx, count, prepare)
    }

    fn poll_submit(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<u32>> {
        let mut driver = DefaultDriver::shared()?;
        Pin::new(&mut driver).poll_submit(cx)
    }

    fn attempt<'a>(self: Pin<&mut Self>, attempt: Attempt<'a>) -> Option<Served<'a>> {
        // The first operation builds the driver, which `poll_prepare` does.
        Pin::new(&mut SHARED.get()?).attempt(attempt)
    }

    fn cancel(self: Pin<&mut Self>, target: CancelTarget) {
        // Without a driver there is nothing in flight that could be cancelled.
        if let Some(mut driver) = SHARED.get() {
            Pin::new(&mut driver).cancel(target);
        }
    }
    fn cancel_selected(self: Pin<&mut Self>, selection: &Selection) -> io::Result<Cancelling> {
        let mut driver = DefaultDriver::shared()?;
        Pin::new(&mut driver).cancel_selected(selection)
    }
}
