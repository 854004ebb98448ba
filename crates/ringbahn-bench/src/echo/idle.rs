//! What a connection costs that nothing comes from: what the program keeps for it, beside what the
//! kernel does.

use std::error::Error;
use std::future::poll_fn;
use std::io;
use std::net::UdpSocket;
use std::sync::Arc;
use std::task::Poll;

use async_executor::LocalExecutor;
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
    // Any socket that nothing comes from will do, and one without another end is one descriptor.
    let sockets = (0..CONNECTIONS).map(|_| UdpSocket::bind("127.0.0.1:0").map(Arc::new));
    let sockets = sockets.collect::<io::Result<Vec<_>>>()?;

    let driver = driver()?;
    let group = driver.buffer_group(BUFFERS.0, BUFFERS.1)?;
    let task = |socket| ringbahn::echo(driver.clone(), socket, group.clone());
    report("a task with a stream of provided buffers", &driver, &sockets, task);

    let driver = self::driver()?;
    let task = |socket| {
        let driver = driver.clone();
        async move {
            let receive = Recv::new(socket, Vec::with_capacity(OWN_BUFFER));
            driver.submit(receive).await.0.map(drop)
        }
    };
    report("a task with a receive into 4 KiB of its own", &driver, &sockets, task);
    Ok(())
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

fn report<F: Future<Output = io::Result<()>>>(
    name: &str,
    driver: &LocalDriver,
    sockets: &[Arc<UdpSocket>],
    task: impl Fn(SharedFd) -> F,
) {
    let executor = LocalExecutor::new();
    // What grows with the first connections only is there before.
    driver.block_on(executor.run(turn()));
    let (tasks, bytes) = allocations::bytes(|| {
        let tasks: Vec<_> = sockets
            .iter()
            .map(|socket| executor.spawn(task(SharedFd::new(socket.clone()))))
            .collect();
        driver.block_on(executor.run(async {
            while driver.counters().in_flight < sockets.len() as u64 {
                turn().await;
            }
        }));
        tasks
    });
    println!("{:>12.0} {name}", bytes as f64 / sockets.len() as f64);
    drop(tasks);
}
