//! Listeners in slots: neither they nor their connections are descriptors, and none is lost.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::pin::pin;

use futures::StreamExt as _;
use futures::future::join;
use ringbahn::{BufResultExt, Direct, DirectTable, Ring, SlotConnections};

use crate::streams::InSlot;
use crate::subject::{Subject as _, race, turns};
use crate::support::{descriptors, poll_once};
use crate::{Slotted, in_slots, on_two_drivers, wait_until_closed};

on_two_drivers! {
    bound, a_listener_is_bound_in_a_slot_and_accepts_into_slots,
        a_listener_is_bound_in_a_slot_and_accepts_into_slots_locally;
    of_unix, a_unix_listener_is_bound_in_a_slot, a_unix_listener_is_bound_in_a_slot_locally;
    put, a_listener_with_options_is_put_into_a_slot,
        a_listener_with_options_is_put_into_a_slot_locally;
    again, an_address_is_bound_again_while_connections_linger,
        an_address_is_bound_again_while_connections_linger_locally;
    refused, a_listener_that_cannot_be_leaves_no_slot,
        a_listener_that_cannot_be_leaves_no_slot_locally;
    selects, dropped_accepts_of_a_listener_in_a_slot_lose_no_connection,
        dropped_accepts_of_a_listener_in_a_slot_lose_no_connection_locally;
    stream, one_operation_yields_all_connections, one_operation_yields_all_connections_locally;
    full, a_full_table_is_no_end_of_the_stream, a_full_table_is_no_end_of_the_stream_locally;
    dropped, what_nobody_has_taken_is_closed_with_the_listener,
        what_nobody_has_taken_is_closed_with_the_listener_locally;
}

/// A listener in a slot.
type Ear<D> = Ring<Direct<TcpListener>, D>;

fn bind<D: Slotted>(driver: &D, table: &DirectTable) -> (Ear<D>, SocketAddr) {
    driver.run(async {
        let any = (Ipv4Addr::LOCALHOST, 0);
        let listener = Ear::bind_into_slot(any, table, driver.clone()).await.unwrap();
        let address = listener.local_addr().await.unwrap();
        (listener, address)
    })
}

fn bound<D: Slotted>(test: &str) {
    in_slots(test, 3, |driver: &D, table| {
        let before = descriptors();
        let (listener, address) = bind(driver, table);
        assert!(address.ip().is_loopback() && address.port() != 0);
        driver.run(async {
            let connect = InSlot::connect_into_slot(address, table, driver.clone());
            let (near, accepted) = join(connect, listener.accept()).await;
            let ((far, peer), near) = (accepted.unwrap(), near.unwrap());
            assert!(peer.ip().is_loopback());
            assert_eq!((table.open(), descriptors()), (3, before), "slots, and no descriptors");
            near.send_all("hello").await.both().unwrap();
            let (_, text) = far.recv(Vec::with_capacity(8)).await.both().unwrap();
            assert_eq!(text, b"hello");
            // A listener is installed as one.
            let descriptor: TcpListener = listener.install().await.unwrap();
            assert_eq!(descriptor.local_addr().unwrap(), address);
            drop(descriptor);
            near.close().await.unwrap();
            far.close().await.unwrap();
            listener.close().await.unwrap();
        });
        assert_eq!(table.open(), 0);
        // Nobody listens there any more.
        TcpListener::bind(address).unwrap();
    });
}

fn of_unix<D: Slotted>(test: &str) {
    in_slots(test, 2, |driver: &D, table| {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("socket");
        driver.run(async {
            let listener: Ring<Direct<UnixListener>, D> =
                Ring::<Direct<UnixListener>, D>::bind_into_slot(&path, table, driver.clone())
                    .await
                    .unwrap();
            assert_eq!(listener.local_addr().await.unwrap().as_pathname(), Some(path.as_path()));
            let mut far = UnixStream::connect(&path).unwrap();
            let (near, peer) = listener.accept().await.unwrap();
            assert!(peer.is_unnamed());
            far.write_all(b"hello").unwrap();
            let (_, text) = near.recv(Vec::with_capacity(8)).await.both().unwrap();
            assert_eq!((&text[..], table.open()), (&b"hello"[..], 2));
            let taken =
                Ring::<Direct<UnixListener>, D>::bind_into_slot(&path, table, driver.clone());
            assert!(taken.await.is_err());
        });
    });
}

