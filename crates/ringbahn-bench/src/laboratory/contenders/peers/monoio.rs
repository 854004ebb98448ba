//! monoio: a runtime of one thread for each processor.
//!
//! Its wakers belong to their thread unless its feature `sync` is on, which all tasks would pay
//! for; so nothing wakes it from another thread here.

use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::Duration;

use ::monoio::time::TimeDriver;
use ::monoio::{FusionDriver, IoUringDriver, RuntimeBuilder};
use rustix::fs::OFlags;

use super::library::{Access, Library, PeerFile, Timed};
use super::pages::Pages;
use super::{timers, with_files};
use crate::laboratory::contender::{Abilities, Backend, Contender, Failure, Family};

mod accept;
mod cancel;
mod echo;
mod http;
mod idle;
mod names;

pub(super) const DEFAULT: Contender = Contender {
    name: "monoio",
    about: "monoio 0.2, as its documentation sets it up",
    family: Family::Peer,
    backend: Backend::IoUring,
    abilities: abilities::<Monoio<false>>(),
};

pub(super) const TUNED: Contender = Contender {
    name: "monoio-tuned",
    about: "monoio 0.2 upon a ring of one thread, to which the kernel's work is deferred",
    family: Family::Peer,
    backend: Backend::IoUring,
    abilities: abilities::<Monoio<true>>(),
};

const fn abilities<M: Runtime>() -> Abilities {
    Abilities {
        echo: Some(echo::echo::<M>),
        accept: Some(accept::accept::<M>),
        idle: Some(idle::idle::<M>),
        http: Some(http::http::<M>),
        timers: Some(timers::timers::<M>),
        cancel: Some(cancel::cancel::<M>),
        ..with_files::<M>()
    }
}

/// The runtime, as its documentation sets it up or tuned.
#[derive(Clone, Copy)]
struct Monoio<const TUNED: bool>;

/// Either of the two.
trait Runtime: Timed + super::library::Names {}

impl<const TUNED: bool> Runtime for Monoio<TUNED> {}

impl<const TUNED: bool> Library for Monoio<TUNED> {
    type File = ::monoio::fs::File;

    fn run<T>(main: impl AsyncFnOnce(Self) -> Result<T, Failure>) -> Result<T, Failure> {
        if TUNED {
            return tuned::<IoUringDriver>().build()?.block_on(main(Monoio));
        }
        RuntimeBuilder::<FusionDriver>::new().build()?.block_on(main(Monoio))
    }

    fn spawn<T: 'static>(
        &self,
        task: impl Future<Output = T> + 'static,
    ) -> impl Future<Output = T> {
        ::monoio::spawn(task)
    }

    async fn open(&self, path: &Path, access: Access) -> Result<Self::File, Failure> {
        let mut options = ::monoio::fs::OpenOptions::new();
        match access {
            Access::Read => options.read(true),
            Access::ReadDirect => options.read(true).custom_flags(OFlags::DIRECT.bits() as i32),
            Access::Write => options.write(true).create(true).truncate(true),
            Access::Log => options.write(true).create(true),
        };
        Ok(options.open(path).await?)
    }
}

impl<const TUNED: bool> Timed for Monoio<TUNED> {
    fn run_timed<T>(main: impl AsyncFnOnce(Self) -> Result<T, Failure>) -> Result<T, Failure> {
        if TUNED {
            return tuned::<TimeDriver<IoUringDriver>>().build()?.block_on(main(Monoio));
        }
        RuntimeBuilder::<TimeDriver<FusionDriver>>::new().build()?.block_on(main(Monoio))
    }

    fn sleep(duration: Duration) -> impl Future<Output = ()> + 'static {
        ::monoio::time::sleep(duration)
    }
}

/// A ring of this thread, to which the kernel's work is deferred. How to set it up is said in the
/// version of the crate io-uring that monoio takes, which is the one that tokio-uring hands out.
fn tuned<D>() -> RuntimeBuilder<D> {
    let mut ring = tokio_uring::uring_builder();
    ring.setup_single_issuer().setup_defer_taskrun().setup_cqsize(4096);
    RuntimeBuilder::new().with_entries(1024).uring_builder(ring)
}

impl PeerFile for ::monoio::fs::File {
    type Buffer = Pages;

    fn buffer(&self, length: usize) -> Pages {
        Pages::new(length)
    }

    async fn read(&self, buffer: Pages, position: u64) -> Result<(usize, Pages), Failure> {
        let (result, buffer) = self.read_at(buffer, position).await;
        Ok((result?, buffer))
    }

    async fn write(&self, buffer: Pages, position: u64) -> Result<(usize, Pages), Failure> {
        let (result, buffer) = self.write_at(buffer, position).await;
        Ok((result?, buffer))
    }

    async fn sync_data(&self) -> Result<(), Failure> {
        Ok(::monoio::fs::File::sync_data(self).await?)
    }
}
