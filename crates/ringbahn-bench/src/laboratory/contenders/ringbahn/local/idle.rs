//! Connections that wait: of each there is one receive, whose buffer the kernel chooses when there
//! is something to receive, and no send that has ended.

use std::io;
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

use futures::StreamExt as _;
use ringbahn::event::{AcceptMulti, RecvProvided, SendAll};
use ringbahn::{BufferGroup, Drive as _, LocalDriver, SharedFd};
use ringbahn_drivers::LocalTasks;

use super::super::host::{Build as _, SHARED_BUFFERS};
use super::Below;
use crate::laboratory::contender::Failure;

pub(super) fn serve(listener: TcpListener) -> Result<(), Failure> {
    let driver = Below::build()?;
    let group = driver.buffer_group(SHARED_BUFFERS.0, SHARED_BUFFERS.1)?;
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
    loop {
        let receive = RecvProvided::new(socket.clone(), &group);
        let Some(message) = driver.clone().submit(receive).await? else { return Ok(()) };
        driver.clone().submit(SendAll::new(socket.clone(), message)).await.0?;
    }
}
