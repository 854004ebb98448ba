//! [`SimDriver`]: the driver of a simulation.
//!
//! It is bound to its thread, as a simulation is: which of two threads comes first is nothing that
//! a seed could decide. So it shares its operations with nobody ([`Local`]), and neither locks nor
//! counts atomically.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use ringbahn_core::{
    CancelTarget, Cancelling, Completion, Drive, Local, Metrics, Reservation, Selection,
};

mod alarm;
mod backlog;
pub(crate) mod core;
mod drain;
mod reap;
mod refusal;

use self::core::Core;
use crate::counters::Counters;
use crate::report::Report;
use crate::sim::Sim;

/// The driver of a simulation: a handle to its ring that all clones share.
///
/// It does what real drivers do, and owes operations what they owe: what is stopped without anybody
/// having asked is submitted again, cancels that miss are tried again, results that nobody takes
/// are disposed of. When the last handle goes, operations in flight are cancelled and waited for.
///
/// Like other thread-bound drivers it makes nothing happen by itself: operations go on within
/// [`block_on`](SimDriver::block_on).
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use ringbahn_core::{Drive, event::Timeout};
/// use ringbahn_sim::Sim;
///
/// let sim = Sim::new(1);
/// let day = Duration::from_secs(24 * 60 * 60);
/// sim.block_on(sim.driver().submit(Timeout::new(day)))?;
/// assert!(sim.now() >= day);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct SimDriver {
    core: Rc<Core>,
}

impl SimDriver {
    /// How long, in virtual time, a driver that is simply dropped lets detached operations run.
    pub const WIND_UP_TIME: Duration = Duration::from_secs(10);

    pub(crate) fn new(core: Rc<Core>) -> SimDriver {
        SimDriver { core }
    }

    /// The simulation that it is the driver of.
    pub fn sim(&self) -> Sim {
        Sim::from_core(self.core.clone())
    }

    /// Runs `future` to its end, as [`Sim::block_on`] does.
    ///
    /// # Panics
    ///
    /// As [`Sim::block_on`].
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.sim().block_on(future)
    }

    /// What the driver has done so far.
    pub fn counters(&self) -> Counters {
        self.core.counters()
    }

    /// What the driver has done so far, opcode by opcode; `None` where the simulation was not
    /// [told](crate::SimBuilder::metering) to keep that. It is the simulated kernel that executes
    /// the entries.
    pub fn metrics(&self) -> Option<Metrics> {
        self.core.metrics()
    }

    /// Winds the driver up: new events are refused, what is in flight is cancelled, and virtual
    /// time goes on until the kernel is done with it.
    ///
    /// Operations that were detached may run until `deadline` has passed. What the kernel has not
    /// given back a second after that is leaked, as the report says. Nothing is ever freed early.
    pub fn shutdown(&self, deadline: Duration) -> Report {
        self.core.drain(deadline)
    }
}

impl Drive for SimDriver {
    type Sharing = Local;

    #[inline]
    fn poll_prepare<'cx>(
        self: Pin<&mut Self>,
        cx: &mut Context<'cx>,
        count: u32,
        prepare: impl FnOnce(Reservation<'_, Local>, &mut Context<'cx>) -> Completion<'cx>,
    ) -> Poll<io::Result<Completion<'cx>>> {
        self.core.poll_prepare(cx, count, prepare)
    }

    fn poll_submit(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<u32>> {
        Poll::Ready(self.core.poll_submit())
    }

    fn cancel(self: Pin<&mut Self>, target: CancelTarget<Local>) {
        self.core.cancel(target);
    }

    fn cancel_selected(self: Pin<&mut Self>, selection: &Selection) -> io::Result<Cancelling> {
        Ok(self.core.cancel_selected(selection))
    }
}

/// A borrowed handle drives as the handle itself does.
impl Drive for &SimDriver {
    type Sharing = Local;

    #[inline]
    fn poll_prepare<'cx>(
        self: Pin<&mut Self>,
        cx: &mut Context<'cx>,
        count: u32,
        prepare: impl FnOnce(Reservation<'_, Local>, &mut Context<'cx>) -> Completion<'cx>,
    ) -> Poll<io::Result<Completion<'cx>>> {
        self.core.poll_prepare(cx, count, prepare)
    }

    fn poll_submit(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<u32>> {
        Poll::Ready(self.core.poll_submit())
    }

    fn cancel(self: Pin<&mut Self>, target: CancelTarget<Local>) {
        self.core.cancel(target);
    }

    fn cancel_selected(self: Pin<&mut Self>, selection: &Selection) -> io::Result<Cancelling> {
        Ok(self.core.cancel_selected(selection))
    }
}
