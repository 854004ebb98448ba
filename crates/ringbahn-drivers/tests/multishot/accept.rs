//! Connections from one entry.

use std::collections::BTreeSet;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use futures::StreamExt;
use ringbahn_core::SharedFd;
use ringbahn_core::event::AcceptMulti;
use ringbahn_drivers::{LocalDriver, SharedDriver};

use crate::scene;
use crate::subject::{Subject, begin, poll_next};

/// A listener with a long backlog.
fn listener() -> (SharedFd, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    socket2::SockRef::from(&listener).listen(1024).unwrap();
    let address = listener.local_addr().unwrap();
    (SharedFd::new(Arc::new(listener)), address)
}

/// Whether the other end of the connection is gone.
fn is_closed(mut client: &TcpStream) -> bool {
    client.set_nonblocking(true).unwrap();
    match client.read(&mut [0]) {
        Ok(count) => count == 0,
        Err(error) => error.kind() != ErrorKind::WouldBlock,
    }
}

on_both_drivers! {
    every_connection_arrives_once,
    a_dropped_stream_closes_what_nobody_has_taken,
    a_reader_that_lags_leaves_the_rest_in_the_backlog,
    an_overflow_ends_no_stream,
    a_stopped_stream_yields_what_it_has_and_ends,
    what_does_not_listen_is_told_once,
    a_driver_that_shuts_down_ends_its_streams,
}

fn every_connection_arrives_once<S: Subject>() {
    const CLIENTS: u32 = 50;
    let driver = S::make(4, 16).unwrap();
    let (listener, address) = listener();
    let mut incoming = driver.clone().stream(AcceptMulti::new(listener));
    let mut clients = Vec::new();
    let mut seen = BTreeSet::new();
    for number in 0..CLIENTS {
        let mut client = TcpStream::connect(address).unwrap();
        client.write_all(&number.to_ne_bytes()).unwrap();
        clients.push(client);
        // Some come alone, others several at a time.
        if number % 3 != 0 {
            continue;
        }
        while seen.len() < clients.len() {
            let connection: OwnedFd = driver.run(incoming.next()).unwrap().unwrap();
            let mut word = [0; 4];
            TcpStream::from(connection).read_exact(&mut word).unwrap();
            assert!(seen.insert(u32::from_ne_bytes(word)), "accepted twice");
        }
    }
    while seen.len() < clients.len() {
        let connection = driver.run(incoming.next()).unwrap().unwrap();
        let mut word = [0; 4];
        TcpStream::from(connection).read_exact(&mut word).unwrap();
        seen.insert(u32::from_ne_bytes(word));
    }
    begin(&driver, &mut incoming);
    assert!(driver.so_far().submitted <= 2, "one entry has served them all");
    drop(incoming);
    driver.end();
}

fn a_dropped_stream_closes_what_nobody_has_taken<S: Subject>() {
    let driver = S::make(1, 8).unwrap();
    let (listener, address) = listener();
    let mut incoming = driver.clone().stream(AcceptMulti::new(listener.clone()));
    begin(&driver, &mut incoming);
    // More than the completion queue takes.
    let clients: Vec<_> = (0..20).map(|_| TcpStream::connect(address).unwrap()).collect();
    let first = driver.run(incoming.next()).unwrap().unwrap();
    drop(incoming);
    driver.until("the operation is over", || driver.so_far().in_flight == 0);
    // What is still in the backlog goes with the listener.
    drop(listener);
    let closed = || clients.iter().filter(|client| is_closed(client)).count();
    driver.until("all but the first are closed", || closed() == clients.len() - 1);
    drop(first);
    driver.until("all are closed", || closed() == clients.len());
    driver.end();
}

fn a_reader_that_lags_leaves_the_rest_in_the_backlog<S: Subject>() {
    const CLIENTS: usize = 300;
    let driver = S::make(4, 256).unwrap();
    let (listener, address) = listener();
    let mut incoming = driver.clone().stream(AcceptMulti::new(listener));
    begin(&driver, &mut incoming);
    let mut clients = Vec::new();
    while driver.so_far().in_flight > 0 {
        assert!(clients.len() < CLIENTS, "nothing stops it");
        clients.push(TcpStream::connect(address).unwrap());
        let reached = clients.len();
        driver.until("it is accepted, or the operation stops", || {
            reached < 64 || driver.so_far().in_flight == 0 || reached > 64
        });
    }
    assert!(clients.len() >= 64, "it has stopped after {}", clients.len());
    clients.extend((clients.len()..CLIENTS).map(|_| TcpStream::connect(address).unwrap()));
    for _ in 0..CLIENTS {
        driver.run(incoming.next()).unwrap().unwrap();
    }
    begin(&driver, &mut incoming);
    drop(incoming);
    driver.end();
}

