//! The driver of one thread where there is no io_uring.

use ringbahn::{AlignedBuffer, LocalDriver, Policy, Provided};

use super::abilities;
use super::executors::OnLocalTasks;
use super::host::{Build, SHARED_BUFFERS, aligned};
use crate::laboratory::contender::{Backend, Contender, Failure, Family};

pub(super) const FALLBACK: Contender = Contender {
    name: "fallback",
    about: "the driver of one thread where io_uring is forbidden: system calls, epoll, threads",
    family: Family::Ringbahn,
    backend: Backend::Epoll,
    abilities: abilities!(OnLocalTasks<Fallback>),
};

struct Fallback;

impl Build for Fallback {
    type Driver = LocalDriver;
    type Buffer = AlignedBuffer;
    type Buffering = Provided;

    fn build() -> Result<LocalDriver, Failure> {
        Ok(LocalDriver::builder().policy(Policy::Never).build()?)
    }

    fn buffers(_: &LocalDriver, count: u32, size: usize) -> Result<Vec<AlignedBuffer>, Failure> {
        Ok(aligned(count, size))
    }

    fn buffering(driver: &LocalDriver) -> Result<Provided, Failure> {
        Ok(Provided::new(driver.buffer_group(SHARED_BUFFERS.0, SHARED_BUFFERS.1)?))
    }
}
