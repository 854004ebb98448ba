//! Datagrams with what travels beside their bytes.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use ringbahn::event::ControlMessage;
use ringbahn::net::{CONTROL_SPACE, DatagramInfo, DatagramOptions, Ecn};
use ringbahn::socket2::{self, Domain, Type};
use ringbahn::{BufResultExt, Ring, SharedDriver};

use crate::bounded::block_on;
use crate::support::{driver, poll_once, skip, wait_until};

type Socket = Ring<UdpSocket, SharedDriver>;

/// Two sockets, of which the second one tells all it knows.
fn pair(driver: &SharedDriver, address: IpAddr) -> (Socket, Socket) {
    let socket = || Socket::bind_on_driver((address, 0), driver.clone()).unwrap();
    let (near, far) = (socket(), socket());
    far.set_datagram_info(true).unwrap();
    (near, far)
}

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// Sends a datagram, and yields what is told of it.
fn told(near: &Socket, far: &Socket, peer: SocketAddr, options: DatagramOptions) -> DatagramInfo {
    block_on(async {
        let send = near.send_message(["hel", "lo!"], peer, options.control_messages(peer));
        assert_eq!(send.await.both().unwrap().0, 6);
        let buffers = [Vec::with_capacity(4), Vec::with_capacity(4)];
        let (received, buffers) = far.recv_message(buffers, CONTROL_SPACE).await.both().unwrap();
        assert_eq!((received.count, &buffers.concat()[..]), (6, &b"hello!"[..]));
        assert!(!received.is_truncated() && !received.is_control_truncated());
        let sender = received.address.as_ref().unwrap().as_inet().unwrap();
        assert_eq!(sender.port(), near.local_addr().unwrap().port());
        DatagramInfo::of(&received)
    })
}

#[test]
fn a_datagram_tells_its_mark_and_where_it_was_sent_to() {
    let Some(driver) = driver("a_datagram_tells_its_mark") else { return };
    let mut addresses = vec![HERE];
    match UdpSocket::bind((Ipv6Addr::LOCALHOST, 0)) {
        Ok(_) => addresses.push(Ipv6Addr::LOCALHOST.into()),
        Err(_) => skip("a_datagram_tells_its_mark", "no IPv6"),
    }
    for address in addresses {
        let (near, far) = pair(&driver, address);
        let peer = far.local_addr().unwrap();
        for ecn in [None, Some(Ecn::Capable0), Some(Ecn::Capable1), Some(Ecn::Congestion)] {
            let info = told(&near, &far, peer, DatagramOptions::new().ecn(ecn));
            assert_eq!((info.ecn, info.destination), (ecn, Some(address)));
            // The loopback interface is the first one.
            assert!(info.interface.is_some_and(|number| number > 0));
            assert_eq!(info.segment_size, None);
        }
        far.set_datagram_info(false).unwrap();
        let info = told(&near, &far, peer, DatagramOptions::new().ecn(Ecn::Capable0));
        assert_eq!(info, DatagramInfo::default());
    }
}

#[test]
fn a_socket_for_both_networks_is_told_of_both() {
    let test = "a_socket_for_both_networks_is_told_of_both";
    let Some(driver) = driver(test) else { return };
    let both = || -> std::io::Result<UdpSocket> {
        let socket = socket2::Socket::new(Domain::IPV6, Type::DGRAM, None)?;
        socket.set_only_v6(false)?;
        socket.bind(&SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)).into())?;
        Ok(socket.into())
    };
    let Ok(far) = both() else { return skip(test, "no IPv6") };
    let far = Ring::new_on_driver(far, driver.clone());
    far.set_datagram_info(true).unwrap();
    let port = far.local_addr().unwrap().port();
    let near = Socket::bind_on_driver((HERE, 0), driver).unwrap();
    let peer = SocketAddr::new(HERE, port);
    let info = told(&near, &far, peer, DatagramOptions::new().ecn(Ecn::Congestion));
    assert_eq!(info.ecn, Some(Ecn::Congestion));
    let mapped = IpAddr::V6(Ipv4Addr::LOCALHOST.to_ipv6_mapped());
    assert_eq!(info.destination, Some(mapped));
}

#[test]
fn a_datagram_comes_from_the_address_that_it_is_told_to() {
    let Some(driver) = driver("a_datagram_comes_from_the_address") else { return };
    // All of 127.0.0.0/8 is the machine's own.
    let near = Socket::bind_on_driver((Ipv4Addr::UNSPECIFIED, 0), driver.clone()).unwrap();
    let far = Socket::bind_on_driver((HERE, 0), driver).unwrap();
    let peer = far.local_addr().unwrap();
    let source = IpAddr::V4(Ipv4Addr::new(127, 1, 2, 3));
    block_on(async {
        let control = DatagramOptions::new().source(source).control_messages(peer);
        near.send_message(["x"], peer, control).await.both().unwrap();
        let ((_, sender), _) = far.recv_from(vec![0; 8]).await.both().unwrap();
        assert_eq!(sender.ip(), source);
        // One that the machine has not is an error, and nothing is sent.
        let stranger = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
        let control = DatagramOptions::new().source(stranger).control_messages(peer);
        assert!(near.send_message(["x"], peer, control).await.both().is_err());
    });
}

