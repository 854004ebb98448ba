//! [`ShardedDriver`]: a ring for each of many cores, behind one handle.
//!
//! For whom: programs whose tasks run on several threads at once and move between them, as on the
//! executors that steal work, and that do so much IO that the locks of one ring are felt.
//!
//! # How it works
//!
//! The driver has several *shards*, each of which is a [`SharedDriver`] with its own ring. A thread
//! that submits for the first time is given a number, and submits to the shard of that number from
//! then on. So as long as there are no more threads than shards, no two of them meet at a lock.
//!
//! ```text
//!   thread 0 ──► shard 0: ring, locks, table, helper ──► kernel
//!   thread 1 ──► shard 1: ring, locks, table, helper ──► kernel
//!   thread 2 ──► shard 0, where there are two
//! ```
//!
//! An operation belongs to the shard it was submitted to, whatever becomes of its task: wherever it
//! is polled next, it completes; wherever it is dropped, the cancel goes to the ring that has it.
//! The next operation of a task that has moved goes to the shard of the new thread.
//!
//! | handle | its submissions go to |
//! |---|---|
//! | as built, and [`anywhere`](ShardedDriver::anywhere) | the shard of the thread that polls them first |
//! | [`here`](ShardedDriver::here), [`shard`](ShardedDriver::shard) | one shard, whoever polls them |
//!
//! A clone is as the handle that it was made of.
//!
//! # Costs
//!
//! Those of a [`SharedDriver`] for each shard: two descriptors, the ring's memory, and one helper
//! thread, which is started with the shard's first operation and rests while nothing is in flight.
//!
//! Clones of one handle count themselves in one place, as those of an `Arc` do, and each submission
//! holds one. That place goes from core to core where several threads clone the same handle for
//! each of their operations. `here` and `anywhere` make handles that count apart: a thread, or a
//! task, had better take one of its own, or submit to a borrowed handle, which counts nothing.
//!
//! # Kernel
//!
//! That of a [`SharedDriver`]: Linux 5.11 or later.
//!
//! # When not
//!
//! With one thread, or little IO, a [`SharedDriver`] does the same with less. Where each core has
//! its own tasks, which never move, a [`LocalDriver`](crate::LocalDriver) for each costs least. An
//! [`AsyncCancel`](ringbahn_core::event::AsyncCancel) finds an operation of its own ring only:
//! submit it to [`shard_of`](ShardedDriver::shard_of) the target.
#![forbid(unsafe_code)]

use std::io;
use std::sync::Arc;
use std::time::Duration;

use ringbahn_core::{CancelTarget, Metrics};

mod builder;
mod shutdown;
mod thread_number;

use self::thread_number::thread_number;
use crate::SharedDriver;
use crate::backend::Backend;
use crate::counters::Counters;
use crate::delegate::{Delegate, drive_by_delegate};
use crate::registrar::Registrar;
use crate::unavailable::Unavailable;
pub use builder::ShardedBuilder;
pub use shutdown::ShardedShutdown;

/// The driver for many cores: a handle to several rings, of which each thread uses one.
///
/// When the last handle goes, and with it the last submission, the driver winds up in the
/// background, as a [`SharedDriver`] does.
///
/// # Examples
///
/// ```
/// use std::thread;
/// use ringbahn_core::{Drive, event::Nop};
/// use ringbahn_drivers::ShardedDriver;
///
/// # fn main() -> std::io::Result<()> {
/// # if ShardedDriver::new().is_err() { return Ok(()) }
/// let driver = ShardedDriver::builder().shards(2).entries(8).build()?;
/// thread::scope(|scope| {
///     for _ in 0..2 {
///         let driver = driver.anywhere();
///         scope.spawn(move || futures::executor::block_on(driver.submit(Nop)));
///     }
/// });
/// assert_eq!(driver.counters().completed, 2);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct ShardedDriver {
    handle: Arc<Handle>,
}

/// What a handle and its clones share, on cache lines of their own.
#[derive(Debug)]
#[repr(align(128))]
struct Handle {
    shards: Arc<[SharedDriver]>,
    /// The shard that all submissions go to; `None`: that of the thread.
    home: Option<usize>,
}

impl ShardedDriver {
    /// How long a driver that is simply dropped lets detached operations run.
    pub const WIND_UP_TIME: Duration = SharedDriver::WIND_UP_TIME;

    /// A driver with a shard for each processor that the process may use, or for as many of them as
    /// there is memory for.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](crate::Unavailable) as an `io::Error`, where there can be no ring.
    pub fn new() -> io::Result<ShardedDriver> {
        ShardedDriver::builder().build()
    }

    /// Settings for a driver that is not of the usual size.
    pub fn builder() -> ShardedBuilder {
        ShardedBuilder::new()
    }

    /// The handle to `shards`, of which there is at least one.
    fn of(shards: Vec<SharedDriver>) -> ShardedDriver {
        ShardedDriver::at(shards.into(), None)
    }

    fn at(shards: Arc<[SharedDriver]>, home: Option<usize>) -> ShardedDriver {
        ShardedDriver { handle: Arc::new(Handle { shards, home }) }
    }