fn put<D: Slotted>(test: &str) {
    in_slots(test, 2, |driver: &D, table| {
        let before = descriptors();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        driver.run(async {
            let listener = Ear::put_into_slot(listener, table, driver.clone()).await.unwrap();
            assert_eq!((table.open(), descriptors()), (1, before), "its descriptor is closed");
            // It is waited for, though the socket was in non-blocking mode.
            let mut accept = pin!(listener.accept());
            assert!(futures::poll!(&mut accept).is_pending());
            let far = TcpStream::connect(address).unwrap();
            let (_near, peer) = accept.await.unwrap();
            assert_eq!(peer, far.local_addr().unwrap());
        });
    });
}

fn again<D: Slotted>(test: &str) {
    in_slots(test, 2, |driver: &D, table| {
        let (listener, address) = bind(driver, table);
        let mut far = TcpStream::connect(address).unwrap();
        driver.run(async {
            let (near, _) = listener.accept().await.unwrap();
            // The side that closes first is the one whose address lingers.
            near.close().await.unwrap();
            listener.close().await.unwrap();
        });
        assert_eq!(far.read(&mut [0; 1]).unwrap(), 0);
        drop(far);
        driver.run(async {
            let listener = Ear::bind_into_slot(address, table, driver.clone()).await.unwrap();
            assert_eq!(listener.local_addr().await.unwrap(), address);
        });
    });
}

fn refused<D: Slotted>(test: &str) {
    in_slots(test, 1, |driver: &D, table| {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = taken.local_addr().unwrap();
        driver.run(async {
            let error = Ear::bind_into_slot(address, table, driver.clone()).await.unwrap_err();
            assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
            assert_eq!(table.open(), 0);
            // From a network that is for documentation.
            let nowhere = ([192, 0, 2, 1], 0);
            let error = Ear::bind_into_slot(nowhere, table, driver.clone()).await.unwrap_err();
            assert_eq!(error.kind(), std::io::ErrorKind::AddrNotAvailable);
            let any = (Ipv4Addr::LOCALHOST, 0);
            let one = Ear::bind_into_slot(any, table, driver.clone()).await.unwrap();
            let error = Ear::bind_into_slot(any, table, driver.clone()).await.unwrap_err();
            assert_eq!(error.raw_os_error(), Some(libc::ENFILE), "there is one slot");
            let error = Ear::put_into_slot(taken, table, driver.clone()).await.unwrap_err();
            assert_eq!(error.raw_os_error(), Some(libc::ENFILE));
            one.close().await.unwrap();
        });
    });
}

fn selects<D: Slotted>(test: &str) {
    in_slots(test, 5, |driver: &D, table| {
        let (listener, address) = bind(driver, table);
        let (mut connected, mut accepted) = (0_u32, 0);
        let mut far = Vec::new();
        driver.run(async {
            for turn in 0..turns() / 50 {
                if turn % 3 > 0 && connected - accepted < 2 {
                    far.push(TcpStream::connect(address).unwrap());
                    connected += 1;
                }
                let arrived = match turn % 2 {
                    0 => race(driver, turn, listener.accept()).await,
                    _ => race(driver, turn, listener.incoming().next()).await.map(Option::unwrap),
                };
                if let Some(arrived) = arrived {
                    arrived.unwrap().0.close().await.unwrap();
                    accepted += 1;
                }
            }
            while accepted < connected {
                listener.accept().await.unwrap().0.close().await.unwrap();
                accepted += 1;
            }
        });
        assert!(connected > 0);
        assert_eq!(table.open(), 1, "the listener's own slot");
    });
}

