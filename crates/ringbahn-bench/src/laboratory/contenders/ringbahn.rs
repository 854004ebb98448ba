//! ringbahn, on each of its drivers.
//!
//! A workload is written once, for every [`Host`]: as somebody writes it who uses handles. What is
//! written for one driver alone, because its best is another thing, is beside that driver.

use std::future::Future;
use std::net::{TcpListener, TcpStream};

use futures::StreamExt;
use ringbahn::Ring;

use super::super::contender::{Contender, Failure};
use host::{BufferOf, DriverOf, Host, Spawn};

mod accept;
mod append;
mod cancel;
mod copy;
mod echo;
mod executors;
mod fallback;
mod host;
mod hosted;
mod http;
mod idle;
mod in_flight;
mod iopoll;
mod local;
mod local_handles;
mod metadata;
mod nop;
mod read_random;
mod read_whole;
mod sequential;
mod sharded;
mod shared;
mod sqpoll;
mod timers;
mod wake;

/// ringbahn on each of its drivers, the one that is at its best first.
pub(super) const ALL: [&Contender; 9] = [
    &local::LOCAL,
    &local_handles::LOCAL_HANDLES,
    &shared::SHARED,
    &hosted::HOSTED,
    &hosted::HOSTED_2,
    &sharded::SHARDED,
    &sqpoll::SQPOLL,
    &iopoll::IOPOLL,
    &fallback::FALLBACK,
];

/// What every host does, through handles.
macro_rules! abilities {
    ($host:ty) => {{
        use all::host::Host as _;
        use $crate::laboratory::contender::Abilities;
        use $crate::laboratory::contenders::ringbahn as all;
        Abilities {
            nop: Some(|case, meter| all::nop::run(&<$host>::new()?, case, meter)),
            read_random: Some(|case, meter| {
                let host = <$host>::new()?;
                all::read_random::handles(&host, case, meter, all::read_random::handle)
            }),
            read_sequential: Some(|case, meter| {
                let file = all::sequential::source(meter)?;
                all::sequential::run(&<$host>::new()?, case, meter, file, all::sequential::reader)
            }),
            write_sequential: Some(|case, meter| {
                let file = all::sequential::target(case, meter)?;
                all::sequential::run(&<$host>::new()?, case, meter, file, all::sequential::writer)
            }),
            read_whole: Some(|case, meter| all::read_whole::run(&<$host>::new()?, case, meter)),
            copy: Some(|case, meter| all::copy::run(&<$host>::new()?, case, meter)),
            append: Some(|case, meter| all::append::run(&<$host>::new()?, case, meter)),
            metadata: Some(|case, meter| {
                all::metadata::run(&<$host>::new()?, case, meter, all::metadata::files)
            }),
            echo: Some(|case, listener| {
                let length = case.buffer();
                all::serve(&<$host>::new()?, listener, move |stream| {
                    all::echo::connection(stream, length)
                })
            }),
            accept: Some(|_, listener| {
                all::serve(&<$host>::new()?, listener, all::accept::connection)
            }),
            idle: Some(|_, listener| {
                let host = <$host>::new()?;
                let buffering = host.buffering()?;
                all::serve(&host, listener, |stream| {
                    all::idle::connection(stream.buffered(buffering.clone()))
                })
            }),
            http: Some(|_, listener| all::serve(&<$host>::new()?, listener, all::http::connection)),
            timers: Some(|case, meter| {
                all::timers::run(&<$host>::new()?, case, meter, all::timers::timer)
            }),
            cancel: Some(|case, meter| all::cancel::run(&<$host>::new()?, case, meter)),
            in_flight: Some(|case, meter| all::in_flight::run(&<$host>::new()?, case, meter)),
            wake: Some(|case, meter| all::wake::run(&<$host>::new()?, case, meter)),
            ..Abilities::NONE
        }
    }};
}
use abilities;

/// Starts a task for each connection.
fn serve<H, F>(
    host: &H,
    listener: TcpListener,
    connection: impl Fn(Ring<TcpStream, DriverOf<H>>) -> F,
) -> Result<(), Failure>
where
    H: Spawn<F>,
    F: Future,
{
    host.block_on(async {
        let listener = Ring::new_on_driver(listener, host.driver());
        let mut incoming = listener.incoming();
        while let Some(stream) = incoming.next().await {
            let (stream, _) = stream?;
            stream.set_nodelay(true)?;
            host.detach(connection(stream));
        }
        Ok(())
    })
}

/// Runs tasks side by side, and yields what each has, in their order.
fn together<H, F, T>(host: &H, tasks: impl Iterator<Item = F>) -> Result<Vec<T>, Failure>
where
    H: Spawn<F>,
    F: Future<Output = Result<T, Failure>>,
{
    host.block_on(async {
        let tasks: Vec<_> = tasks.map(|task| host.spawn(task)).collect();
        let mut outputs = Vec::with_capacity(tasks.len());
        for task in tasks {
            outputs.push(task.await?);
        }
        Ok(outputs)
    })
}
