//! `select!` between the receive of a datagram and a timer, while a peer sends numbered ones.
//!
//! Goal: no datagram is lost, doubled or cut, whichever way of receiving is used.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::os::unix::net::UnixDatagram;
use std::pin::pin;
use std::thread;
use std::time::Duration;

use futures::executor::block_on;
use futures::future::{Either, select};
use ringbahn::{BufResultExt, Ring, SharedDriver, SocketAddress};

#[path = "support/support.rs"]
mod support;
use support::{driver, pause, poll_once};

/// Few enough that the socket has room for all of them.
const DATAGRAMS: u32 = 200;

/// A datagram of a length of its own, which may be none at all.
fn datagram(number: u32) -> Vec<u8> {
    let length = number as usize * 7 % 40;
    number.to_be_bytes().into_iter().cycle().take(length).collect()
}

/// Sends all datagrams, with pauses that let a receiver wait.
fn send_all(send: impl Fn(&[u8]) + Send + 'static) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        for number in 0..DATAGRAMS {
            send(&datagram(number));
            if number % 4 == 0 {
                // sleep: lets the receiver wait; orders nothing.
                thread::sleep(Duration::from_micros(150));
            }
        }
    })
}

/// One turn: what was received, or `None` where the timer was faster.
async fn race<T>(driver: &SharedDriver, turn: u64, receive: impl Future<Output = T>) -> Option<T> {
    let timer = pin!(pause(driver, Duration::from_micros(turn * 13 % 120)));
    match select(timer, pin!(receive)).await {
        Either::Left(_) => None,
        Either::Right((output, _)) => Some(output),
    }
}

fn udp_pair(driver: &SharedDriver) -> (Ring<UdpSocket, SharedDriver>, UdpSocket) {
    let near = Ring::<UdpSocket, _>::bind_on_driver((Ipv4Addr::LOCALHOST, 0), driver.clone());
    let near = near.unwrap();
    let far = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    far.connect(near.get_ref().local_addr().unwrap()).unwrap();
    (near, far)
}

#[test]
fn no_datagram_of_the_internet_is_lost() {
    let Some(driver) = driver("no_datagram_of_the_internet_is_lost") else { return };
    let (near, far) = udp_pair(&driver);
    let peer = far.local_addr().unwrap();
    let sender = send_all(move |bytes| assert_eq!(far.send(bytes).unwrap(), bytes.len()));
    let mut got = Vec::new();
    let mut abandoned = 0;
    block_on(async {
        for turn in 0_u64.. {
            let from = |output: Result<((usize, SocketAddr), Vec<u8>), _>| {
                let ((count, from), bytes) = output.map_err(std::io::Error::from).unwrap();
                assert_eq!((count, from), (bytes.len(), peer));
                bytes
            };
            let buffer = Vec::with_capacity(64);
            let bytes = match turn % 4 {
                0 => race(&driver, turn, near.recv(buffer)).await.map(|got| got.both().unwrap().1),
                1 => {
                    let parts = [Vec::with_capacity(5), buffer];
                    let got = race(&driver, turn, near.recv_vectored(parts)).await;
                    got.map(|got| got.both().unwrap().1.concat())
                }
                2 => {
                    let peeked = race(&driver, turn, near.peek_from(buffer)).await;
                    let peeked = peeked.map(|got| from(got.both()));
                    // Nobody else receives, so what was seen is what comes.
                    match peeked {
                        None => None,
                        Some(peeked) => {
                            let got = near.recv(Vec::with_capacity(64)).await.both().unwrap().1;
                            assert_eq!(got, peeked);
                            Some(got)
                        }
                    }
                }
                _ => race(&driver, turn, near.recv_from(buffer)).await.map(|got| from(got.both())),
            };
            match bytes {
                Some(bytes) => got.push(bytes),
                None => abandoned += 1,
            }
            if got.len() == DATAGRAMS as usize {
                break;
            }
        }
    });
    sender.join().unwrap();
    // On the loopback they arrive in order.
    assert!(got.iter().cloned().eq((0..DATAGRAMS).map(datagram)));
    assert!(abandoned > 0, "the timer has never won");
}

