//! A listener of a Unix socket, at a path and at an abstract name, with accepts in `select!`.
//!
//! Goal: every client is served, however often the accept is dropped.

use std::io::{Read, Write};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::pin::pin;
use std::thread;
use std::time::Duration;

use futures::executor::block_on;
use futures::future::{Either, select};
use futures::{AsyncReadExt, AsyncWriteExt, StreamExt};
use ringbahn::Ring;

#[path = "support/support.rs"]
mod support;
use support::{driver, pause, poll_once};

const CLIENTS: usize = 100;

#[test]
fn every_client_is_served() {
    let Some(driver) = driver("every_client_is_served") else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket").into_os_string().into_string().unwrap();
    let name = format!("ringbahn-listener-{}", std::process::id());
    for (at, address) in [
        (path.clone(), SocketAddr::from_pathname(&path).unwrap()),
        (format!("\0{name}"), SocketAddr::from_abstract_name(&name).unwrap()),
    ] {
        let listener = Ring::<UnixListener, _>::bind_on_driver(&at, driver.clone()).unwrap();
        let clients = thread::spawn(move || {
            for number in 0..CLIENTS {
                let mut stream = UnixStream::connect_addr(&address).unwrap();
                stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
                stream.write_all(&[number as u8]).unwrap();
                let mut answer = [0];
                stream.read_exact(&mut answer).unwrap();
                assert_eq!(usize::from(answer[0]), number);
            }
        });
        block_on(async {
            let (mut accepted, mut turns) = (0, 0_u64);
            while accepted < CLIENTS {
                turns += 1;
                let won = {
                    let accept = pin!(listener.accept());
                    let timer = pin!(pause(&driver, Duration::from_micros(turns * 7 % 150)));
                    match select(timer, accept).await {
                        Either::Left(_) => None,
                        Either::Right((connection, _)) => Some(connection),
                    }
                };
                if let Some(connection) = won {
                    let (mut stream, peer) = connection.unwrap();
                    assert!(peer.is_unnamed());
                    let mut number = [0];
                    stream.read_exact(&mut number).await.unwrap();
                    stream.write_all(&number).await.unwrap();
                    stream.close().await.unwrap();
                    accepted += 1;
                }
            }
            assert!(turns > CLIENTS as u64, "the timer has never won");
        });
        clients.join().unwrap();
    }
}

#[test]
fn connections_come_as_a_stream_with_the_names_of_their_peers() {
    let Some(driver) = driver("connections_come_as_a_stream") else { return };
    let name = format!("ringbahn-incoming-{}", std::process::id());
    let listener = Ring::<UnixListener, _>::bind_on_driver(format!("\0{name}"), driver.clone());
    let listener = listener.unwrap();
    block_on(async {
        let mut incoming = listener.incoming();
        assert!(poll_once(&mut incoming.next()).is_pending());
        let client = socket2::Socket::new(socket2::Domain::UNIX, socket2::Type::STREAM, None);
        let client = client.unwrap();
        let own = format!("\0{name}-client");
        client.bind(&socket2::SockAddr::unix(&own).unwrap()).unwrap();
        let to = ringbahn::SocketAddress::unix(format!("\0{name}")).unwrap();
        let client = Ring::<UnixStream, _>::connect_from_on_driver(client, to, driver.clone());
        let client = client.await.unwrap();
        let (connection, peer) = incoming.next().await.unwrap().unwrap();
        assert_eq!(peer.as_abstract_name(), Some(&own.as_bytes()[1..]));
        drop((client, connection));
    });
}

#[test]
fn an_address_that_is_taken_and_a_path_that_is_too_long_are_errors() {
    let Some(driver) = driver("an_address_that_is_taken") else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    let bind = |path: &std::path::Path| {
        Ring::<UnixListener, _>::bind_on_driver(path, driver.clone()).map(drop)
    };
    bind(&path).unwrap();
    assert_eq!(bind(&path).unwrap_err().kind(), std::io::ErrorKind::AddrInUse);
    let long = folder.path().join("x".repeat(108));
    assert_eq!(bind(&long).unwrap_err().kind(), std::io::ErrorKind::InvalidInput);
}
