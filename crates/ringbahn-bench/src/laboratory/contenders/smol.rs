//! smol: its executor for one thread, its reactor, and its threads that may block.

use std::future::Future;
use std::io;
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use smol::io::AsyncReadExt as _;
use smol::{Async, LocalExecutor, Timer, block_on};

use super::super::contender::{Abilities, Backend, Contender, Failure, Family};
use super::runtime::{self, Runtime};

mod accept;
mod cancel;
mod echo;
mod http;
mod idle;

pub(super) const SMOL: Contender = Contender {
    name: "smol",
    about: "smol on one thread; files by calls of std in smol::unblock",
    family: Family::Peer,
    backend: Backend::Epoll,
    abilities: Abilities {
        read_random: Some(runtime::read_random::<OneThread>),
        read_sequential: Some(runtime::read_sequential::<OneThread>),
        write_sequential: Some(runtime::write_sequential::<OneThread>),
        copy: Some(runtime::copy::<OneThread>),
        append: Some(runtime::append::<OneThread>),
        metadata: Some(runtime::metadata::<OneThread>),
        read_whole: Some(runtime::read_whole::<OneThread>),
        echo: Some(echo::echo),
        accept: Some(accept::accept),
        idle: Some(idle::idle),
        http: Some(http::http),
        timers: Some(runtime::timers::<OneThread>),
        cancel: Some(cancel::cancel),
        in_flight: Some(runtime::in_flight::<OneThread>),
        wake: Some(runtime::wake::<OneThread>),
        ..Abilities::NONE
    },
};

/// The executor of one thread.
struct OneThread(LocalExecutor<'static>);

impl Runtime for OneThread {
    type Socket = Async<UnixStream>;

    fn new() -> Result<OneThread, Failure> {
        Ok(OneThread(LocalExecutor::new()))
    }

    fn all<F, T>(&self, tasks: impl IntoIterator<Item = F>) -> Result<Vec<T>, Failure>
    where
        F: Future<Output = Result<T, Failure>> + Send + 'static,
        T: Send + 'static,
    {
        block_on(self.0.run(async {
            let tasks: Vec<_> = tasks.into_iter().map(|task| self.0.spawn(task)).collect();
            let mut results = Vec::with_capacity(tasks.len());
            for task in tasks {
                results.push(task.await?);
            }
            Ok(results)
        }))
    }

    async fn block<T: Send + 'static>(
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Failure> {
        Ok(smol::unblock(work).await)
    }

    async fn sleep(duration: Duration) {
        Timer::after(duration).await;
    }

    fn socket(socket: UnixStream) -> io::Result<Async<UnixStream>> {
        Async::new(socket)
    }

    async fn receive(mut socket: Async<UnixStream>) -> io::Result<(usize, Async<UnixStream>)> {
        let received = socket.read(&mut [0]).await?;
        Ok((received, socket))
    }
}

/// Accepts connections for as long as the process lives, and has a task serve each.
fn serve<F>(listener: TcpListener, serve_one: impl Fn(Async<TcpStream>) -> F) -> Result<(), Failure>
where
    F: Future<Output = io::Result<()>> + 'static,
{
    let executor = LocalExecutor::new();
    block_on(executor.run(async {
        let listener = Async::new(listener)?;
        loop {
            let (connection, _) = listener.accept().await?;
            connection.get_ref().set_nodelay(true)?;
            executor.spawn(serve_one(connection)).detach();
        }
    }))
}
