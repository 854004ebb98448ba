//! tokio, on one thread and on two, with calls of std on its threads that may block.

use std::future::Future;
use std::io;
use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::net::UnixStream;
use tokio::runtime::{Builder, Runtime as Executor};
use tokio::{task, time};

use super::super::contender::{Abilities, Backend, Contender, Failure, Family};
use super::runtime::{self, Runtime};

mod accept;
mod cancel;
mod echo;
mod http;
mod idle;

pub(super) const TOKIO: Contender = Contender {
    name: "tokio",
    about: "tokio on one thread; files by calls of std in spawn_blocking",
    family: Family::Peer,
    backend: Backend::Epoll,
    abilities: abilities::<OneThread>(),
};

pub(super) const TOKIO_2: Contender = Contender {
    name: "tokio-2",
    about: "tokio with two workers; files by calls of std in spawn_blocking",
    family: Family::Peer,
    backend: Backend::Epoll,
    abilities: abilities::<TwoWorkers>(),
};

/// What both schedulers do.
const fn abilities<R: Tokio>() -> Abilities {
    Abilities {
        read_random: Some(runtime::read_random::<R>),
        read_sequential: Some(runtime::read_sequential::<R>),
        write_sequential: Some(runtime::write_sequential::<R>),
        copy: Some(runtime::copy::<R>),
        append: Some(runtime::append::<R>),
        metadata: Some(runtime::metadata::<R>),
        read_whole: Some(runtime::read_whole::<R>),
        echo: Some(echo::echo::<R>),
        accept: Some(accept::accept::<R>),
        idle: Some(idle::idle::<R>),
        http: Some(http::http::<R>),
        timers: Some(runtime::timers::<R>),
        cancel: Some(cancel::cancel::<R>),
        in_flight: Some(runtime::in_flight::<R>),
        wake: Some(runtime::wake::<R>),
        ..Abilities::NONE
    }
}

/// The scheduler of one thread.
pub(super) struct OneThread(Executor);

/// The scheduler of several threads, with two of them.
struct TwoWorkers(Executor);

/// A runtime of tokio.
pub(super) trait Tokio: Runtime {
    fn executor(&self) -> &Executor;

    /// Has a task serve, which ends by failing only.
    fn serve(
        &self,
        server: impl Future<Output = io::Result<()>> + Send + 'static,
    ) -> Result<(), Failure> {
        // Among the workers, where there are any: this thread is none of them.
        let executor = self.executor();
        Ok(executor.block_on(executor.spawn(server))??)
    }
}

impl Tokio for OneThread {
    fn executor(&self) -> &Executor {
        &self.0
    }
}

impl Tokio for TwoWorkers {
    fn executor(&self) -> &Executor {
        &self.0
    }
}

macro_rules! runtime {
    ($name:ident, $builder:expr) => {
        impl Runtime for $name {
            type Socket = UnixStream;

            fn new() -> Result<$name, Failure> {
                Ok($name($builder.enable_all().build()?))
            }

            fn all<F, T>(&self, tasks: impl IntoIterator<Item = F>) -> Result<Vec<T>, Failure>
            where
                F: Future<Output = Result<T, Failure>> + Send + 'static,
                T: Send + 'static,
            {
                self.0.block_on(async {
                    let tasks: Vec<_> = tasks.into_iter().map(tokio::spawn).collect();
                    let mut results = Vec::with_capacity(tasks.len());
                    for task in tasks {
                        results.push(task.await??);
                    }
                    Ok(results)
                })
            }

            async fn block<T: Send + 'static>(
                work: impl FnOnce() -> T + Send + 'static,
            ) -> Result<T, Failure> {
                Ok(task::spawn_blocking(work).await?)
            }

            fn sleep(duration: Duration) -> impl Future<Output = ()> + Send {
                time::sleep(duration)
            }

            fn socket(socket: std::os::unix::net::UnixStream) -> io::Result<UnixStream> {
                socket.set_nonblocking(true)?;
                UnixStream::from_std(socket)
            }

            async fn receive(mut socket: UnixStream) -> io::Result<(usize, UnixStream)> {
                let received = socket.read(&mut [0]).await?;
                Ok((received, socket))
            }
        }
    };
}

runtime!(OneThread, Builder::new_current_thread());
runtime!(TwoWorkers, Builder::new_multi_thread().worker_threads(2));
