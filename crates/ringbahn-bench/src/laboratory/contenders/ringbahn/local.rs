//! The driver of one thread, one level down.

use ringbahn::event::RegisterFd;
use ringbahn::{Drive as _, LocalDriver, Policy, Provided, RegisteredBuffer, SharedFd};

use super::executors::OnLocalTasks;
use super::host::{Build, Host as _, SHARED_BUFFERS, taken};
use super::{abilities, read_random};
use crate::laboratory::case::ReadRandom;
use crate::laboratory::contender::{Abilities, Backend, Contender, Failure, Family};
use crate::laboratory::meter::Meter;

mod accept;
mod echo;
mod idle;

pub(super) const LOCAL: Contender = Contender {
    name: "local",
    about: "ringbahn's driver of one thread, one level down: events, streams, provided buffers",
    family: Family::Ringbahn,
    backend: Backend::IoUring,
    abilities: Abilities {
        read_random: Some(read),
        echo: Some(echo::serve),
        idle: Some(|_, listener| idle::serve(listener)),
        accept: Some(|_, listener| accept::serve(listener)),
        ..abilities!(OnLocalTasks<Below>)
    },
};

/// The driver as somebody builds it who wants the ring, and leaves nothing to calls of its own.
struct Below;

impl Build for Below {
    type Driver = LocalDriver;
    type Buffer = RegisteredBuffer;
    type Buffering = Provided;

    fn build() -> Result<LocalDriver, Failure> {
        let builder = LocalDriver::builder().entries(1024).completion_entries(4096);
        // Whatever the environment says: this one is the ring.
        Ok(builder.serve_at_once(false).policy(Policy::Require).build()?)
    }

    fn buffers(
        driver: &LocalDriver,
        count: u32,
        size: usize,
    ) -> Result<Vec<RegisteredBuffer>, Failure> {
        Ok(taken(&driver.register_buffers(count.try_into()?, size)?))
    }

    fn buffering(driver: &LocalDriver) -> Result<Provided, Failure> {
        Ok(Provided::new(driver.buffer_group(SHARED_BUFFERS.0, SHARED_BUFFERS.1)?))
    }
}

/// From a file in a slot of the ring, into registered buffers.
fn read(case: &ReadRandom, meter: &mut Meter) -> Result<(), Failure> {
    let host = OnLocalTasks::<Below>::new()?;
    let file = read_random::open(&meter.ground().file(), case.direct)?;
    let table = host.driver().direct_table(1)?;
    let register = RegisterFd::new(std::os::fd::OwnedFd::from(file), &table)?;
    let file = SharedFd::from(host.block_on(host.driver().submit(register))?);
    read_random::events(&host, case, meter, file, read_random::event)
}
