//! The two queues between the driver and the simulated kernel, with counters of 32 bits that wrap.

pub(crate) mod completion;
pub(crate) mod submission;
