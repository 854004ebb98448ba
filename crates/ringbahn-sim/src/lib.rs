//! A simulated kernel for tests.

#![cfg(target_os = "linux")]

mod builder;
mod counters;
mod driver;
mod faults;
mod kernel;
mod queue;
mod random;
mod report;
mod seeds;
mod sim;
mod slab;
mod trace;

pub use builder::SimBuilder;
pub use counters::Counters;
pub use driver::SimDriver;
pub use faults::{Fault, Faults};
pub use report::Report;
pub use seeds::seeds;
pub use sim::{Crashed, Sim};
