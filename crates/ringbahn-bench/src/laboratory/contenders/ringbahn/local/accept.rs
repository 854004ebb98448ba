//! Connections that come and go: a stream of them, each in a slot of the ring and without a
//! descriptor.

use std::io;
use std::net::TcpListener;
use std::sync::Arc;

use futures::StreamExt as _;
use ringbahn::event::{AcceptIntoSlots, Recv, SendAll};
use ringbahn::{BufResultExt as _, Drive as _, LocalDriver, SharedFd};
use ringbahn_drivers::LocalTasks;

use super::super::host::Build as _;
use super::Below;
use crate::laboratory::contender::Failure;

/// How many connections there may be at a time.
const SLOTS: u32 = 4096;

pub(super) fn serve(listener: TcpListener) -> Result<(), Failure> {
    let driver = Below::build()?;
    let table = driver.direct_table(SLOTS)?;
    let tasks = LocalTasks::new(&driver);
    let listener = SharedFd::new(Arc::new(listener));
    driver.block_on(async {
        let mut incoming = driver.clone().stream(AcceptIntoSlots::new(listener, &table));
        while let Some(connection) = incoming.next().await {
            tasks.spawn(answer(driver.clone(), SharedFd::from(connection?))).detach();
        }
        Ok(())
    })
}

/// Sends a byte back, and closes the connection, which is its last use.
async fn answer(driver: LocalDriver, socket: SharedFd) -> io::Result<()> {
    let (count, byte) = driver.clone().submit(Recv::new(socket.clone(), [0])).await.both()?;
    if count > 0 {
        driver.submit(SendAll::new(socket, byte)).await.both()?;
    }
    Ok(())
}
