//! Files and connections in tokio and on smol, with no thread besides.

use std::fs::File;
use std::future::Future;
use std::io::{self, Read, SeekFrom, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use futures::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};
use ringbahn::{BufResultExt, HostedDriver, Ring};
use tokio::runtime::Builder;

#[path = "support/support.rs"]
mod support;
use support::{file, skip};

const CLIENTS: usize = 8;
const MESSAGE: usize = 100_000;

fn built(test: &str, driver: io::Result<HostedDriver>) -> Option<HostedDriver> {
    driver.map_err(|error| skip(test, &format!("no io_uring: {error}"))).ok()
}

/// Somebody out there: sends a message and wants it back.
fn client(listener: &TcpListener, number: usize) -> thread::JoinHandle<()> {
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let message = vec![b'a' + number as u8; MESSAGE];
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let mut sender = stream.try_clone().unwrap();
        let sent = message.clone();
        let sending = thread::spawn(move || {
            sender.write_all(&sent).unwrap();
            sender.shutdown(Shutdown::Write).unwrap();
        });
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        sending.join().unwrap();
        assert!(answer == message, "client {number} got {} bytes", answer.len());
    })
}

async fn echo(mut stream: Ring<TcpStream, HostedDriver>) -> u64 {
    let (mut reader, mut writer) = Ring::split(&mut stream);
    let count = ringbahn::io::copy(&mut reader, &mut writer).await.unwrap();
    writer.close().await.unwrap();
    count
}

/// Serves the clients, with `spawn` for each connection, and ends in order.
async fn serve<T: Future<Output = u64>>(
    driver: HostedDriver,
    spawn: impl Fn(Ring<TcpStream, HostedDriver>) -> T,
) {
    let listener =
        Ring::<TcpListener, _>::bind_on_driver((Ipv4Addr::LOCALHOST, 0), driver.clone()).unwrap();
    let clients: Vec<_> = (0..CLIENTS).map(|number| client(listener.get_ref(), number)).collect();
    let mut connections = Vec::new();
    for _ in 0..CLIENTS {
        connections.push(spawn(listener.accept().await.unwrap().0));
    }
    let echoed: u64 = futures::future::join_all(connections).await.into_iter().sum();
    assert_eq!(echoed, (CLIENTS * MESSAGE) as u64);
    clients.into_iter().for_each(|client| client.join().unwrap());
    assert!(driver.is_hosted());
    assert_eq!(driver.shutdown(Duration::from_secs(10)).await.leaked, 0);
}

#[test]
fn an_echo_server_in_tokio() {
    let test = "an_echo_server_in_tokio";
    for mut builder in [Builder::new_current_thread(), Builder::new_multi_thread()] {
        let runtime = builder.enable_io().worker_threads(2).build().unwrap();
        runtime.block_on(async {
            let Some(driver) = built(test, HostedDriver::tokio()) else { return };
            let spawn = |stream| {
                let task = tokio::spawn(echo(stream));
                async { task.await.unwrap() }
            };
            serve(driver, spawn).await;
        });
    }
}

#[test]
fn an_echo_server_on_smol() {
    let test = "an_echo_server_on_smol";
    let executor = smol::Executor::new();
    let spawned = HostedDriver::async_io(|task| executor.spawn(task).detach());
    let Some(driver) = built(test, spawned) else { return };
    smol::block_on(executor.run(serve(driver, |stream| executor.spawn(echo(stream)))));
}

#[test]
fn a_file_in_tokio_is_written_sought_in_and_read() {
    let test = "a_file_in_tokio_is_written_sought_in_and_read";
    let runtime = Builder::new_current_thread().enable_io().build().unwrap();
    runtime.block_on(async {
        let driver = HostedDriver::builder().entries(2).completion_entries(4);
        let Some(driver) = built(test, driver.build_in_tokio()) else { return };
        let mut ring: Ring<File, _> = Ring::new_on_driver(file(b"hello"), driver.clone());
        ring.seek(SeekFrom::End(0)).await.unwrap();
        ring.write_all(b", world").await.unwrap();
        ring.flush().await.unwrap();
        ring.seek(SeekFrom::Start(0)).await.unwrap();
        let mut text = String::new();
        ring.read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "hello, world");
        // Many at a time, each with a buffer of its own.
        let reads = (0..12).map(|at| ring.read_at(Vec::with_capacity(1), at));
        let bytes: Vec<u8> = futures::future::join_all(reads)
            .await
            .into_iter()
            .map(|read| read.both().unwrap().1[0])
            .collect();
        assert_eq!(bytes, b"hello, world");
        ring.close().await.unwrap();
        assert_eq!(driver.shutdown(Duration::from_secs(10)).await.leaked, 0);
    });
}
