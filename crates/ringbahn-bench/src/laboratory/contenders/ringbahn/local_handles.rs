//! The driver of one thread, as its ordinary users have it.

use ringbahn::{AlignedBuffer, LocalDriver, Provided};

use super::abilities;
use super::executors::OnLocalTasks;
use super::host::{Build, SHARED_BUFFERS, aligned};
use crate::laboratory::contender::{Backend, Contender, Failure, Family};

pub(super) const LOCAL_HANDLES: Contender = Contender {
    name: "local-handles",
    about: "the driver of one thread through handles and the traits of futures",
    family: Family::Ringbahn,
    backend: Backend::IoUring,
    abilities: abilities!(OnLocalTasks<WithRoom>),
};

/// The driver with as much room in its queues as the others' rings have.
struct WithRoom;

impl Build for WithRoom {
    type Driver = LocalDriver;
    type Buffer = AlignedBuffer;
    type Buffering = Provided;

    fn build() -> Result<LocalDriver, Failure> {
        Ok(LocalDriver::builder().entries(1024).completion_entries(4096).build()?)
    }

    fn buffers(_: &LocalDriver, count: u32, size: usize) -> Result<Vec<AlignedBuffer>, Failure> {
        Ok(aligned(count, size))
    }

    fn buffering(driver: &LocalDriver) -> Result<Provided, Failure> {
        Ok(Provided::new(driver.buffer_group(SHARED_BUFFERS.0, SHARED_BUFFERS.1)?))
    }
}
