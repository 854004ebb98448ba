//! Select loops that drop receives, reads and accepts on slots: nothing is lost.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::pin::pin;

use futures::StreamExt as _;
use futures::io::AsyncReadExt;
use ringbahn::event::Nop;

use crate::streams::{half_pair, listen};
use crate::subject::{race, turns};
use crate::{Slotted, in_slots, on_two_drivers};

on_two_drivers! {
    receives, dropped_receives_and_reads_lose_nothing,
        dropped_receives_and_reads_lose_nothing_locally;
    accepts, dropped_accepts_lose_no_connection, dropped_accepts_lose_no_connection_locally;
}

fn receives<D: Slotted>(test: &str) {
    in_slots(test, 1, |driver: &D, table| {
        let (mut near, mut far) = half_pair(driver, table);
        let (mut sent, mut received) = (0_u32, Vec::new());
        let turns = turns() / 10;
        driver.run(async {
            for turn in 0..turns {
                if turn % 3 > 0 {
                    far.write_all(&sent.to_be_bytes()).unwrap();
                    sent += 1;
                }
                if turn % 2 == 0 {
                    let receive = near.recv(Vec::with_capacity(5));
                    if let Some((result, bytes)) = race(driver, turn, receive).await {
                        result.unwrap();
                        received.extend_from_slice(&bytes);
                    }
                } else {
                    let mut bytes = [0; 7];
                    let count = race(driver, turn, near.read(&mut bytes)).await;
                    received.extend_from_slice(&bytes[..count.map_or(0, Result::unwrap)]);
                }
            }
            far.shutdown(std::net::Shutdown::Write).unwrap();
            near.read_to_end(&mut received).await.unwrap();
        });
        assert_eq!(received.len(), sent as usize * 4);
        for (number, bytes) in received.chunks(4).enumerate() {
            assert_eq!(bytes, (number as u32).to_be_bytes());
        }
    });
}

fn accepts<D: Slotted>(test: &str) {
    in_slots(test, 4, |driver: &D, table| {
        let listener = listen(driver, table);
        let address = listener.get_ref().local_addr().unwrap();
        let (mut connected, mut accepted) = (0_u32, 0);
        let mut far = Vec::new();
        driver.run(async {
            for turn in 0..turns() / 50 {
                if turn % 3 > 0 && connected - accepted < 2 {
                    far.push(TcpStream::connect(address).unwrap());
                    connected += 1;
                }
                if let Some(arrived) = race(driver, turn, listener.accept()).await {
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
        assert_eq!(table.open(), 0);
        // A stream of them takes over what was parked.
        far.push(TcpStream::connect(address).unwrap());
        let arrived = driver.run(listener.incoming().next()).expect("it has no end");
        let (near, peer) = arrived.unwrap();
        assert_eq!(peer, far.last().unwrap().local_addr().unwrap());
        assert_eq!((near.get_ref().fd().ring(), table.open()), (table.ring(), 1));
        drop(near);
        // One that was accepted and that nobody takes is closed with the listener.
        driver.run(async {
            assert!(futures::poll!(pin!(listener.accept())).is_pending());
        });
        let mut late = TcpStream::connect(address).unwrap();
        drop(listener);
        // On one thread it may have been accepted after the drop has looked, and is then closed
        // when the driver runs next.
        late.set_nonblocking(true).unwrap();
        let mut is_open = true;
        while is_open {
            driver.run(driver.clone().submit(Nop)).unwrap();
            let end = late.read(&mut [0; 1]);
            is_open = matches!(end, Err(error) if error.kind() == ErrorKind::WouldBlock);
        }
    });
}
