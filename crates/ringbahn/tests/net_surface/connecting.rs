//! Connections to names and to several addresses, and from sockets that were set up first.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};

use futures::future::join;
use ringbahn::net::{TcpSocket, ToSocketAddrs, resolve};
use ringbahn::{BufResultExt, Ring, SharedDriver};

use crate::bounded::block_on;
use crate::support::{driver, poll_once, skip};

fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// An address at which nobody listens, and nobody else comes to listen meanwhile.
fn taken() -> (TcpSocket, SocketAddr) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

/// Connects, and sends a byte there and back.
fn reaches(driver: &SharedDriver, target: impl ToSocketAddrs, listener: &TcpListener) {
    block_on(async {
        let near = Ring::<TcpStream, _>::connect_on_driver(target, driver.clone()).await.unwrap();
        let (far, peer) = listener.accept().unwrap();
        assert_eq!(near.local_addr().unwrap(), peer);
        let far = Ring::new_on_driver(far, driver.clone());
        near.send_all("x").await.both().unwrap();
        let (_, got) = far.recv(Vec::with_capacity(8)).await.both().unwrap();
        assert_eq!(got, b"x");
    });
}

#[test]
fn an_address_is_written_in_many_ways() {
    let Some(driver) = driver("an_address_is_written_in_many_ways") else { return };
    let (listener, address) = listener();
    let SocketAddr::V4(v4) = address else { unreachable!() };
    let port = address.port();
    reaches(&driver, address, &listener);
    reaches(&driver, v4, &listener);
    reaches(&driver, (Ipv4Addr::LOCALHOST, port), &listener);
    reaches(&driver, (IpAddr::from(Ipv4Addr::LOCALHOST), port), &listener);
    reaches(&driver, ([127, 0, 0, 1], port), &listener);
    reaches(&driver, address.to_string(), &listener);
    reaches(&driver, address.to_string().as_str(), &listener);
    reaches(&driver, ("127.0.0.1", port), &listener);
    reaches(&driver, [address], &listener);
    reaches(&driver, vec![address], &listener);
    let borrowed: &[SocketAddr] = &[address];
    reaches(&driver, borrowed, &listener);
}

#[test]
fn addresses_are_tried_in_turn_until_one_answers() {
    let Some(driver) = driver("addresses_are_tried_in_turn_until_one_answers") else { return };
    let (listener, address) = listener();
    let (_socket, silent) = taken();
    reaches(&driver, [silent, silent, address, silent], &listener);

    let connect = Ring::<TcpStream, _>::connect_on_driver([silent, silent], driver.clone());
    assert_eq!(block_on(connect).unwrap_err().kind(), ErrorKind::ConnectionRefused);
    let connect = Ring::<TcpStream, _>::connect_on_driver(Vec::new(), driver);
    assert_eq!(block_on(connect).unwrap_err().kind(), ErrorKind::InvalidInput);
}

#[test]
fn a_name_is_looked_up() {
    let Some(driver) = driver("a_name_is_looked_up") else { return };
    let (listener, address) = listener();
    let found = match block_on(resolve(("localhost", address.port()))) {
        Ok(found) => found,
        Err(error) => return skip("a_name_is_looked_up", &format!("no localhost: {error}")),
    };
    assert!(!found.is_empty() && found.iter().all(|address| address.ip().is_loopback()));
    // It may stand for ::1 first, where nobody listens.
    if found.contains(&address) {
        reaches(&driver, ("localhost", address.port()), &listener);
        reaches(&driver, format!("localhost:{}", address.port()), &listener);
        reaches(&driver, ("localhost".to_owned(), address.port()), &listener);
    }
}

#[test]
fn what_is_an_address_already_is_not_looked_up() {
    let address = SocketAddr::from((Ipv6Addr::LOCALHOST, 80));
    // So the first poll has it, without a thread that could have been waited for.
    let found = poll_once(&mut Box::pin(resolve("[::1]:80")));
    assert!(matches!(found, std::task::Poll::Ready(Ok(found)) if found == [address]));
    let found = poll_once(&mut Box::pin(resolve(("::1", 80))));
    assert!(matches!(found, std::task::Poll::Ready(Ok(found)) if found == [address]));
}

#[test]
fn a_text_without_a_port_is_refused() {
    let error = block_on(resolve("localhost")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

#[test]
fn a_lookup_may_be_dropped() {
    let mut lookup = Box::pin(resolve("localhost:80"));
    let _ = poll_once(&mut lookup);
    drop(lookup);
}

#[test]
fn a_socket_that_was_bound_first_connects_from_there() {
    let Some(driver) = driver("a_socket_that_was_bound_first_connects_from_there") else { return };
    let (listener, address) = listener();
    let socket = TcpSocket::new_for(address).unwrap();
    socket.bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    socket.set_nodelay(true).unwrap();
    let own = socket.local_addr().unwrap();
    let near = block_on(socket.connect_on_driver(address, driver)).unwrap();
    assert_eq!((near.local_addr().unwrap(), near.peer_addr().unwrap()), (own, address));
    assert!(near.nodelay().unwrap());
    assert_eq!(listener.accept().unwrap().1, own);
}

#[test]
fn a_socket_that_was_set_up_first_listens() {
    let Some(driver) = driver("a_socket_that_was_set_up_first_listens") else { return };
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuse_address(true).unwrap();
    socket.set_recv_buffer_size(32 * 1024).unwrap();
    socket.set_nodelay(true).unwrap();
    assert!(socket.reuse_address().unwrap() && !socket.reuse_port().unwrap());
    let expected = socket.recv_buffer_size().unwrap();
    socket.bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let listener = socket.listen_on_driver(16, driver.clone()).unwrap();
    let address = listener.local_addr().unwrap();
    block_on(async {
        let connect = Ring::<TcpStream, _>::connect_on_driver(address, driver);
        let (near, accepted) = join(connect, listener.accept()).await;
        let (far, peer) = accepted.unwrap();
        assert_eq!(peer, near.unwrap().local_addr().unwrap());
        // A connection has them from its listener.
        assert!(far.nodelay().unwrap());
        assert_eq!(far.recv_buffer_size().unwrap(), expected);
    });
}

#[test]
fn sockets_that_share_a_port_all_listen() {
    let socket = || {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_reuse_port(true).unwrap();
        socket
    };
    let (one, other) = (socket(), socket());
    one.bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = one.local_addr().unwrap();
    other.bind(address).unwrap();
    let (one, other) = (one.listen(1).unwrap(), other.listen(1).unwrap());
    assert_eq!(one.local_addr().unwrap(), other.local_addr().unwrap());
    let third = TcpSocket::new_v4().unwrap();
    assert_eq!(third.bind(address).unwrap_err().kind(), ErrorKind::AddrInUse);
}