#[test]
fn several_datagrams_are_sent_by_one_operation() {
    let Some(driver) = driver("several_datagrams_are_sent_by_one_operation") else { return };
    let (near, far) = pair(&driver, HERE);
    let peer = far.local_addr().unwrap();
    block_on(async {
        let bytes: Vec<u8> = (0..250).collect();
        let control = DatagramOptions::new().segment_size(100).control_messages(peer);
        let sent = near.send_message([bytes.clone()], peer, control).await.both();
        assert_eq!(sent.unwrap().0, 250);
        let mut got = Vec::new();
        for length in [100, 100, 50] {
            let (count, part) = far.recv(Vec::with_capacity(500)).await.both().unwrap();
            assert_eq!(count, length);
            got.extend(part);
        }
        assert_eq!(got, bytes);
    });
}

#[test]
fn several_datagrams_are_received_by_one_operation() {
    let Some(driver) = driver("several_datagrams_are_received_by_one_operation") else { return };
    let (near, far) = pair(&driver, HERE);
    if let Err(error) = far.set_gro(true) {
        let reason = format!("the kernel is older than 5.0: {error}");
        return skip("several_datagrams_are_received_by_one_operation", &reason);
    }
    let peer = far.local_addr().unwrap();
    block_on(async {
        let bytes: Vec<u8> = (0..=255).cycle().take(3500).collect();
        let options = DatagramOptions::new().segment_size(1000).ecn(Ecn::Capable1);
        let send = near.send_message([bytes.clone()], peer, options.control_messages(peer));
        send.await.both().unwrap();
        // Over the loopback they stay together; wherever they do not, each tells for itself.
        let mut got = Vec::new();
        while got.len() < bytes.len() {
            let buffer = [Vec::with_capacity(65_535)];
            let (received, [part]) = far.recv_message(buffer, CONTROL_SPACE).await.both().unwrap();
            let info = DatagramInfo::of(&received);
            assert_eq!(info.ecn, Some(Ecn::Capable1));
            assert_eq!(info.destination, Some(HERE));
            assert_eq!(info.segment_size, (part.len() > 1000).then_some(1000));
            got.extend(part);
        }
        assert_eq!(got, bytes);
    });
}

#[test]
fn a_datagram_that_has_no_room_says_so() {
    let Some(driver) = driver("a_datagram_that_has_no_room_says_so") else { return };
    let (near, far) = pair(&driver, HERE);
    let peer = far.local_addr().unwrap();
    block_on(async {
        near.connect(peer).unwrap();
        for _ in 0..2 {
            near.send_message(["hello"], None, Vec::new()).await.both().unwrap();
        }
        let (received, [buffer]) = far.recv_message([vec![0; 2]], 0).await.both().unwrap();
        assert!(received.is_truncated() && received.is_control_truncated());
        assert_eq!((received.count, &buffer[..]), (2, &b"he"[..]));

        let room = ControlMessage::space(1);
        let (received, _) = far.recv_message([vec![0; 8]], room).await.both().unwrap();
        assert!(!received.is_truncated() && received.is_control_truncated());
    });
}

#[test]
fn a_datagram_that_an_abandoned_receive_has_brought_keeps_what_came_along() {
    let Some(driver) = driver("a_datagram_that_an_abandoned_receive_has_brought") else { return };
    let (near, far) = pair(&driver, HERE);
    let peer = far.local_addr().unwrap();
    for shorter in [false, true] {
        let mut receive = far.recv_message([vec![0; 16]], CONTROL_SPACE);
        assert!(poll_once(&mut receive).is_pending());
        let before = driver.counters().completed;
        let options = DatagramOptions::new().ecn(Ecn::Congestion);
        block_on(near.send_message(["hello"], peer, options.control_messages(peer))).0.unwrap();
        // The send, and the receive that nobody looks at.
        wait_until("it has been received", || driver.counters().completed >= before + 2);
        drop(receive);

        let buffer = [vec![0; if shorter { 2 } else { 16 }]];
        let (received, [buffer]) = block_on(far.recv_message(buffer, 0)).both().unwrap();
        assert_eq!(DatagramInfo::of(&received).ecn, Some(Ecn::Congestion));
        assert_eq!(received.address.as_ref().unwrap().as_inet(), near.local_addr().ok());
        assert_eq!(received.is_truncated(), shorter);
        assert_eq!(&buffer[..received.count], if shorter { &b"he"[..] } else { b"hello" });
    }
}

#[test]
fn control_messages_that_the_socket_does_not_know_are_refused() {
    let Some(driver) = driver("control_messages_that_the_socket_does_not_know") else { return };
    let (near, far) = pair(&driver, HERE);
    let peer = far.local_addr().unwrap();
    let strange = ControlMessage::new(libc::IPPROTO_IP, 999, vec![0; 4]).unwrap();
    let (result, [bytes]) = block_on(near.send_message(["x"], peer, vec![strange]));
    assert_eq!((result.unwrap_err().kind(), bytes), (ErrorKind::InvalidInput, "x"));
}
