//! Settings of a local driver.

use std::io;
use std::rc::Rc;
use std::time::Duration;

use ringbahn_core::{Metering, opcode};

use super::LocalDriver;
use super::core::{Core, Gathering};
use crate::{CompletionWidth, Policy, Setup};

/// Settings of a [`LocalDriver`].
///
/// ```
/// use ringbahn_drivers::LocalDriver;
///
/// # fn main() -> std::io::Result<()> {
/// # if LocalDriver::new().is_err() { return Ok(()) }
/// let driver = LocalDriver::builder().entries(8).completion_entries(64).build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct LocalBuilder {
    entries: u32,
    completion_entries: Option<u32>,
    serve_at_once: bool,
    gathering: Option<Gathering>,
    setup: Setup,
}

impl LocalBuilder {
    pub(super) fn new() -> LocalBuilder {
        LocalBuilder {
            entries: 256,
            completion_entries: None,
            serve_at_once: true,
            gathering: None,
            setup: Setup::new(256),
        }
    }

    /// How many entries the submission queue has, rounded up to a power of two; 256 unless told.
    ///
    /// It bounds how many operations go to the kernel in one call, and the length of a chain, not
    /// how many are in flight.
    #[must_use]
    pub fn entries(mut self, entries: u32) -> LocalBuilder {
        self.entries = entries;
        self
    }

    /// How many entries the completion queue has, rounded up to a power of two; four times as
    /// many as the submission queue unless told.
    ///
    /// More may complete at a time; the kernel then keeps a list, which costs it memory and the
    /// driver a system call, and nothing is lost.
    #[must_use]
    pub fn completion_entries(mut self, entries: u32) -> LocalBuilder {
        self.completion_entries = Some(entries);
        self
    }

    /// Whether operations are served at once where they need not wait, by a system call of their
    /// own; they are unless told.
    ///
    /// A read from the page cache and a send to a socket with room cost less in this way than on
    /// the way through the ring. Where such calls are in vain, the driver soon makes fewer.
    #[must_use]
    pub fn serve_at_once(mut self, serve_at_once: bool) -> LocalBuilder {
        self.serve_at_once = serve_at_once;
        self
    }

    /// Has the thread, once it sleeps, gather `completions` before it is woken, or what there is
    /// after `time`, in whole microseconds: fewer wake-ups, of which each does more, and comes
    /// later. It is woken for one completion unless told.
    ///
    /// A wake from another thread is one of the completions, so it may come `time` later, too. A
    /// timer that fires ends the sleep at once.
    ///
    /// # Kernel
    ///
    /// Linux 6.12; before, and on the fallback, the thread is woken for one completion.
    #[must_use]
    pub fn gather(mut self, completions: u32, time: Duration) -> LocalBuilder {
        self.gathering = Some(Gathering { completions, time });
        self
    }

    /// Whether the operations are executed by io_uring, or inside the process where that is not
    /// available; what [`Policy`] says unless told.
    #[must_use]
    pub fn policy(mut self, policy: Policy) -> LocalBuilder {
        self.setup = self.setup.policy(policy);
        self
    }

    /// Whether the driver keeps [metrics](LocalDriver::metrics), opcode by opcode, and which; none
    /// unless told.
    #[must_use]
    pub fn metering(mut self, metering: Metering) -> LocalBuilder {
        self.setup = self.setup.metering(metering);
        self
    }

    /// What else is asked of the ring, such as memory of one's own or restrictions: `change` is
    /// given what has been asked so far. Sizes are asked for by the other methods.
    #[must_use]
    pub fn setup(mut self, change: impl FnOnce(Setup) -> Setup) -> LocalBuilder {
        self.setup = change(self.setup);
        self
    }

    /// Has the operation `opcode`, one of [`opcode`](ringbahn_core::opcode), executed inside the
    /// process though the kernel knows it, as with operations that it does not know: see
    /// [`Setup::without`].
    #[must_use]
    pub fn without(mut self, opcode: u8) -> LocalBuilder {
        self.setup = self.setup.without(opcode);
        self
    }

    /// How large the ring's CQEs are: [wide](CompletionWidth::Wide) for a driver that is to have a
    /// [receive queue](LocalDriver::receive_queue). See [`Setup::completion_width`].
    #[must_use]
    pub fn completion_width(mut self, width: CompletionWidth) -> LocalBuilder {
        self.setup = self.setup.completion_width(width);
        self
    }

    /// Builds the driver, for the calling thread.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](crate::Unavailable) as an `io::Error`, where there can be no ring and no
    /// fallback either, or no eventfd to go with it.
    pub fn build(self) -> io::Result<LocalDriver> {
        let completion_entries = self.completion_entries.unwrap_or(self.entries.saturating_mul(4));
        let setup = self.setup.of_size(self.entries, completion_entries);
        setup
            .check_allowed(opcode::READ, "LocalDriver, which reads from an eventfd to be woken")?;
        let queues = setup.build_local()?;
        let core = Core::new(queues, self.serve_at_once, self.gathering)?;
        Ok(LocalDriver { core: Rc::new(core) })
    }
}