fn stream<D: Slotted>(test: &str) {
    in_slots(test, 3, |driver: &D, table| {
        let (listener, address) = bind(driver, table);
        let mut connections: SlotConnections<TcpListener, D> = listener.into_connections();
        for round in 0..20_u8 {
            driver.run(async {
                // The future of an item is dropped, and the stream goes on.
                assert!(futures::poll!(connections.next()).is_pending());
                let mut far = TcpStream::connect(address).unwrap();
                far.write_all(&[round]).unwrap();
                let near = connections.next().await.unwrap().unwrap();
                let (_, byte) = near.recv([0; 1]).await.both().unwrap();
                assert_eq!((byte, table.open()), ([round], 2));
                near.close().await.unwrap();
            });
        }
        // What comes with nobody looking waits in the stream.
        let waiting = [(); 2].map(|()| TcpStream::connect(address).unwrap());
        driver.run(async {
            for far in waiting {
                let near = connections.next().await.unwrap().unwrap();
                let peer = near.install().await.unwrap().peer_addr().unwrap();
                assert_eq!(peer, far.local_addr().unwrap());
            }
        });
        drop(connections);
        wait_until_closed(driver, table);
        // Nobody listens there any more.
        TcpListener::bind(address).unwrap();
    });
}

fn full<D: Slotted>(test: &str) {
    in_slots(test, 2, |driver: &D, table| {
        let (listener, address) = bind(driver, table);
        let mut connections = listener.into_connections();
        let first = TcpStream::connect(address).unwrap();
        driver.run(async {
            let near = connections.next().await.unwrap().unwrap();
            // There is no slot for this one.
            let mut second = TcpStream::connect(address).unwrap();
            let error = connections.next().await.unwrap().unwrap_err();
            assert_eq!(error.raw_os_error(), Some(libc::ENFILE));
            assert!(matches!(second.read(&mut [0; 1]), Ok(0) | Err(_)), "it was closed");
            near.close().await.unwrap();
            let third = TcpStream::connect(address).unwrap();
            let near = connections.next().await.unwrap().unwrap();
            let peer = near.install().await.unwrap().peer_addr().unwrap();
            assert_eq!(peer, third.local_addr().unwrap());
        });
        drop((connections, first));
    });
}

#[test]
fn a_listener_dropped_on_another_thread_closes_its_slot_with_accepts_in_flight() {
    let test = "a_listener_dropped_on_another_thread_closes_its_slot_with_accepts_in_flight";
    in_slots(test, 2, |driver: &ringbahn::SharedDriver, table| {
        for round in 0..50 {
            let (listener, address) = bind(driver, table);
            driver.run(async {
                assert!(futures::poll!(pin!(listener.accept())).is_pending());
            });
            // A connection may come just before the end, and then has a slot as well.
            let connect = std::thread::spawn(move || TcpStream::connect(address));
            match round % 2 {
                0 => std::thread::spawn(move || drop(listener)).join().unwrap(),
                _ => {
                    let connections = listener.into_connections();
                    std::thread::spawn(move || drop(connections)).join().unwrap();
                }
            }
            drop(connect.join().unwrap());
            wait_until_closed(driver, table);
        }
    });
}

fn dropped<D: Slotted>(test: &str) {
    in_slots(test, 4, |driver: &D, table| {
        // Accepted by an abandoned accept, and by a stream that nobody looks at.
        for by_stream in [false, true] {
            let (listener, address) = bind(driver, table);
            let mut far = if by_stream {
                let mut connections = listener.into_connections();
                driver.run(async { assert!(poll_once(&mut connections.next()).is_pending()) });
                let far = [(); 3].map(|()| TcpStream::connect(address).unwrap());
                driver.run(driver.clone().submit(ringbahn::event::Nop)).unwrap();
                drop(connections);
                far.into_iter().collect::<Vec<_>>()
            } else {
                driver.run(async {
                    assert!(futures::poll!(pin!(listener.accept())).is_pending());
                });
                let far = TcpStream::connect(address).unwrap();
                driver.run(driver.clone().submit(ringbahn::event::Nop)).unwrap();
                drop(listener);
                vec![far]
            };
            wait_until_closed(driver, table);
            for far in &mut far {
                assert!(matches!(far.read(&mut [0; 1]), Ok(0) | Err(_)));
            }
        }
    });
}