fn an_overflow_ends_no_stream<S: Subject>() {
    let driver = S::make(1, 2).unwrap();
    let (listener, address) = listener();
    let mut incoming = driver.clone().stream(AcceptMulti::new(listener));
    for _ in 0..10 {
        let clients: Vec<_> = (0..10).map(|_| TcpStream::connect(address).unwrap()).collect();
        for _ in &clients {
            driver.run(incoming.next()).unwrap().unwrap();
        }
    }
    drop(incoming);
    driver.end();
}

fn a_stopped_stream_yields_what_it_has_and_ends<S: Subject>() {
    let driver = S::make(1, 32).unwrap();
    let (listener, address) = listener();
    let mut incoming = driver.clone().stream(AcceptMulti::new(listener));
    begin(&driver, &mut incoming);
    let clients: Vec<_> = (0..5).map(|_| TcpStream::connect(address).unwrap()).collect();
    let first = driver.run(incoming.next()).unwrap().unwrap();
    Pin::new(&mut incoming).stop();
    let rest = driver.run(incoming.by_ref().collect::<Vec<_>>());
    assert!(rest.iter().all(Result::is_ok) && rest.len() < clients.len());
    assert!(matches!(driver.run(async { poll_next(&mut incoming) }), Poll::Ready(None)));
    drop(first);
    driver.end();

    // One that was never polled ends as well.
    let driver = S::make(1, 2).unwrap();
    let (listener, _) = self::listener();
    let mut incoming = driver.clone().stream(AcceptMulti::new(listener));
    Pin::new(&mut incoming).stop();
    assert!(driver.run(incoming.next()).is_none());
    driver.end();
}

fn what_does_not_listen_is_told_once<S: Subject>() {
    let driver = S::make(1, 2).unwrap();
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut incoming = driver.clone().stream(AcceptMulti::new(scene::shared(socket)));
    let error = driver.run(incoming.next()).unwrap().unwrap_err();
    assert_eq!(error.raw_os_error(), Some(libc::EOPNOTSUPP), "{error}");
    assert!(driver.run(incoming.next()).is_none());

    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    let socket = TcpListener::from(socket);
    let mut incoming = driver.clone().stream(AcceptMulti::new(scene::shared(socket)));
    let error = driver.run(incoming.next()).unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    assert!(driver.run(incoming.next()).is_none());
    driver.end();
}

fn a_driver_that_shuts_down_ends_its_streams<S: Subject>() {
    let driver = S::make(1, 8).unwrap();
    let (listener, address) = listener();
    let mut incoming = driver.clone().stream(AcceptMulti::new(listener));
    begin(&driver, &mut incoming);
    let _client = TcpStream::connect(address).unwrap();
    driver.run(incoming.next()).unwrap().unwrap();
    driver.end();
    let error = driver.run(incoming.next()).unwrap().unwrap_err();
    assert!(error.to_string().contains("shut down"), "{error}");
    assert!(driver.run(incoming.next()).is_none());
}

/// A process without descriptors to spare accepts again when it has some.
fn descriptors_run_out<S: Subject>() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    use socket2::{Domain, Socket, Type};
    let driver = S::make(1, 8).unwrap();
    let (listener, address) = listener();
    let mut incoming = driver.clone().stream(AcceptMulti::new(listener));
    let client = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let before = getrlimit(Resource::Nofile);
    // The kernel looks at the limit when it takes the entry.
    setrlimit(Resource::Nofile, Rlimit { current: Some(0), ..before }).unwrap();
    client.connect(&address.into()).unwrap();
    for _ in 0..3 {
        let error = driver.run(incoming.next()).unwrap().unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::EMFILE), "{error}");
    }
    setrlimit(Resource::Nofile, before).unwrap();
    driver.run(incoming.next()).unwrap().unwrap();
    drop(incoming);
    driver.end();
}

#[test]
fn a_lack_of_descriptors_ends_no_shared_stream() {
    scene::in_child("accept::a_lack_of_descriptors_ends_no_shared_stream", || {
        descriptors_run_out::<SharedDriver>();
    });
}

#[test]
fn a_lack_of_descriptors_ends_no_local_stream() {
    scene::in_child("accept::a_lack_of_descriptors_ends_no_local_stream", || {
        descriptors_run_out::<LocalDriver>();
    });
}