#[test]
fn no_datagram_of_a_unix_socket_is_lost() {
    let Some(driver) = driver("no_datagram_of_a_unix_socket_is_lost") else { return };
    let (near, far) = UnixDatagram::pair().unwrap();
    let near = Ring::new_on_driver(near, driver.clone());
    let sender = send_all(move |bytes| assert_eq!(far.send(bytes).unwrap(), bytes.len()));
    let mut got = Vec::new();
    block_on(async {
        for turn in 0_u64.. {
            let receive = near.recv_from(Vec::with_capacity(64));
            if let Some(received) = race(&driver, turn, receive).await {
                let ((_, from), bytes) = received.both().unwrap();
                assert!(from.is_unnamed());
                got.push(bytes);
            }
            if got.len() == DATAGRAMS as usize {
                break;
            }
        }
    });
    sender.join().unwrap();
    assert!(got.into_iter().eq((0..DATAGRAMS).map(datagram)));
}

#[test]
fn one_who_waits_gets_what_an_abandoned_one_beside_it_was_given() {
    let Some(driver) = driver("one_who_waits_gets_what_an_abandoned_one_was_given") else {
        return;
    };
    for turn in 0..200 {
        let (near, far) = udp_pair(&driver);
        let mut first = near.recv_from(Vec::with_capacity(8));
        let mut second = near.recv_from(Vec::with_capacity(8));
        assert!(poll_once(&mut first).is_pending());
        assert!(poll_once(&mut second).is_pending());
        // Which one is given it is for the kernel to say.
        far.send(b"hello").unwrap();
        let waiting = if turn % 2 == 0 {
            drop(first);
            second
        } else {
            drop(second);
            first
        };
        let ((_, from), bytes) = block_on(waiting).both().unwrap();
        assert_eq!((from, &bytes[..]), (far.local_addr().unwrap(), &b"hello"[..]));
    }
}

#[test]
fn a_datagram_is_cut_to_the_buffer_and_the_rest_is_lost() {
    let Some(driver) = driver("a_datagram_is_cut_to_the_buffer") else { return };
    let (near, far) = udp_pair(&driver);
    far.send(b"hello").unwrap();
    far.send(b"").unwrap();
    far.send(b"world").unwrap();
    block_on(async {
        assert_eq!(near.recv([0; 2]).await.both().unwrap(), (2, *b"he"));
        assert_eq!(near.recv([7; 2]).await.both().unwrap(), (0, [7; 2]));
        let ((count, _), buffer) = near.recv_from([0; 5]).await.both().unwrap();
        assert_eq!((count, &buffer), (5, b"world"));
    });
}

#[test]
fn datagrams_find_their_way_by_address() {
    let Some(driver) = driver("datagrams_find_their_way_by_address") else { return };
    let (near, far) = udp_pair(&driver);
    let far = Ring::new_on_driver(far, driver.clone());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    let abstract_name = format!("\0ringbahn-datagrams-{}", std::process::id());
    block_on(async {
        near.send_to("there", far.get_ref().local_addr().unwrap()).await.both().unwrap();
        let ((_, from), _) = far.recv_from([0; 5]).await.both().unwrap();
        assert_eq!(from, near.get_ref().local_addr().unwrap());
        far.send("back").await.both().unwrap();
        near.connect(from_of(&far)).unwrap();
        assert_eq!(near.recv(vec![0; 9]).await.both().unwrap().1, b"back");
        near.send_vectored(["in ", "parts"]).await.both().unwrap();
        assert_eq!(far.recv(vec![0; 9]).await.both().unwrap().1, b"in parts");

        let server = Ring::<UnixDatagram, _>::bind_on_driver(&path, driver.clone()).unwrap();
        let named = Ring::<UnixDatagram, _>::bind_on_driver(&abstract_name, driver.clone());
        let named = named.unwrap();
        let nameless = Ring::unbound_on_driver(driver.clone()).unwrap();
        let to = SocketAddress::unix(&path).unwrap();
        named.send_to("named", to.clone()).await.both().unwrap();
        let ((_, from), _) = server.recv_from([0; 8]).await.both().unwrap();
        server.send_to("answer", SocketAddress::try_from(&from).unwrap()).await.both().unwrap();
        assert_eq!(named.recv(vec![0; 8]).await.both().unwrap().1, b"answer");
        nameless.send_to("nameless", to).await.both().unwrap();
        let ((_, from), _) = server.recv_from([0; 8]).await.both().unwrap();
        assert!(from.is_unnamed());
        nameless.connect(&abstract_name).unwrap();
        nameless.send("connected").await.both().unwrap();
        assert_eq!(named.recv(vec![0; 9]).await.both().unwrap().1, b"connected");
    });
}

fn from_of(socket: &Ring<UdpSocket, SharedDriver>) -> SocketAddr {
    socket.get_ref().local_addr().unwrap()
}
