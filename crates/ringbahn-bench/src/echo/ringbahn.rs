//! The echo server on the driver of one thread.

use std::io;
use std::net::TcpStream;
use std::pin::pin;
use std::sync::Arc;

use futures::StreamExt;
use ringbahn_core::event::{RecvMulti, Send};
use ringbahn_core::{BufferGroup, Drive, SharedFd};
use ringbahn_drivers::{LocalDriver, LocalTasks};

use super::{BUFFERS, ENTRIES};

pub(super) fn serve(connections: Vec<TcpStream>, at_once: bool) -> io::Result<()> {
    let builder = LocalDriver::builder().entries(ENTRIES.0).completion_entries(ENTRIES.1);
    let driver = builder.serve_at_once(at_once).build()?;
    let group = driver.buffer_group(BUFFERS.0, BUFFERS.1)?;
    let tasks = LocalTasks::new(&driver);
    let echoes: Vec<_> = connections
        .into_iter()
        .map(|connection| {
            let socket = SharedFd::new(Arc::new(connection));
            tasks.spawn(echo(driver.clone(), socket, group.clone()))
        })
        .collect();
    driver.block_on(async {
        for echo in echoes {
            echo.await?;
        }
        Ok(())
    })
}

/// Sends back what comes.
pub(super) async fn echo(
    driver: LocalDriver,
    socket: SharedFd,
    group: BufferGroup,
) -> io::Result<()> {
    let mut data = driver.clone().stream(RecvMulti::new(socket.clone(), &group));
    let Some(first) = data.next().await else { return Ok(()) };
    let mut send = pin!(driver.submit(Send::new(socket.clone(), first?)));
    loop {
        // The messages are short, so each goes out whole.
        send.as_mut().await.0?;
        let Some(message) = data.next().await else { return Ok(()) };
        send.as_mut().restart(Send::new(socket.clone(), message?));
    }
}
