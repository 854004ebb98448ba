//! compio: a runtime of one thread upon the means of the system, here a ring.

use std::num::NonZero;
use std::path::Path;
use std::time::Duration;

use ::compio::buf::BufResult;
use ::compio::driver::ProactorBuilder;
use ::compio::io::{AsyncReadAt as _, AsyncWriteAt as _};
use ::compio::runtime;
use futures::FutureExt as _;
use rustix::fs::OFlags;

use super::library::{Access, Library, Names, PeerFile, Timed};
use super::pages::Pages;
use super::{timers, wake, with_files};
use crate::laboratory::contender::{Abilities, Backend, Contender, Failure, Family};

mod accept;
mod echo;
mod http;
mod idle;
mod names;

pub(super) const DEFAULT: Contender = Contender {
    name: "compio",
    about: "compio 0.19, as its documentation sets it up",
    family: Family::Peer,
    backend: Backend::IoUring,
    abilities: Abilities {
        echo: Some(echo::echo),
        accept: Some(accept::accept),
        ..abilities::<Compio<false>>()
    },
};

pub(super) const TUNED: Contender = Contender {
    name: "compio-tuned",
    about: "compio 0.19 upon a ring of one thread, to which the kernel's work is deferred; \
            connections and messages come as streams, these in buffers that the kernel chooses",
    family: Family::Peer,
    backend: Backend::IoUring,
    abilities: Abilities {
        echo: Some(echo::echo_multishot),
        accept: Some(accept::accept_multishot),
        ..abilities::<Compio<true>>()
    },
};

const fn abilities<C: Runtime>() -> Abilities {
    Abilities {
        idle: Some(idle::idle::<C>),
        http: Some(http::http::<C>),
        timers: Some(timers::timers::<C>),
        wake: Some(wake::wake::<C>),
        ..with_files::<C>()
    }
}

/// The runtime, as its documentation sets it up or tuned.
#[derive(Clone, Copy)]
struct Compio<const TUNED: bool>;

/// Either of the two.
trait Runtime: Timed + Names {
    /// [`Library::run`], with a pool of buffers: how many, and how long, in bytes.
    ///
    /// # Errors
    ///
    /// Those of [`Library::run`].
    fn run_with_buffers<T>(
        buffers: Option<(u16, u32)>,
        main: impl AsyncFnOnce(Self) -> Result<T, Failure>,
    ) -> Result<T, Failure>;
}

impl<const TUNED: bool> Runtime for Compio<TUNED> {
    fn run_with_buffers<T>(
        buffers: Option<(u16, u32)>,
        main: impl AsyncFnOnce(Self) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let mut proactor = ProactorBuilder::new();
        if let Some((number, length)) = buffers {
            let number = NonZero::new(number).ok_or("a pool has buffers")?;
            proactor.buffer_pool_size(number).buffer_pool_buffer_len(length as usize);
        }
        if TUNED {
            proactor.single_issuer(true).defer_taskrun(true).taskrun_flag(true).cqsize(4096);
        }
        runtime::Runtime::builder().with_proactor(proactor).build()?.block_on(main(Compio))
    }
}

impl<const TUNED: bool> Library for Compio<TUNED> {
    type File = ::compio::fs::File;

    fn run<T>(main: impl AsyncFnOnce(Self) -> Result<T, Failure>) -> Result<T, Failure> {
        Self::run_with_buffers(None, main)
    }

    fn spawn<T: 'static>(
        &self,
        task: impl Future<Output = T> + 'static,
    ) -> impl Future<Output = T> {
        runtime::spawn(task).map(|result| result.expect("nobody gives the task up"))
    }

    async fn open(&self, path: &Path, access: Access) -> Result<Self::File, Failure> {
        let mut options = ::compio::fs::OpenOptions::new();
        match access {
            Access::Read => options.read(true),
            Access::ReadDirect => options.read(true).custom_flags(OFlags::DIRECT.bits() as i32),
            Access::Write => options.write(true).create(true).truncate(true),
            Access::Log => options.write(true).create(true),
        };
        Ok(options.open(path).await?)
    }
}

impl<const TUNED: bool> Timed for Compio<TUNED> {
    fn sleep(duration: Duration) -> impl Future<Output = ()> + 'static {
        ::compio::time::sleep(duration)
    }
}

impl PeerFile for ::compio::fs::File {
    type Buffer = Pages;

    fn buffer(&self, length: usize) -> Pages {
        Pages::new(length)
    }

    async fn read(&self, buffer: Pages, position: u64) -> Result<(usize, Pages), Failure> {
        let BufResult(result, buffer) = self.read_at(buffer, position).await;
        Ok((result?, buffer))
    }

    async fn write(&self, buffer: Pages, position: u64) -> Result<(usize, Pages), Failure> {
        let mut file = self;
        let BufResult(result, buffer) = file.write_at(buffer, position).await;
        Ok((result?, buffer))
    }

    async fn sync_data(&self) -> Result<(), Failure> {
        Ok(::compio::fs::File::sync_data(self).await?)
    }
}
