//! `select!` between an accept and a timer, while clients connect.
//!
//! Goal: every client is served, however often the accept is dropped, and afterwards no descriptor
//! is left. One test, in a process of its own, since it counts descriptors.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::pin::pin;
use std::thread;
use std::time::Duration;

use futures::executor::block_on;
use futures::future::{Either, select};
use futures::{AsyncReadExt, AsyncWriteExt, StreamExt};
use ringbahn::Ring;

#[path = "support/support.rs"]
mod support;
use support::{descriptors, driver, pause, poll_once, wait_until};

/// Few enough that the ports of closed connections are no problem.
const CLIENTS: usize = 100;

/// Connects again and again, and counts how often it was served.
fn clients(address: std::net::SocketAddr, count: usize) -> usize {
    use std::io::Read;
    let mut served = 0;
    for _ in 0..count {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let mut greeting = [0; 2];
        stream.read_exact(&mut greeting).unwrap();
        served += usize::from(&greeting == b"hi");
    }
    served
}

#[test]
fn every_client_is_served_and_no_descriptor_is_left() {
    let Some(driver) = driver("every_client_is_served_and_no_descriptor_is_left") else { return };
    // The helper thread and its descriptors are there before counting.
    block_on(pause(&driver, Duration::ZERO));
    let before = descriptors();

    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let listener = Ring::new_on_driver(listener, driver.clone());
    let threads: Vec<_> =
        (0..2).map(|_| thread::spawn(move || clients(address, CLIENTS / 2))).collect();
    let mut turns = 0_u32;
    block_on(async {
        let mut accepted = 0;
        while accepted < CLIENTS {
            turns += 1;
            // From none at all to some that come while a client is being accepted.
            let jitter = Duration::from_micros(u64::from(turns * 7 % 150));
            let won = {
                let accept = pin!(listener.accept());
                let timer = pin!(pause(&driver, jitter));
                match select(timer, accept).await {
                    Either::Left(_) => None,
                    Either::Right((connection, _)) => Some(connection),
                }
            };
            if let Some(connection) = won {
                let (mut stream, peer) = connection.unwrap();
                assert_eq!(stream.get_ref().peer_addr().unwrap(), peer);
                stream.write_all(b"hi").await.unwrap();
                stream.close().await.unwrap();
                accepted += 1;
            }
        }
    });
    let served: usize = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
    assert_eq!(served, CLIENTS);
    assert!(turns > CLIENTS as u32, "the timer has never won");

    // One who waits beside one who has gone gets the connection that the other one's accept takes.
    block_on(async {
        let mut gone = Box::pin(listener.accept());
        assert!(poll_once(&mut gone).is_pending());
        let mut waiting = Box::pin(listener.accept());
        assert!(poll_once(&mut waiting).is_pending());
        drop(gone);
        let first = TcpStream::connect(address).unwrap();
        let (mut stream, peer) = waiting.await.unwrap();
        assert_eq!(peer, first.local_addr().unwrap());
        drop(first);
        assert_eq!(stream.read(&mut [0; 8]).await.unwrap(), 0);
    });

    // The same as a stream.
    block_on(async {
        for _ in 0..3 {
            let mut incoming = listener.incoming();
            assert!(poll_once(&mut incoming.next()).is_pending());
            drop(incoming);
            let client = TcpStream::connect(address).unwrap();
            let (_, peer) = listener.incoming().next().await.unwrap().unwrap();
            assert_eq!(peer, client.local_addr().unwrap());
        }
    });

    // A connection that a parked accept has taken is closed with the listener.
    let mut parked = Box::pin(listener.accept());
    assert!(poll_once(&mut parked).is_pending());
    drop(parked);
    let mut orphan = TcpStream::connect(address).unwrap();
    drop(listener);
    orphan.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let ended = std::io::Read::read(&mut orphan, &mut [0; 8]);
    assert!(matches!(ended, Ok(0) | Err(_)), "the orphan got {ended:?}");
    assert!(!matches!(&ended, Err(error) if error.kind() == std::io::ErrorKind::WouldBlock));
    drop(orphan);
    wait_until("all descriptors are closed", || descriptors() == before);
}
