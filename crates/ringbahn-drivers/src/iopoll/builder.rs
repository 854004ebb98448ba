//! Settings of a driver that polls devices.

use std::io;

use ringbahn_core::Metering;

use super::{IopollDriver, POLLABLE};
use crate::{Setup, SharedDriver};

/// Settings of an [`IopollDriver`].
///
/// ```
/// use ringbahn_drivers::IopollDriver;
///
/// # fn main() -> std::io::Result<()> {
/// # if IopollDriver::new().is_err() { return Ok(()) }
/// let driver = IopollDriver::builder().entries(8).completion_entries(64).build()?;
/// assert_eq!(driver.queue_sizes(), (8, 64));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct IopollBuilder {
    entries: u32,
    completion_entries: Option<u32>,
    sleep_first: bool,
    setup: Setup,
}

impl IopollBuilder {
    pub(super) fn new() -> IopollBuilder {
        IopollBuilder {
            entries: 256,
            completion_entries: None,
            sleep_first: false,
            setup: Setup::new(256),
        }
    }

    /// How many entries the submission queue has, rounded up to a power of two; 256 unless told.
    ///
    /// It bounds how many operations can be on their way *to* the kernel, and the length of a
    /// chain, not how many are in flight.
    #[must_use]
    pub fn entries(mut self, entries: u32) -> IopollBuilder {
        self.entries = entries;
        self
    }

    /// How many entries the completion queue has, rounded up to a power of two; four times as
    /// many as the submission queue unless told.
    #[must_use]
    pub fn completion_entries(mut self, entries: u32) -> IopollBuilder {
        self.completion_entries = Some(entries);
        self
    }

    /// Whether the kernel, each time it is to ask a device, first sleeps for half as long as the
    /// operations before have taken; it does not unless told.
    ///
    /// It takes less of the core, and a little longer. Whoever submits meanwhile waits until the
    /// sleep is over.
    ///
    /// # Kernel
    ///
    /// Linux 6.13. Before, there is no such driver: see [`Reason::Lacking`](crate::Reason).
    #[must_use]
    pub fn sleep_first(mut self, sleep_first: bool) -> IopollBuilder {
        self.sleep_first = sleep_first;
        self
    }

    /// Whether the driver keeps [metrics](IopollDriver::metrics), opcode by opcode, and which; none
    /// unless told.
    #[must_use]
    pub fn metering(mut self, metering: Metering) -> IopollBuilder {
        self.setup = self.setup.metering(metering);
        self
    }

    /// What else is asked of the ring, such as memory of one's own or restrictions: `change` is
    /// given what has been asked so far. Sizes are asked for by the other methods.
    #[must_use]
    pub fn setup(mut self, change: impl FnOnce(Setup) -> Setup) -> IopollBuilder {
        self.setup = change(self.setup);
        self
    }

    /// Builds the driver. Its helper thread is started with the first operation.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](crate::Unavailable) as an `io::Error`, where there can be no ring, or no
    /// eventfd to go with it.
    pub fn build(self) -> io::Result<IopollDriver> {
        let completion_entries = self.completion_entries.unwrap_or(self.entries.saturating_mul(4));
        let setup = self.setup.of_size(self.entries, completion_entries);
        let queues = setup.rule(POLLABLE).build_iopoll(self.sleep_first)?;
        // A call that serves at once would wait for the disk, or read past the polling.
        Ok(IopollDriver::of(SharedDriver::over(queues, false)?))
    }
}
