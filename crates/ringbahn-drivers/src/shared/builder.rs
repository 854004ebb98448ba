//! Settings of a shared driver.

use std::io;

use ringbahn_core::Metering;

use super::SharedDriver;
use crate::{Policy, Setup};

/// Settings of a [`SharedDriver`].
///
/// ```
/// use ringbahn_drivers::SharedDriver;
///
/// # fn main() -> std::io::Result<()> {
/// # if SharedDriver::new().is_err() { return Ok(()) }
/// let driver = SharedDriver::builder().entries(8).completion_entries(64).build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct SharedBuilder {
    entries: u32,
    completion_entries: Option<u32>,
    serve_at_once: bool,
    setup: Setup,
}

impl SharedBuilder {
    pub(super) fn new() -> SharedBuilder {
        SharedBuilder {
            entries: 256,
            completion_entries: None,
            serve_at_once: true,
            setup: Setup::new(256),
        }
    }

    /// How many entries the submission queue has, rounded up to a power of two; 256 unless told.
    ///
    /// It bounds how many operations can be on their way *to* the kernel, and the length of a
    /// chain, not how many are in flight.
    #[must_use]
    pub fn entries(mut self, entries: u32) -> SharedBuilder {
        self.entries = entries;
        self
    }

    /// How many entries the completion queue has, rounded up to a power of two; four times as
    /// many as the submission queue unless told.
    ///
    /// More may complete at a time; the kernel then keeps a list, which costs it memory and the
    /// driver a system call, and nothing is lost.
    #[must_use]
    pub fn completion_entries(mut self, entries: u32) -> SharedBuilder {
        self.completion_entries = Some(entries);
        self
    }

    /// Whether operations are served at once where they need not wait, by a system call of their
    /// own; they are unless told.
    ///
    /// A read from the page cache and a send to a socket with room cost less in this way than on
    /// the way through the ring. Where such calls are in vain, the driver soon makes fewer.
    #[must_use]
    pub fn serve_at_once(mut self, serve_at_once: bool) -> SharedBuilder {
        self.serve_at_once = serve_at_once;
        self
    }

    /// Whether the operations are executed by io_uring, or inside the process where that is not
    /// available; what [`Policy`] says unless told.
    #[must_use]
    pub fn policy(mut self, policy: Policy) -> SharedBuilder {
        self.setup = self.setup.policy(policy);
        self
    }

    /// Whether the driver keeps [metrics](SharedDriver::metrics), opcode by opcode, and which; none
    /// unless told.
    #[must_use]
    pub fn metering(mut self, metering: Metering) -> SharedBuilder {
        self.setup = self.setup.metering(metering);
        self
    }

    /// What else is asked of the ring, such as memory of one's own or restrictions: `change` is
    /// given what has been asked so far. Sizes are asked for by the other methods.
    #[must_use]
    pub fn setup(mut self, change: impl FnOnce(Setup) -> Setup) -> SharedBuilder {
        self.setup = change(self.setup);
        self
    }

    /// Has the operation `opcode`, one of [`opcode`](ringbahn_core::opcode), executed inside the
    /// process though the kernel knows it, as with operations that it does not know: see
    /// [`Setup::without`].
    #[must_use]
    pub fn without(mut self, opcode: u8) -> SharedBuilder {
        self.setup = self.setup.without(opcode);
        self
    }

    /// Builds the driver. Its helper thread is started with the first operation.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](crate::Unavailable) as an `io::Error`, where there can be no ring and no
    /// fallback either, or no eventfd to go with it.
    pub fn build(self) -> io::Result<SharedDriver> {
        let completion_entries = self.completion_entries.unwrap_or(self.entries.saturating_mul(4));
        let queues = self.setup.of_size(self.entries, completion_entries).build()?;
        SharedDriver::over(queues, self.serve_at_once)
    }
}