    /// A handle to the shard of the calling thread: whatever is submitted by it goes there, also
    /// from other threads.
    pub fn here(&self) -> ShardedDriver {
        self.sticking_to(self.number_here())
    }

    /// A handle to the shard with this number.
    ///
    /// # Panics
    ///
    /// Where there are not so many [shards](ShardedDriver::shards).
    pub fn shard(&self, number: usize) -> ShardedDriver {
        let count = self.shards();
        assert!(number < count, "there is no shard {number}: the driver has {count}");
        self.sticking_to(number)
    }

    /// A handle to the shard that has the operation of `target`, for an
    /// [`AsyncCancel`](ringbahn_core::event::AsyncCancel) to find it; `None` where it is not, and
    /// was not, on this driver.
    pub fn shard_of(&self, target: &CancelTarget) -> Option<ShardedDriver> {
        let has = |shard: &SharedDriver| target.is_of(shard.ring().table());
        self.handle.shards.iter().position(has).map(|number| self.sticking_to(number))
    }

    /// A handle whose submissions go to the shard of the thread that polls them first, as do those
    /// of the handle that was built, and whose clones count apart from those of this one.
    pub fn anywhere(&self) -> ShardedDriver {
        ShardedDriver::at(self.handle.shards.clone(), None)
    }

    fn sticking_to(&self, number: usize) -> ShardedDriver {
        ShardedDriver::at(self.handle.shards.clone(), Some(number))
    }

    /// How many shards there are.
    pub fn shards(&self) -> usize {
        self.handle.shards.len()
    }

    /// The shard that this handle sticks to, if it sticks to one.
    pub fn home(&self) -> Option<usize> {
        self.handle.home
    }

    /// What all shards have done so far.
    pub fn counters(&self) -> Counters {
        self.handle.shards.iter().map(SharedDriver::counters).sum()
    }

    /// What each shard has done so far.
    pub fn shard_counters(&self) -> Vec<Counters> {
        self.handle.shards.iter().map(SharedDriver::counters).collect()
    }

    /// What all shards have done so far, opcode by opcode; `None` where they were not
    /// [told](ShardedBuilder::metering) to keep that.
    pub fn metrics(&self) -> Option<Metrics> {
        self.handle.shards.iter().map(SharedDriver::metrics).sum()
    }

    /// What each shard has done so far, opcode by opcode; empty where they were not told to keep
    /// that.
    pub fn shard_metrics(&self) -> Vec<Metrics> {
        self.handle.shards.iter().filter_map(SharedDriver::metrics).collect()
    }

    /// What executes the operations.
    pub fn backend(&self) -> Backend {
        self.handle.shards[0].backend()
    }

    /// Why the operations are executed inside the process, though io_uring was preferred; `None`
    /// where the kernel executes them, or where nobody was to ask it.
    pub fn fallback_reason(&self) -> Option<&Unavailable> {
        self.handle.shards[0].fallback_reason()
    }

    /// How many entries the submission queue of each shard has at least, and how many the
    /// completion queue: fewer than were asked for where locked memory is short.
    pub fn queue_sizes(&self) -> (u32, u32) {
        let sizes = || self.handle.shards.iter().map(SharedDriver::queue_sizes);
        let least = |sizes: &mut dyn Iterator<Item = u32>| sizes.min().unwrap_or(0);
        (least(&mut sizes().map(|sizes| sizes.0)), least(&mut sizes().map(|sizes| sizes.1)))
    }

    /// What the ring of this handle's shard can be told while it runs: that of the calling thread,
    /// unless the handle [sticks to](ShardedDriver::shard) another one.
    pub fn registrar(&self) -> Registrar<'_> {
        self.driver().registrar()
    }

    /// Winds all shards up, for all handles, as [`SharedDriver::shutdown`] does with one; the
    /// report is the sum of theirs.
    ///
    /// # Cancel safety
    ///
    /// The shutdown begins with the call; dropping the future only forgoes the report.
    pub fn shutdown(&self, deadline: Duration) -> ShardedShutdown {
        // All begin before any is waited for.
        ShardedShutdown::new(self.handle.shards.iter().map(|shard| shard.shutdown(deadline)))
    }

    fn number_here(&self) -> usize {
        thread_number() % self.shards()
    }
}

impl Delegate for ShardedDriver {
    #[inline]
    fn driver(&self) -> &SharedDriver {
        let number = self.handle.home.unwrap_or_else(|| self.number_here());
        &self.handle.shards[number]
    }

    fn driver_of(&self, target: &CancelTarget) -> Option<&SharedDriver> {
        // Most operations end where they were submitted.
        let here = self.driver();
        let mut shards = std::iter::once(here).chain(self.handle.shards.iter());
        shards.find(|shard| target.is_of(shard.ring().table()))
    }

    fn drivers(&self) -> &[SharedDriver] {
        &self.handle.shards
    }
}

drive_by_delegate! {
    ShardedDriver;
    /// A borrowed handle drives as the handle itself does.
    &ShardedDriver;
}
