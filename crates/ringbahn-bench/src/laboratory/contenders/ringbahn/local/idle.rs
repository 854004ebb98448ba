//! Connections that wait: of each there is one receive, whose buffer the kernel chooses when there
//! is something to receive, and nothing else. Nobody awaits it. Whoever takes its end hands the
//! connection on with what has come, and there is a task until that has been sent back.

use std::future::{Future as _, poll_fn};
use std::io;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;

use futures::StreamExt as _;
use futures::channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use ringbahn::event::{AcceptMulti, RecvProvided, Rescued, SendAll};
use ringbahn::{BufferGroup, Drive as _, LocalDriver, ProvidedBuffer, SharedFd};
use ringbahn_drivers::LocalTasks;
use rustix::net::sockopt::set_tcp_nodelay;

use super::super::host::{Build as _, SHARED_BUFFERS};
use super::Below;
use crate::laboratory::contender::Failure;

/// What has come upon a connection.
type Received = (Arc<OwnedFd>, io::Result<Option<ProvidedBuffer>>);

struct Server {
    driver: LocalDriver,
    group: BufferGroup,
    received: UnboundedSender<Received>,
}

pub(super) fn serve(listener: TcpListener) -> Result<(), Failure> {
    let driver = Below::build()?;
    let group = driver.buffer_group(SHARED_BUFFERS.0, SHARED_BUFFERS.1)?;
    let tasks = LocalTasks::new(&driver);
    // Connections inherit it.
    set_tcp_nodelay(&listener, true)?;
    let listener = SharedFd::new(Arc::new(listener));
    let (received, messages) = unbounded();
    let server = Rc::new(Server { driver: driver.clone(), group, received });
    let answers = LocalTasks::new(&driver);
    driver.block_on(async {
        tasks.spawn(answer_all(server.clone(), messages, answers)).detach();
        let mut incoming = driver.clone().stream(AcceptMulti::new(listener));
        while let Some(connection) = incoming.next().await {
            server.receive(Arc::new(connection?)).await;
        }
        Ok(())
    })
}

async fn answer_all(
    server: Rc<Server>,
    mut messages: UnboundedReceiver<Received>,
    answers: LocalTasks,
) {
    while let Some((socket, message)) = messages.next().await {
        // At its end, or with an error, a connection is closed by its last use.
        if let Ok(Some(message)) = message {
            answers.spawn(answer(server.clone(), socket, message)).detach();
        }
    }
}

/// Sends back what has come, and waits for more.
async fn answer(
    server: Rc<Server>,
    socket: Arc<OwnedFd>,
    message: ProvidedBuffer,
) -> io::Result<()> {
    let send = SendAll::new(SharedFd::new(socket.clone()), message);
    server.driver.clone().submit(send).await.0?;
    server.receive(socket).await;
    Ok(())
}

impl Server {
    /// Has the driver receive upon a connection, and hand on what comes.
    async fn receive(&self, socket: Arc<OwnedFd>) {
        let hand_on = {
            let (socket, received) = (socket.clone(), self.received.clone());
            move |message| drop(received.unbounded_send((socket, message)))
        };
        let receive = RecvProvided::new(SharedFd::new(socket.clone()), &self.group);
        let receive = self.driver.clone().submit(Rescued::new(receive, hand_on));
        let mut receive = pin!(receive);
        let at_once = poll_fn(|cx| match receive.as_mut().poll(cx) {
            Poll::Ready(message) => Poll::Ready(Some(message)),
            Poll::Pending if receive.is_in_flight() => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        });
        match at_once.await {
            Some(message) => drop(self.received.unbounded_send((socket, message))),
            None => receive.detach(),
        }
    }
}
