//! Messages that are sent back: a stream of connections, and for each a stream of what it receives
//! into buffers that the kernel chooses.

use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::pin::pin;
use std::sync::Arc;

use futures::StreamExt;
use ringbahn_core::event::{AcceptMulti, RecvMulti, Send};
use ringbahn_core::{BufferGroup, Drive, SharedFd};
use ringbahn_drivers::{LocalDriver, LocalTasks};

use crate::laboratory::case::Echo;
use crate::laboratory::contender::Failure;

/// The buffers of a server: how many, and how large.
const BUFFERS: (u16, u32) = (2048, 1024);

pub(super) fn echo(case: &Echo, listener: TcpListener) -> Result<(), Failure> {
    let builder = LocalDriver::builder().entries(1024).completion_entries(4096);
    let driver = builder.serve_at_once(false).build()?;
    let group = driver.buffer_group(BUFFERS.0, BUFFERS.1.max(u32::try_from(case.length)?))?;
    let tasks = LocalTasks::new(&driver);
    let listener = SharedFd::new(Arc::new(listener));
    driver.block_on(async {
        let mut incoming = driver.clone().stream(AcceptMulti::new(listener));
        while let Some(connection) = incoming.next().await {
            let socket = SharedFd::new(Arc::new(OwnedFd::from(connection?)));
            tasks.spawn(serve(driver.clone(), socket, group.clone())).detach();
        }
        Ok(())
    })
}

/// Sends back what comes.
async fn serve(driver: LocalDriver, socket: SharedFd, group: BufferGroup) -> std::io::Result<()> {
    let mut data = driver.clone().stream(RecvMulti::new(socket.clone(), &group));
    let Some(first) = data.next().await else { return Ok(()) };
    let mut send = pin!(driver.submit(Send::new(socket.clone(), first?)));
    loop {
        send.as_mut().await.0?;
        let Some(message) = data.next().await else { return Ok(()) };
        send.as_mut().restart(Send::new(socket.clone(), message?));
    }
}
