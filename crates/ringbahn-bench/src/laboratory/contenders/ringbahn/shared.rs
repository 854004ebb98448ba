//! The default driver, whose futures any executor runs.

use ringbahn::{AlignedBuffer, Provided, SharedDriver};

use super::abilities;
use super::executors::OnExecutor;
use super::host::{Build, SHARED_BUFFERS, aligned};
use crate::laboratory::contender::{Backend, Contender, Failure, Family};

pub(super) const SHARED: Contender = Contender {
    name: "shared",
    about: "the default driver, on a small executor that knows nothing of it",
    family: Family::Ringbahn,
    backend: Backend::IoUring,
    abilities: abilities!(OnExecutor<Shared>),
};

struct Shared;

impl Build for Shared {
    type Driver = SharedDriver;
    type Buffer = AlignedBuffer;
    type Buffering = Provided;

    fn build() -> Result<SharedDriver, Failure> {
        Ok(SharedDriver::new()?)
    }

    fn buffers(_: &SharedDriver, count: u32, size: usize) -> Result<Vec<AlignedBuffer>, Failure> {
        Ok(aligned(count, size))
    }

    fn buffering(driver: &SharedDriver) -> Result<Provided, Failure> {
        Ok(Provided::new(driver.buffer_group(SHARED_BUFFERS.0, SHARED_BUFFERS.1)?))
    }
}
