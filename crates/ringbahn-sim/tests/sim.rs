//! The simulated kernel: what it executes, what goes wrong in it, and that the same seed does the
//! same.

#[path = "sim/crash.rs"]
mod crash;
#[path = "sim/determinism.rs"]
mod determinism;
#[path = "sim/driver.rs"]
mod driver;
#[path = "sim/faults.rs"]
mod faults;
#[path = "sim/files.rs"]
mod files;
#[path = "sim/metrics.rs"]
mod metrics;
#[path = "sim/names.rs"]
mod names;
#[path = "sim/ranges.rs"]
mod ranges;
#[path = "sim/refusals.rs"]
mod refusals;
#[path = "sim/sockets.rs"]
mod sockets;
#[path = "sim/streams.rs"]
mod streams;
#[path = "sim/support.rs"]
mod support;
#[path = "sim/swarm.rs"]
mod swarm;
#[path = "sim/time.rs"]
mod time;
#[path = "sim/workload.rs"]
mod workload;
#[path = "sim/write_ahead_log.rs"]
mod write_ahead_log;
