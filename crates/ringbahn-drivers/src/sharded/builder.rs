//! Settings of a sharded driver.

use std::io;
use std::num::NonZero;
use std::thread;

use ringbahn_core::Metering;

use super::ShardedDriver;
use crate::{Policy, Reason, Setup, SharedBuilder, SharedDriver, Unavailable};

/// How many shards there may be: as many as processors that Linux can be built for.
const SHARDS_MAX: usize = 8192;

/// Settings of a [`ShardedDriver`].
///
/// ```
/// use ringbahn_drivers::ShardedDriver;
///
/// # fn main() -> std::io::Result<()> {
/// # if ShardedDriver::new().is_err() { return Ok(()) }
/// let driver = ShardedDriver::builder().shards(3).entries(8).build()?;
/// assert_eq!(driver.shards(), 3);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct ShardedBuilder {
    shards: Option<usize>,
    entries: u32,
    completion_entries: Option<u32>,
    serve_at_once: bool,
    setup: Setup,
}

impl ShardedBuilder {
    pub(super) fn new() -> ShardedBuilder {
        ShardedBuilder {
            shards: None,
            entries: 256,
            completion_entries: None,
            serve_at_once: true,
            setup: Setup::new(256),
        }
    }

    /// How many shards there are to be, at least 1: as many as threads submit at a time. Where it
    /// is not told, one for each processor that the process may use.
    ///
    /// A number that is told is kept to: where memory or descriptors do not suffice for it, or
    /// where it is above 8192, there is no driver. One that is not told is a wish, and the driver
    /// then has fewer shards.
    #[must_use]
    pub fn shards(mut self, shards: usize) -> ShardedBuilder {
        self.shards = Some(shards.max(1));
        self
    }

    /// How many entries the submission queue of each shard has, rounded up to a power of two; 256
    /// unless told.
    ///
    /// It bounds how many operations can be on their way *to* the kernel, and the length of a
    /// chain, not how many are in flight.
    #[must_use]
    pub fn entries(mut self, entries: u32) -> ShardedBuilder {
        self.entries = entries;
        self
    }

    /// How many entries the completion queue of each shard has, rounded up to a power of two; four
    /// times as many as the submission queue unless told.
    ///
    /// More may complete at a time; the kernel then keeps a list, which costs it memory and the
    /// driver a system call, and nothing is lost.
    #[must_use]
    pub fn completion_entries(mut self, entries: u32) -> ShardedBuilder {
        self.completion_entries = Some(entries);
        self
    }

    /// Whether operations are served at once where they need not wait, by a system call of their
    /// own; they are unless told. See [`SharedBuilder::serve_at_once`].
    #[must_use]
    pub fn serve_at_once(mut self, serve_at_once: bool) -> ShardedBuilder {
        self.serve_at_once = serve_at_once;
        self
    }

    /// Whether the operations are executed by io_uring, or inside the process where that is not
    /// available; what [`Policy`] says unless told.
    #[must_use]
    pub fn policy(mut self, policy: Policy) -> ShardedBuilder {
        self.setup = self.setup.policy(policy);
        self
    }

    /// Whether the driver keeps [metrics](ShardedDriver::metrics), opcode by opcode, and which;
    /// none unless told.
    #[must_use]
    pub fn metering(mut self, metering: Metering) -> ShardedBuilder {
        self.setup = self.setup.metering(metering);
        self
    }

    /// What else is asked of the ring of each shard, such as memory of one's own or restrictions:
    /// `change` is given what has been asked so far. Sizes are asked for by the other methods.
    #[must_use]
    pub fn setup(mut self, change: impl FnOnce(Setup) -> Setup) -> ShardedBuilder {
        self.setup = change(self.setup);
        self
    }

    /// Builds the driver. The helper thread of a shard is started with its first operation.
    ///
    /// Where memory is short, shards get smaller, as the ring of a
    /// [`SharedDriver`] does; [`queue_sizes`](ShardedDriver::queue_sizes) and
    /// [`shards`](ShardedDriver::shards) tell what has become of them.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] as an `io::Error`, where there can be no ring, or not as many as
    /// [told](ShardedBuilder::shards); `InvalidInput` where more than 8192 were told.
    pub fn build(self) -> io::Result<ShardedDriver> {
        let wanted = self.shards.unwrap_or_else(|| processors().min(SHARDS_MAX));
        if wanted > SHARDS_MAX {
            return Err(too_many(wanted));
        }
        let mut sizes = (self.entries, self.completion_entries);
        let mut shards = Vec::with_capacity(wanted);
        while shards.len() < wanted {
            match self.shard(sizes).build() {
                Ok(shard) => {
                    // What there was no memory for is not tried, and waited for, once more.
                    let (entries, completion_entries) = shard.queue_sizes();
                    sizes.0 = sizes.0.min(entries);
                    sizes.1 = sizes.1.map(|told| told.min(completion_entries));
                    shards.push(shard);
                }
                Err(error)
                    if self.shards.is_none() && !shards.is_empty() && is_shortage(&error) =>
                {
                    break;
                }
                Err(error) => return Err(explain(error, shards.len(), wanted)),
            }
        }
        Ok(ShardedDriver::of(shards))
    }

    fn shard(&self, (entries, completion_entries): (u32, Option<u32>)) -> SharedBuilder {
        let builder = SharedDriver::builder().entries(entries).serve_at_once(self.serve_at_once);
        let builder = builder.setup(|_| self.setup.clone());
        match completion_entries {
            Some(entries) => builder.completion_entries(entries),
            None => builder,
        }
    }
}

fn too_many(wanted: usize) -> io::Error {
    let message = format!(
        "{wanted} shards are more than the {SHARDS_MAX} that there may be; one for each processor \
         is what a driver has that is told no number"
    );
    io::Error::new(io::ErrorKind::InvalidInput, message)
}

/// Whether something is used up, possibly by the shards before.
fn is_shortage(error: &io::Error) -> bool {
    let unavailable = error.get_ref().and_then(|inner| inner.downcast_ref::<Unavailable>());
    let reason = unavailable.map(Unavailable::reason);
    matches!(reason, Some(Reason::LockedMemory | Reason::DescriptorLimit))
}

/// Says besides how many shards there was enough for, where that is what is wrong.
fn explain(error: io::Error, made: usize, wanted: usize) -> io::Error {
    if !is_shortage(&error) {
        return error;
    }
    match error.downcast::<Unavailable>() {
        Ok(unavailable) => {
            unavailable.also(&format!("of {wanted} shards there was enough for {made}")).into()
        }
        Err(error) => error,
    }
}

/// How many processors the process may use.
fn processors() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}
