//! What a connection costs that nothing comes from: what the program keeps for it, beside what the
//! kernel does.

use std::error::Error;
use std::future::poll_fn;
use std::io;
use std::net::{TcpStream, UdpSocket};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::task::Poll;

use ::ringbahn::{Buffering, Heap, Provided, Ring};
use async_executor::LocalExecutor;
use futures::io::AsyncBufReadExt;
use ringbahn_core::event::Recv;
use ringbahn_core::{Drive, SharedFd};
use ringbahn_drivers::LocalDriver;

use super::{BUFFERS, ringbahn};
use crate::allocations;

/// How many connections wait.
const CONNECTIONS: usize = 10_000;
/// What a connection receives into that brings a buffer of its own.
const OWN_BUFFER: usize = 4096;

pub(super) fn run() -> Result<(), Box<dyn Error>> {
    println!("{CONNECTIONS} idle connections: bytes that the program has allocated for each");
    stream()?;
    receive()?;
    handle("a task with a handle, whose buffers are of the heap", |_| Ok(Heap))?;
    handle("a task with a handle, whose buffers the kernel chooses", |driver| {
        Ok(Provided::new(driver.buffer_group(BUFFERS.0, BUFFERS.1)?))
    })?;
    Ok(())
}

fn stream() -> io::Result<()> {
    let driver = driver()?;
    let group = driver.buffer_group(BUFFERS.0, BUFFERS.1)?;
    let task = |socket| ringbahn::echo(driver.clone(), SharedFd::new(socket), group.clone());
    let sockets = sockets()?.map(Arc::new);
    report("a task with a stream of provided buffers", &driver, sockets.collect(), task);
    Ok(())
}

fn receive() -> io::Result<()> {
    let driver = driver()?;
    let task = |socket| {
        let driver = driver.clone();
        async move {
            let receive = Recv::new(SharedFd::new(socket), Vec::with_capacity(OWN_BUFFER));
            driver.submit(receive).await.0.map(drop)
        }
    };
    let sockets = sockets()?.map(Arc::new);
    report("a task with a receive into 4 KiB of its own", &driver, sockets.collect(), task);
    Ok(())
}

/// The same with a handle, which reads through its traits.
fn handle<B: Buffering + Clone>(
    name: &str,
    buffering: impl FnOnce(&LocalDriver) -> io::Result<B>,
) -> io::Result<()> {
    let driver = driver()?;
    let buffering = buffering(&driver)?;
    let task = |socket| {
        let mut handle = Ring::new_on_driver(socket, driver.clone()).buffered(buffering.clone());
        // A block, since an argument of an async function would be in its future twice.
        async move {
            loop {
                let count = handle.fill_buf().await?.len();
                if count == 0 {
                    return Ok(());
                }
                handle.consume_unpin(count);
            }
        }
    };
    let sockets = sockets()?.map(|socket| TcpStream::from(OwnedFd::from(socket)));
    report(name, &driver, sockets.collect(), task);
    Ok(())
}

/// Sockets that nothing comes from. Any will do, and one without another end is one descriptor.
fn sockets() -> io::Result<impl Iterator<Item = UdpSocket>> {
    let sockets = (0..CONNECTIONS).map(|_| UdpSocket::bind("127.0.0.1:0"));
    Ok(sockets.collect::<io::Result<Vec<_>>>()?.into_iter())
}

/// Is pending once: others have their turn meanwhile.
async fn turn() {
    let mut waited = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut waited, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

fn driver() -> io::Result<LocalDriver> {
    LocalDriver::builder().serve_at_once(false).build()
}

/// Starts a task for each of the sockets, and tells what they keep when all of them wait.
fn report<S, F: Future<Output = io::Result<()>>>(
    name: &str,
    driver: &LocalDriver,
    sockets: Vec<S>,
    task: impl Fn(S) -> F,
) {
    let executor = LocalExecutor::new();
    // What grows with the first connections only is there before.
    driver.block_on(executor.run(turn()));
    // The sockets move into their tasks out of memory that is freed with the last one.
    let mut sockets = sockets.into_iter();
    let count = sockets.len();
    let (tasks, bytes) = allocations::bytes(|| {
        let sockets = sockets.by_ref();
        let tasks: Vec<_> = sockets.map(|socket| executor.spawn(task(socket))).collect();
        driver.block_on(executor.run(async {
            while driver.counters().in_flight < count as u64 {
                turn().await;
            }
        }));
        tasks
    });
    println!("{:>12.0} {name}", bytes as f64 / count as f64);
    drop(tasks);
}
