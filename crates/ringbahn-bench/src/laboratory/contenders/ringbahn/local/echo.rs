//! Messages that are sent back: a stream of connections, which live in slots of the ring, and for
//! each a stream of what it receives into buffers that the kernel chooses.

use std::io;
use std::net::TcpListener;
use std::pin::pin;
use std::sync::Arc;

use futures::StreamExt as _;
use ringbahn::event::{AcceptIntoSlots, RecvMulti, SendAll};
use ringbahn::{BufferGroup, Drive as _, LocalDriver, Policy, SharedFd};
use ringbahn_drivers::LocalTasks;
use rustix::net::sockopt::set_tcp_nodelay;

use crate::laboratory::case::Echo;
use crate::laboratory::contender::Failure;

/// How many connections there may be beside those that are measured, which only look whether
/// somebody listens.
const OTHERS: u32 = 64;

pub(super) fn serve(case: &Echo, listener: TcpListener) -> Result<(), Failure> {
    let completions = (4 * case.connections).next_power_of_two().clamp(4096, 1 << 16);
    let builder = LocalDriver::builder().entries(1024).completion_entries(completions);
    // Whatever the environment says: this one is the ring.
    let driver = builder.serve_at_once(false).policy(Policy::Require).build()?;
    let group = driver.buffer_group(case.buffers(), case.buffer() as u32)?;
    let slots = driver.direct_table(case.connections + OTHERS)?;
    let tasks = LocalTasks::new(&driver);
    // Connections inherit it.
    set_tcp_nodelay(&listener, true)?;
    let listener = SharedFd::new(Arc::new(listener));
    driver.block_on(async {
        let mut incoming = driver.clone().stream(AcceptIntoSlots::new(listener, &slots));
        while let Some(connection) = incoming.next().await {
            let socket = SharedFd::from(connection?);
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
