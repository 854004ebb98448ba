//! tokio-uring: tokio's runtime of one thread, which watches a ring.

use std::fs;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures::FutureExt as _;
use rustix::fs::OFlags;

use super::library::{Access, Library, Names, PeerFile, Timed};
use super::pages::Pages;
use super::{timers, wake, with_files};
use crate::laboratory::contender::{Abilities, Backend, Contender, Failure, Family};

mod accept;
mod echo;
mod idle;
mod nop;

pub(super) const DEFAULT: Contender = Contender {
    name: "tokio-uring",
    about: "tokio-uring 0.5, as its documentation sets it up",
    family: Family::Peer,
    backend: Backend::IoUring,
    abilities: abilities::<TokioUring<false>>(),
};

pub(super) const TUNED: Contender = Contender {
    name: "tokio-uring-tuned",
    about: "tokio-uring 0.5 upon a ring of one thread, which the kernel does not interrupt",
    family: Family::Peer,
    backend: Backend::IoUring,
    abilities: abilities::<TokioUring<true>>(),
};

const fn abilities<U: Timed + Names>() -> Abilities {
    Abilities {
        nop: Some(nop::nop::<U>),
        echo: Some(echo::echo::<U>),
        accept: Some(accept::accept::<U>),
        idle: Some(idle::idle::<U>),
        timers: Some(timers::timers::<U>),
        wake: Some(wake::wake::<U>),
        ..with_files::<U>()
    }
}

/// The runtime, as its documentation sets it up or tuned.
#[derive(Clone, Copy)]
struct TokioUring<const TUNED: bool>;

impl<const TUNED: bool> Library for TokioUring<TUNED> {
    type File = ::tokio_uring::fs::File;

    fn run<T>(main: impl AsyncFnOnce(Self) -> Result<T, Failure>) -> Result<T, Failure> {
        let mut builder = ::tokio_uring::builder();
        if TUNED {
            // The runtime sleeps in epoll, so that work must not wait until the ring is entered.
            let mut ring = ::tokio_uring::uring_builder();
            ring.setup_single_issuer().setup_coop_taskrun().setup_taskrun_flag();
            builder.entries(1024).uring_builder(ring.setup_cqsize(4096));
        }
        ::tokio_uring::Runtime::new(&builder)?.block_on(main(TokioUring))
    }

    fn spawn<T: 'static>(
        &self,
        task: impl Future<Output = T> + 'static,
    ) -> impl Future<Output = T> {
        ::tokio_uring::spawn(task).map(|result| result.expect("nobody gives the task up"))
    }

    async fn open(&self, path: &Path, access: Access) -> Result<Self::File, Failure> {
        // Its own options do not know all of the kernel's flags, and an open file is as good.
        let mut options = fs::OpenOptions::new();
        match access {
            Access::Read => options.read(true),
            Access::ReadDirect => options.read(true).custom_flags(OFlags::DIRECT.bits() as i32),
            Access::Write => options.write(true).create(true).truncate(true),
            Access::Log => options.write(true).create(true).truncate(false),
        };
        Ok(::tokio_uring::fs::File::from_std(options.open(path)?))
    }
}

impl<const TUNED: bool> Timed for TokioUring<TUNED> {
    fn sleep(duration: Duration) -> impl Future<Output = ()> + 'static {
        tokio::time::sleep(duration)
    }
}

impl<const TUNED: bool> Names for TokioUring<TUNED> {
    async fn come_and_go(&self, path: PathBuf, new: PathBuf) -> Result<(), Failure> {
        use ::tokio_uring::fs;

        fs::File::create(&path).await?.close().await?;
        if fs::statx(&path).await?.stx_size != 0 {
            return Err("a new file is not empty".into());
        }
        fs::rename(&path, &new).await?;
        Ok(fs::remove_file(&new).await?)
    }
}

impl PeerFile for ::tokio_uring::fs::File {
    type Buffer = Pages;

    fn buffer(&self, length: usize) -> Pages {
        Pages::new(length)
    }

    async fn read(&self, buffer: Pages, position: u64) -> Result<(usize, Pages), Failure> {
        let (result, buffer) = self.read_at(buffer, position).await;
        Ok((result?, buffer))
    }

    async fn write(&self, buffer: Pages, position: u64) -> Result<(usize, Pages), Failure> {
        let (result, buffer) = self.write_at(buffer, position).submit().await;
        Ok((result?, buffer))
    }

    async fn sync_data(&self) -> Result<(), Failure> {
        Ok(::tokio_uring::fs::File::sync_data(self).await?)
    }
}
