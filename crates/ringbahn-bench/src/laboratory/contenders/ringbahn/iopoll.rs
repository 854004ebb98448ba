//! The driver whose devices are polled. It reads past the page cache, and does nothing else.

use std::os::fd::OwnedFd;

use ringbahn::{AlignedBuffer, Heap, IopollDriver, SharedFd};

use super::executors::OnExecutor;
use super::host::{Build, Host as _, aligned};
use super::{nop, read_random};
use crate::laboratory::case::{Case, ReadRandom};
use crate::laboratory::contender::{Abilities, Backend, Contender, Failure, Family};
use crate::laboratory::meter::Meter;

pub(super) const IOPOLL: Contender = Contender {
    name: "iopoll",
    about: "the driver that polls the device, which reads past the page cache only",
    family: Family::Ringbahn,
    backend: Backend::IoUring,
    abilities: Abilities {
        nop: Some(|case, meter| nop::run(&OnExecutor::<Iopoll>::new()?, case, meter)),
        read_random: Some(read),
        declines: |case| matches!(case, Case::ReadRandom(read) if !read.direct),
        ..Abilities::NONE
    },
};

struct Iopoll;

impl Build for Iopoll {
    type Driver = IopollDriver;
    type Buffer = AlignedBuffer;
    type Buffering = Heap;

    fn build() -> Result<IopollDriver, Failure> {
        Ok(IopollDriver::new()?)
    }

    fn buffers(_: &IopollDriver, count: u32, size: usize) -> Result<Vec<AlignedBuffer>, Failure> {
        Ok(aligned(count, size))
    }

    fn buffering(_: &IopollDriver) -> Result<Heap, Failure> {
        Ok(Heap)
    }
}

fn read(case: &ReadRandom, meter: &mut Meter) -> Result<(), Failure> {
    let host = OnExecutor::<Iopoll>::new()?;
    let file = SharedFd::from(OwnedFd::from(read_random::open(&meter.ground().file(), true)?));
    host.block_on(host.driver().probe(&file))?;
    read_random::events(&host, case, meter, file, read_random::event)
}
