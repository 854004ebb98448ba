//! Operations of all kinds, each with the right result.

use std::future::poll_fn;
use std::net::TcpListener;
use std::pin::pin;
use std::time::{Duration, Instant};

use ringbahn_core::event::{
    Accept, Close, Connect, Domain, EventExt, Fsync, Interest, Nop, OpenAt, OpenOptions, PollAdd,
    Position, Read, Recv, Send, Socket, Timeout, Type, Write,
};
use ringbahn_core::{Drive, SharedFd};

use crate::canary::Canary;
use crate::local::poll_once;
use crate::scene::{pipe, shared};

/// A file, a connection, a timer, and operations that are taken back.
pub(crate) async fn everyday_work<D: Drive + Clone>(driver: &D) {
    driver.clone().submit(Nop).await.unwrap();
    files(driver).await;
    connections(driver).await;

    let begin = Instant::now();
    driver.clone().submit(Timeout::new(Duration::from_millis(2))).await.unwrap();
    assert!(begin.elapsed() >= Duration::from_millis(2));

    let (reader, _writer) = pipe();
    let new = || Read::new(reader.clone(), Canary::new(), Position::Current);
    let mut dropped = Box::pin(driver.clone().submit(new()));
    assert!(poll_once(dropped.as_mut()).await.is_pending());
    drop(dropped);
    let mut cancelled = Box::pin(driver.clone().submit(new()));
    assert!(poll_once(cancelled.as_mut()).await.is_pending());
    let cancelled = poll_fn(|cx| cancelled.as_mut().poll_cancel(cx)).await;
    assert!(cancelled.is_cancelled());
}

async fn files<D: Drive + Clone>(driver: &D) {
    let file = shared(tempfile::tempfile().unwrap());
    let write = Write::new(file.clone(), "what is written", Position::At(3));
    let chain = write.link(Fsync::new(file.clone()));
    let ((written, _), synced) = driver.clone().submit(chain).await;
    assert_eq!((written.unwrap(), synced.unwrap()), (15, ()));
    let read = Read::new(file, vec![1; 32], Position::At(0));
    let (count, buffer) = driver.clone().submit(read).await;
    assert_eq!(&buffer[..count.unwrap()], b"\0\0\0what is written");
    let open = OpenAt::new("/dev/zero", OpenOptions::new().read(true)).unwrap();
    let opened = driver.clone().submit(open).await.unwrap();
    driver.clone().submit(Close::new(opened)).await.unwrap();
}

async fn connections<D: Drive + Clone>(driver: &D) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mut accept = pin!(driver.clone().submit(Accept::new(shared(listener))));
    assert!(poll_once(accept.as_mut()).await.is_pending());
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None);
    let client = SharedFd::from(driver.clone().submit(socket).await.unwrap());
    driver.clone().submit(Connect::new(client.clone(), address)).await.unwrap();
    let (server, _) = accept.await.unwrap();
    let server = SharedFd::from(server);
    let mut receive = pin!(driver.clone().submit(Recv::new(server.clone(), vec![0; 8])));
    assert!(poll_once(receive.as_mut()).await.is_pending());
    let mut poll = pin!(driver.clone().submit(PollAdd::new(client.clone(), Interest::READABLE)));
    assert!(poll_once(poll.as_mut()).await.is_pending());
    driver.clone().submit(Send::new(client.clone(), "ping")).await.0.unwrap();
    let (count, buffer) = receive.await;
    assert_eq!(&buffer[..count.unwrap()], b"ping");
    driver.clone().submit(Send::new(server, "pong")).await.0.unwrap();
    assert!(poll.await.unwrap().is_readable());
    let (count, buffer) = driver.clone().submit(Recv::new(client, vec![0; 8])).await;
    assert_eq!(&buffer[..count.unwrap()], b"pong");
}
