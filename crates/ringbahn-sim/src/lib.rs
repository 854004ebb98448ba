//! A simulated kernel, for tests of programs that do their IO on ringbahn.
//!
//! A test on the real kernel sees what usually happens. Here happens what may: writes that write a
//! half, completions in any order, cancels that come too late, a machine that loses its power. And
//! it happens again, the same way, as often as one likes, since all of it is decided by a seed.
//!
//! ```
//! use ringbahn_core::event::{Fsync, OpenAt, OpenOptions, Position, Write, WriteAll};
//! use ringbahn_core::{Drive, SharedFd};
//! use ringbahn_sim::{Fault, Faults, Sim, SimDriver};
//!
//! /// What is to be tested: whether all of the text is in the file when this is done.
//! async fn save(driver: SimDriver, text: &'static str) -> std::io::Result<()> {
//!     let mut options = OpenOptions::new();
//!     let open = OpenAt::new("/notes", options.write(true).create(true))?;
//!     let file = SharedFd::from(driver.clone().submit(open).await?);
//!     // With a `Write` whose count is thrown away some seed would tell.
//!     let write = WriteAll::new(file.clone(), text, Position::At(0));
//!     driver.clone().submit(write).await.0?;
//!     driver.submit(Fsync::new(file)).await
//! }
//!
//! for seed in ringbahn_sim::seeds(0..50) {
//!     let faults = Faults::swarm(seed).with(Fault::ShortWrite, 0.2);
//!     let sim = Sim::with_faults(seed, faults);
//!     sim.block_on(save(sim.driver(), "remember the milk"))?;
//!     sim.crash();
//!     // Of a new file the name may be lost, for its directory was not synced; its text not.
//!     let found = sim.content("/notes").unwrap_or(b"remember the milk".to_vec());
//!     assert_eq!(found, b"remember the milk", "seed {seed}");
//! }
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! # How it works
//!
//! [`Sim`] holds a kernel in memory. Its driver, [`SimDriver`], is a driver as any: it fills a
//! submission queue, enters the kernel, reads CQEs, submits again what was stopped unasked. What
//! the kernel executes are the very entries that a real one would get, with the addresses in them,
//! on files, pipes, sockets and timers of its own:
//!
//! | what | how it behaves |
//! |---|---|
//! | files | two contents: what programs see, and what is on the disk for good since the last `fsync` |
//! | names | are on the disk for good when their directory has been synced |
//! | pipes, streams | a bounded buffer; both ends learn when the other one is closed |
//! | datagrams | keep their borders, and their order |
//! | time | stands still while the program runs, and jumps when it waits |
//!
//! There is nothing outside of it: no real file, no real address, no real clock. Sockets are bound
//! with [`Sim::bind`], pipes made by [`Sim::pipe`]; all else is done by operations.
//!
//! # Faults
//!
//! [`Fault`] is the list of what can go wrong, [`Faults`] how often each does. [`Faults::swarm`]
//! takes a random half of those that a program need not notice. A program that breaks by one has a
//! bug, for each of them has been seen on Linux.
//!
//! A good test has two phases. In the first one faults happen, and nothing may go wrong. Then
//! [`Sim::set_faults`] switches them off, and everything must get done: a program that waits for
//! ever is found by [`Sim::block_on`], which panics where nothing is left that could wake it.
//!
//! # Seeds
//!
//! A test that fails prints its seed and what has happened last. [`seeds`] yields the seeds of a
//! range, or the one in the variable `RINGBAHN_SIM_SEED`:
//!
//! ```text
//! RINGBAHN_SIM_SEED=4711 cargo test name_of_the_test
//! ```
//!
//! A seed means the same for one version of this crate, as long as the program does the same: with
//! random numbers from [`Sim::random`], in one thread, and without a look at a real clock.
//!
//! # Descriptors
//!
//! For every simulated file a program holds a real descriptor, so `OwnedFd` and all that is built
//! on it works, `try_clone` included. It is good for nothing but operations on this driver: reading
//! from it otherwise fails, and writing to it is found out. A simulated file is closed when its
//! last descriptor is, wherever that happens. A program that forks while a simulation runs, as
//! `std::process::Command` does on another thread, holds descriptors for a moment longer.

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

/// The example of the driver's page, compiled and run as a test.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/drivers/sim.md")]
struct Page;
