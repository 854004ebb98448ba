//! The driver that lives in tokio, on one thread and on two.

use ringbahn::{AlignedBuffer, HostedDriver, Provided};

use super::executors::InTokio;
use super::host::{Build, Host as _, SHARED_BUFFERS, aligned};
use super::{abilities, echo, serve};
use crate::laboratory::contender::{Abilities, Backend, Contender, Failure, Family};

pub(super) const HOSTED: Contender = Contender {
    name: "hosted",
    about: "the driver that lives in tokio, in a runtime of one thread",
    family: Family::Ringbahn,
    backend: Backend::IoUring,
    abilities: Abilities {
        echo: Some(|case, listener| {
            let length = case.buffer();
            serve(&InTokio::<Hosted, 0>::new()?, listener, move |stream| {
                echo::tokio_connection(stream, length)
            })
        }),
        ..abilities!(InTokio<Hosted, 0>)
    },
};

pub(super) const HOSTED_2: Contender = Contender {
    name: "hosted-2",
    about: "the driver that lives in tokio, in a runtime of two worker threads",
    family: Family::Ringbahn,
    backend: Backend::IoUring,
    abilities: Abilities {
        echo: Some(|case, listener| {
            let length = case.buffer();
            serve(&InTokio::<Hosted, 2>::new()?, listener, move |stream| {
                echo::tokio_connection(stream, length)
            })
        }),
        ..abilities!(InTokio<Hosted, 2>)
    },
};

struct Hosted;

impl Build for Hosted {
    type Driver = HostedDriver;
    type Buffer = AlignedBuffer;
    type Buffering = Provided;

    fn build() -> Result<HostedDriver, Failure> {
        Ok(HostedDriver::tokio()?)
    }

    fn buffers(_: &HostedDriver, count: u32, size: usize) -> Result<Vec<AlignedBuffer>, Failure> {
        Ok(aligned(count, size))
    }

    fn buffering(driver: &HostedDriver) -> Result<Provided, Failure> {
        Ok(Provided::new(driver.buffer_group(SHARED_BUFFERS.0, SHARED_BUFFERS.1)?))
    }
}
