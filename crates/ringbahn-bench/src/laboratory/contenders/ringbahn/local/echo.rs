//! Messages that are sent back: a stream of connections, and for each a stream of what it receives
//! into buffers that the kernel chooses.

use std::io;
use std::net::{TcpListener, TcpStream};
use std::pin::pin;
use std::sync::Arc;

use futures::StreamExt as _;
use ringbahn::event::{AcceptMulti, RecvMulti, SendAll};
use ringbahn::{BufferGroup, Drive as _, LocalDriver, SharedFd};
use ringbahn_drivers::LocalTasks;

use super::super::host::Build as _;
use super::Below;
use crate::laboratory::case::Echo;
use crate::laboratory::contender::Failure;

/// The buffers of a busy server: how many at the least, and how long the shortest are.
const BUFFERS: (u32, u32) = (2048, 1024);

/// A server for messages of this length, with a buffer for each connection.
pub(super) fn run(case: &Echo, listener: TcpListener) -> Result<(), Failure> {
    let count = BUFFERS.0.max(case.connections.next_power_of_two());
    let length = BUFFERS.1.max(case.length.try_into()?);
    let driver = Below::build()?;
    let group = driver.buffer_group(count.try_into()?, length)?;
    let tasks = LocalTasks::new(&driver);
    let listener = SharedFd::new(Arc::new(listener));
    driver.block_on(async {
        let mut incoming = driver.clone().stream(AcceptMulti::new(listener));
        while let Some(connection) = incoming.next().await {
            let stream = TcpStream::from(connection?);
            stream.set_nodelay(true)?;
            let socket = SharedFd::new(Arc::new(stream));
            tasks.spawn(echo(driver.clone(), socket, group.clone())).detach();
        }
        Ok(())
    })
}

/// Sends back what comes.
async fn echo(driver: LocalDriver, socket: SharedFd, group: BufferGroup) -> io::Result<()> {
    let mut data = driver.clone().stream(RecvMulti::new(socket.clone(), &group));
    let Some(first) = data.next().await else { return Ok(()) };
    let mut send = pin!(driver.submit(SendAll::new(socket.clone(), first?)));
    loop {
        send.as_mut().await.0?;
        let Some(message) = data.next().await else { return Ok(()) };
        send.as_mut().restart(SendAll::new(socket.clone(), message?));
    }
}
