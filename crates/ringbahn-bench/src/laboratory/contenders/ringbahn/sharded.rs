//! The driver of many rings, of which the thread has one.

use ringbahn::{AlignedBuffer, Heap, ShardedDriver};

use super::abilities;
use super::executors::OnExecutor;
use super::host::{Build, aligned};
use crate::laboratory::contender::{Backend, Contender, Failure, Family};

pub(super) const SHARDED: Contender = Contender {
    name: "sharded",
    about: "the driver with a ring for each thread, on one thread and its small executor",
    family: Family::Ringbahn,
    backend: Backend::IoUring,
    abilities: abilities!(OnExecutor<Sharded>),
};

struct Sharded;

impl Build for Sharded {
    type Driver = ShardedDriver;
    type Buffer = AlignedBuffer;
    type Buffering = Heap;

    fn build() -> Result<ShardedDriver, Failure> {
        // A thread had better have a handle of its own.
        Ok(ShardedDriver::new()?.here())
    }

    fn buffers(_: &ShardedDriver, count: u32, size: usize) -> Result<Vec<AlignedBuffer>, Failure> {
        Ok(aligned(count, size))
    }

    fn buffering(_: &ShardedDriver) -> Result<Heap, Failure> {
        Ok(Heap)
    }
}
