//! [`SimBuilder`]: settings for a simulation that is not of the usual size.

use std::rc::Rc;

use ringbahn_core::{Metering, OperationTable};

use crate::driver::core::Core;
use crate::faults::Faults;
use crate::kernel::Kernel;
use crate::queue::completion::CompletionQueue;
use crate::queue::submission::SubmissionQueue;
use crate::sim::Sim;
use crate::trace::{LENGTH_DEFAULT, Trace};

/// The most entries that a queue may have, as in the kernel.
const ENTRIES_MAX: u32 = 1 << 15;

/// Settings for a simulation.
///
/// # Examples
///
/// ```
/// use ringbahn_sim::{Faults, Sim};
///
/// let tiny = Sim::builder(3).entries(1).completion_entries(2).faults(Faults::swarm(3)).build();
/// assert_eq!(tiny.seed(), 3);
/// ```
#[derive(Clone, Debug)]
pub struct SimBuilder {
    seed: u64,
    faults: Faults,
    entries: u32,
    completion_entries: Option<u32>,
    first_index: u32,
    trace_length: usize,
    stream_capacity: usize,
    metering: Metering,
}

impl SimBuilder {
    /// The usual settings.
    pub fn new(seed: u64) -> SimBuilder {
        SimBuilder {
            seed,
            faults: Faults::none(),
            entries: 64,
            completion_entries: None,
            first_index: u32::MAX - 3,
            trace_length: LENGTH_DEFAULT,
            stream_capacity: 64 << 10,
            metering: Metering::Off,
        }
    }

    /// What is to go wrong, and how often; at first nothing.
    #[must_use]
    pub fn faults(mut self, faults: Faults) -> SimBuilder {
        self.faults = faults;
        self
    }

    /// How many entries the submission queue has, rounded up to a power of two; at first 64.
    #[must_use]
    pub fn entries(mut self, entries: u32) -> SimBuilder {
        self.entries = entries;
        self
    }

    /// How many entries the completion queue has, rounded up to a power of two; at first twice as
    /// many as the submission queue.
    #[must_use]
    pub fn completion_entries(mut self, entries: u32) -> SimBuilder {
        self.completion_entries = Some(entries);
        self
    }

    /// What the counters of both queues begin with. At first 4 below the end of their range, so
    /// that every simulation sees them wrap.
    #[must_use]
    pub fn first_index(mut self, index: u32) -> SimBuilder {
        self.first_index = index;
        self
    }

    /// How many lines of the [trace](Sim::trace) are kept; at first 64.
    #[must_use]
    pub fn trace_length(mut self, lines: usize) -> SimBuilder {
        self.trace_length = lines;
        self
    }

    /// How many bytes a pipe or connection holds; at first 64 KiB.
    #[must_use]
    pub fn stream_capacity(mut self, bytes: usize) -> SimBuilder {
        self.stream_capacity = bytes.max(1);
        self
    }

    /// Whether the driver keeps [metrics](crate::SimDriver::metrics), opcode by opcode, and which;
    /// at first none. Latencies are those of virtual time.
    #[must_use]
    pub fn metering(mut self, metering: Metering) -> SimBuilder {
        self.metering = metering;
        self
    }

    /// The simulation.
    pub fn build(self) -> Sim {
        let power = |entries: u32| entries.clamp(1, ENTRIES_MAX).next_power_of_two();
        let entries = power(self.entries);
        let completion_entries = power(self.completion_entries.unwrap_or(2 * entries));
        let table = Rc::new(OperationTable::metered(self.metering));
        let submission = SubmissionQueue::new(table.clone(), entries, self.first_index);
        let completion = CompletionQueue::new(table.clone(), completion_entries, self.first_index);
        let trace = Trace::new(self.trace_length);
        let kernel = Kernel::new(self.seed, self.faults, completion, trace, self.stream_capacity);
        Sim::from_core(Rc::new(Core::new(self.seed, table, submission, kernel)))
    }
}
