//! Settings of a hosted driver.

use std::io;
use std::sync::Arc;

use ringbahn_core::Metering;

use super::attendant::Attendant;
use super::reactor::Reactor;
use super::task::HostedTask;
#[cfg(feature = "tokio")]
use super::turn_task::TurnTask;
use super::{Handle, HostedDriver};
use crate::shared::core::Core;
use crate::{Policy, Setup};

/// Settings of a [`HostedDriver`].
///
/// ```
/// use ringbahn_drivers::HostedDriver;
///
/// let settings = HostedDriver::builder().entries(8).completion_entries(64);
/// # let _ = settings;
/// ```
#[derive(Clone, Debug)]
pub struct HostedBuilder {
    entries: u32,
    completion_entries: Option<u32>,
    serve_at_once: bool,
    setup: Setup,
}

impl HostedBuilder {
    pub(super) fn new() -> HostedBuilder {
        HostedBuilder {
            entries: 256,
            completion_entries: None,
            serve_at_once: true,
            setup: Setup::new(256),
        }
    }

    /// How many entries the submission queue has, rounded up to a power of two; 256 unless told.
    ///
    /// It bounds how many operations are gathered before they are submitted, and the length of a
    /// chain, not how many are in flight.
    #[must_use]
    pub fn entries(mut self, entries: u32) -> HostedBuilder {
        self.entries = entries;
        self
    }

    /// How many entries the completion queue has, rounded up to a power of two; four times as
    /// many as the submission queue unless told.
    ///
    /// More may complete at a time; the kernel then keeps a list, which costs it memory and the
    /// driver a system call, and nothing is lost.
    #[must_use]
    pub fn completion_entries(mut self, entries: u32) -> HostedBuilder {
        self.completion_entries = Some(entries);
        self
    }

    /// Whether operations are served at once where they need not wait, by a system call of their
    /// own; they are unless told.
    ///
    /// A read from the page cache and a send to a socket with room cost less in this way than on
    /// the way through the ring. Where such calls are in vain, the driver soon makes fewer.
    #[must_use]
    pub fn serve_at_once(mut self, serve_at_once: bool) -> HostedBuilder {
        self.serve_at_once = serve_at_once;
        self
    }

    /// Whether the operations are executed by io_uring, or inside the process where that is not
    /// available; what [`Policy`] says unless told.
    #[must_use]
    pub fn policy(mut self, policy: Policy) -> HostedBuilder {
        self.setup = self.setup.policy(policy);
        self
    }

    /// Whether the driver keeps [metrics](HostedDriver::metrics), opcode by opcode, and which; none
    /// unless told.
    #[must_use]
    pub fn metering(mut self, metering: Metering) -> HostedBuilder {
        self.setup = self.setup.metering(metering);
        self
    }

    /// What else is asked of the ring, such as memory of one's own or restrictions: `change` is
    /// given what has been asked so far. Sizes are asked for by the other methods.
    #[must_use]
    pub fn setup(mut self, change: impl FnOnce(Setup) -> Setup) -> HostedBuilder {
        self.setup = change(self.setup);
        self
    }

    /// Has the operation `opcode`, one of [`opcode`](ringbahn_core::opcode), executed inside the
    /// process though the kernel knows it, as with operations that it does not know: see
    /// [`Setup::without`].
    #[must_use]
    pub fn without(mut self, opcode: u8) -> HostedBuilder {
        self.setup = self.setup.without(opcode);
        self
    }

    /// Builds a driver that lives in the runtime of tokio that the calling thread is in.
    ///
    /// # Errors
    ///
    /// [`NoHost`](crate::NoHost) as an `io::Error`, where there is no runtime, or one without its
    /// IO driver. In the latter case tokio's own complaint, a panic, is caught, and its message
    /// goes where those of panics go.
    ///
    /// [`Unavailable`](crate::Unavailable), where there can be no ring, or no descriptors to go
    /// with it.
    #[cfg(feature = "tokio")]
    pub fn build_in_tokio(self) -> io::Result<HostedDriver> {
        let runtime = super::reactor::runtime_of_tokio()?;
        let (driver, task) = self.build(&Reactor::Tokio(runtime.clone()))?;
        drop(runtime.spawn(task));
        let Handle { core, attendant } = &*driver.handle;
        for task in TurnTask::all(core, attendant) {
            drop(runtime.spawn(task));
        }
        Ok(driver)
    }

    /// Builds a driver whose ring is watched by the reactor of async-io, and whose task is run by
    /// the executor on which `spawn` puts it.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](crate::Unavailable) as an `io::Error`, where there can be no ring, or no
    /// descriptors to go with it.
    #[cfg(feature = "async-io")]
    pub fn build_on_async_io(self, spawn: impl FnOnce(HostedTask)) -> io::Result<HostedDriver> {
        let (driver, task) = self.build(&Reactor::AsyncIo)?;
        spawn(task);
        Ok(driver)
    }

    fn build(self, reactor: &Reactor) -> io::Result<(HostedDriver, HostedTask)> {
        let completion_entries = self.completion_entries.unwrap_or(self.entries.saturating_mul(4));
        let queues = self.setup.of_size(self.entries, completion_entries).build()?;
        let ring = reactor.watch(queues.handle.duplicate()?)?;
        let attendant = Arc::new(Attendant::new(reactor.threads()));
        let core = Core::new(queues, self.serve_at_once, Some(attendant.clone()))?;
        let core = Arc::new(core);
        let task = HostedTask::new(core.clone(), attendant.clone(), ring, reactor)?;
        Ok((HostedDriver { handle: Arc::new(Handle { core, attendant }) }, task))
    }
}
