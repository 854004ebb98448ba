//! The driver whose entries a thread of the kernel takes.

use std::path::Path;

use ringbahn::event::RegisterFd;
use ringbahn::{Drive as _, Provided, RegisteredBuffer, SharedFd, SqpollDriver};

use super::executors::OnExecutor;
use super::host::{Build, Host as _, SHARED_BUFFERS, taken};
use super::{abilities, read_random};
use crate::laboratory::case::ReadRandom;
use crate::laboratory::contender::{Abilities, Backend, Contender, Failure, Family};
use crate::laboratory::meter::Meter;
use crate::laboratory::processors;

pub(super) const SQPOLL: Contender = Contender {
    name: "sqpoll",
    about: "the driver with a thread of the kernel, which is on another processor",
    family: Family::Ringbahn,
    backend: Backend::IoUring,
    abilities: Abilities { read_random: Some(read), ..abilities!(OnExecutor<Sqpoll>) },
};

struct Sqpoll;

impl Build for Sqpoll {
    type Driver = SqpollDriver;
    type Buffer = RegisteredBuffer;
    type Buffering = Provided;

    fn build() -> Result<SqpollDriver, Failure> {
        let builder = SqpollDriver::builder();
        Ok(match another_processor() {
            Some(processor) => builder.cpu(processor).build()?,
            None => builder.build()?,
        })
    }

    fn buffers(
        driver: &SqpollDriver,
        count: u32,
        size: usize,
    ) -> Result<Vec<RegisteredBuffer>, Failure> {
        Ok(taken(&driver.register_buffers(count.try_into()?, size)?))
    }

    fn buffering(driver: &SqpollDriver) -> Result<Provided, Failure> {
        Ok(Provided::new(driver.buffer_group(SHARED_BUFFERS.0, SHARED_BUFFERS.1)?))
    }
}

/// A processor on which this process does not stay: on one and the same, the kernel's thread and
/// the program would only take turns.
fn another_processor() -> Option<u32> {
    let other = u32::from(processors::own()? == 0);
    Path::new(&format!("/sys/devices/system/cpu/cpu{other}")).exists().then_some(other)
}

/// From a file in a slot of the ring, into registered buffers.
fn read(case: &ReadRandom, meter: &mut Meter) -> Result<(), Failure> {
    let host = OnExecutor::<Sqpoll>::new()?;
    let file = read_random::open(&meter.ground().file(), case.direct)?;
    let table = host.driver().direct_table(1)?;
    let register = RegisterFd::new(std::os::fd::OwnedFd::from(file), &table)?;
    let file = SharedFd::from(host.block_on(host.driver().submit(register))?);
    read_random::events(&host, case, meter, file, read_random::event)
}
