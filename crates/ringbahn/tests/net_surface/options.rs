//! Addresses and options of sockets, on their handles.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::time::Duration;

use ringbahn::socket2::{SockRef, TcpKeepalive};
use ringbahn::{BufResultExt, Ring};

use crate::bounded::block_on;
use crate::support::{connection, driver};

#[test]
fn options_of_a_connection_are_those_of_its_socket() {
    let (near, far) = connection();
    let (near, far) = (Ring::new(near), Ring::new(far));
    assert_eq!(near.local_addr().unwrap(), far.peer_addr().unwrap());

    near.set_nodelay(false).unwrap();
    assert!(!near.nodelay().unwrap() && far.nodelay().unwrap());
    near.set_ttl(17).unwrap();
    assert_eq!((near.ttl().unwrap(), near.get_ref().ttl().unwrap()), (17, 17));
    assert_eq!(near.set_ttl(256).unwrap_err().kind(), ErrorKind::InvalidInput);

    assert!(!near.keepalive().unwrap());
    let time = Duration::from_secs(77);
    let keepalive = TcpKeepalive::new().with_time(time).with_interval(time / 7).with_retries(5);
    near.set_keepalive(Some(&keepalive)).unwrap();
    assert!(near.keepalive().unwrap());
    let socket = SockRef::from(near.get_ref());
    assert_eq!(socket.tcp_keepalive_time().unwrap(), time);
    assert_eq!(socket.tcp_keepalive_interval().unwrap(), time / 7);
    assert_eq!(socket.tcp_keepalive_retries().unwrap(), 5);
    near.set_keepalive(None).unwrap();
    assert!(!near.keepalive().unwrap());

    let before = near.send_buffer_size().unwrap();
    near.set_send_buffer_size(before / 4).unwrap();
    assert!(near.send_buffer_size().unwrap() < before);
    let before = near.recv_buffer_size().unwrap();
    near.set_recv_buffer_size(before / 4).unwrap();
    assert!(near.recv_buffer_size().unwrap() < before);
    assert!(near.take_error().unwrap().is_none());
}

#[test]
fn a_connection_that_does_not_linger_is_reset() {
    let Some(driver) = driver("a_connection_that_does_not_linger_is_reset") else { return };
    let (near, far) = connection();
    let near = Ring::new_on_driver(near, driver.clone());
    let far = Ring::new_on_driver(far, driver);
    assert_eq!(near.linger().unwrap(), None);
    near.set_linger(Some(Duration::ZERO)).unwrap();
    assert_eq!(near.linger().unwrap(), Some(Duration::ZERO));
    block_on(near.close()).unwrap();
    let error = block_on(far.recv(vec![0; 8])).both().unwrap_err();
    assert_eq!(std::io::Error::from(error).kind(), ErrorKind::ConnectionReset);
}

#[test]
fn listeners_and_unix_sockets_know_their_addresses() {
    let listener = Ring::<TcpListener>::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    assert_ne!(listener.local_addr().unwrap().port(), 0);
    listener.set_ttl(9).unwrap();
    assert_eq!(listener.ttl().unwrap(), 9);
    // What the listener has its connections inherit.
    for nodelay in [true, false] {
        listener.set_nodelay(nodelay).unwrap();
        assert_eq!(listener.nodelay().unwrap(), nodelay);
        let _far = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (near, _) = block_on(listener.accept()).unwrap();
        assert_eq!(near.nodelay().unwrap(), nodelay);
    }

    let name = format!("\0ringbahn-net-surface-{}", std::process::id());
    let listener = Ring::<UnixListener>::bind(&name).unwrap();
    let is_unnamed = |address: std::os::unix::net::SocketAddr| address.is_unnamed();
    assert!(!is_unnamed(listener.local_addr().unwrap()));

    let (near, _far) = UnixStream::pair().unwrap();
    let near = Ring::new(near);
    assert!(is_unnamed(near.local_addr().unwrap()) && is_unnamed(near.peer_addr().unwrap()));
    assert!(near.send_buffer_size().unwrap() > 0);

    let (near, _far) = Ring::<UnixDatagram>::pair().unwrap();
    assert!(is_unnamed(near.local_addr().unwrap()) && is_unnamed(near.peer_addr().unwrap()));
}

#[test]
fn options_of_a_datagram_socket_are_those_of_its_socket() {
    let socket = Ring::<UdpSocket>::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    assert_eq!(socket.peer_addr().unwrap_err().kind(), ErrorKind::NotConnected);
    socket.connect(socket.local_addr().unwrap()).unwrap();
    assert_eq!(socket.peer_addr().unwrap(), socket.local_addr().unwrap());
    assert!(!socket.broadcast().unwrap());
    socket.set_broadcast(true).unwrap();
    assert!(socket.broadcast().unwrap());
    socket.set_ttl(3).unwrap();
    assert_eq!(socket.ttl().unwrap(), 3);
    let (one, none) = (Ipv4Addr::new(127, 0, 0, 1), Ipv4Addr::UNSPECIFIED);
    assert!(socket.join_multicast_v4(&one, &none).is_err(), "it is not the address of a group");
    assert!(socket.leave_multicast_v4(&one, &none).is_err());
}

#[test]
fn an_error_that_nobody_was_told_can_be_taken() {
    let Some(driver) = driver("an_error_that_nobody_was_told_can_be_taken") else { return };
    let socket = Ring::<UdpSocket, _>::bind_on_driver((Ipv4Addr::LOCALHOST, 0), driver).unwrap();
    let closed = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    socket.connect(closed.local_addr().unwrap()).unwrap();
    drop(closed);
    block_on(socket.send("x")).both().unwrap();
    let error = socket.take_error().unwrap().expect("the datagram has come back");
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    assert!(socket.take_error().unwrap().is_none());
}

#[test]
fn a_stream_in_a_ring_is_still_one_of_std() {
    let (near, _far) = connection();
    let address = near.local_addr().unwrap();
    let near: TcpStream = block_on(Ring::new(near).into_inner()).unwrap();
    assert_eq!(near.local_addr().unwrap(), address);
}
