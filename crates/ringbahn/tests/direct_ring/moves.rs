//! Streams in slots that move from one ring to another.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use futures::executor::block_on;
use futures::io::{AsyncReadExt, AsyncWriteExt};
use ringbahn::event::SendToRing;
use ringbahn::{BufResultExt, Direct, DirectTable, Drive, Ring, SharedDriver};

use crate::streams::{InSlot, half_pair};
use crate::{in_slots, support, wait_until_closed};

/// The stream, on the ring of `table`, which is that of `to`.
async fn moved<D: Drive + Clone + Unpin>(
    stream: InSlot<SharedDriver>,
    table: &DirectTable,
    to: D,
) -> std::io::Result<InSlot<D>> {
    let from = stream.driver().clone();
    let file = stream.into_inner().await.unwrap().into_fd();
    let there = from.submit(SendToRing::new(file, table)?).await?;
    Ok(Ring::new_on_driver(Direct::new(there), to))
}

#[test]
fn a_stream_moves_to_another_ring_with_what_has_not_been_read() {
    let test = "a_stream_moves_to_another_ring_with_what_has_not_been_read";
    in_slots(test, 1, |driver: &SharedDriver, table| {
        let Some(other) = support::driver(test) else { return };
        let of_other = other.direct_table(1).unwrap();
        // Several in a row: a slot that has been sent away is free for the next one.
        for round in 0..10_u8 {
            let (near, mut far) = half_pair(driver, table);
            far.write_all(&[round, round + 1]).unwrap();
            block_on(async {
                let (_, first) = near.recv([0; 1]).await.both().unwrap();
                let mut there = moved(near, &of_other, other.clone()).await.unwrap();
                let mut second = [0; 1];
                there.read_exact(&mut second).await.unwrap();
                assert_eq!((first, second), ([round], [round + 1]));
                there.write_all(b"back").await.unwrap();
                AsyncWriteExt::close(&mut there).await.unwrap();
                let mut text = String::new();
                far.read_to_string(&mut text).unwrap();
                assert_eq!(text, "back");
            });
            wait_until_closed(driver, table);
            wait_until_closed(&other, &of_other);
        }
        drop(of_other);
        assert_eq!(block_on(other.shutdown(Duration::from_secs(10))).leaked, 0);
    });
}

#[test]
fn a_stream_that_finds_no_slot_on_the_other_ring_is_closed() {
    let test = "a_stream_that_finds_no_slot_on_the_other_ring_is_closed";
    in_slots(test, 2, |driver: &SharedDriver, table| {
        let Some(other) = support::driver(test) else { return };
        let of_other = other.direct_table(1).unwrap();
        let (first, _far) = half_pair(driver, table);
        let (second, mut refused) = half_pair(driver, table);
        block_on(async {
            let there = moved(first, &of_other, other.clone()).await.unwrap();
            let error = moved(second, &of_other, other.clone()).await.unwrap_err();
            assert_eq!(error.raw_os_error(), Some(libc::ENFILE));
            assert!(matches!(refused.read(&mut [0; 1]), Ok(0) | Err(_)));
            assert_eq!(of_other.open(), 1);
            drop(there);
        });
        wait_until_closed(&other, &of_other);
        drop(of_other);
        assert_eq!(block_on(other.shutdown(Duration::from_secs(10))).leaked, 0);
    });
}

#[test]
fn connections_are_handed_to_the_ring_of_another_thread() {
    let test = "connections_are_handed_to_the_ring_of_another_thread";
    in_slots(test, 2, |driver: &SharedDriver, table| {
        let (to_worker, from_acceptor) = std::sync::mpsc::channel::<DirectTable>();
        let (send, streams) = futures::channel::mpsc::unbounded();
        let worker = thread::spawn(move || {
            let Some(local) = support::local_driver(test) else { return };
            let slots = local.direct_table(2).unwrap();
            to_worker.send(slots.clone()).unwrap();
            local.block_on(serve(streams, local.clone()));
            local.block_on(local.clone().submit(ringbahn::event::Nop)).unwrap();
            assert_eq!(slots.open(), 0);
            assert_eq!(local.shutdown(Duration::from_secs(10)).leaked, 0);
        });
        let Ok(slots) = from_acceptor.recv() else { return worker.join().unwrap() };
        let listener = block_on(Ring::<Direct<TcpListener>, _>::bind_into_slot(
            ([127, 0, 0, 1], 0),
            table,
            driver.clone(),
        ));
        let listener = listener.unwrap();
        let address = block_on(listener.local_addr()).unwrap();
        for round in 0..10 {
            let mut far = TcpStream::connect(address).unwrap();
            block_on(async {
                let (near, _) = listener.accept().await.unwrap();
                let file = near.into_inner().await.unwrap().into_fd();
                let send_there = SendToRing::new(file, &slots).unwrap();
                let there = driver.clone().submit(send_there).await.unwrap();
                send.unbounded_send(there).unwrap();
            });
            let mut greeting = String::new();
            far.read_to_string(&mut greeting).unwrap();
            assert_eq!(greeting, "hello from the worker", "in round {round}");
        }
        drop(send);
        worker.join().unwrap();
        drop(listener);
    });
}

/// Greets each connection on its own ring.
async fn serve<D: Drive + Clone + Unpin>(
    mut streams: futures::channel::mpsc::UnboundedReceiver<ringbahn::DirectFd>,
    driver: D,
) {
    use futures::StreamExt as _;
    while let Some(file) = streams.next().await {
        let stream: InSlot<D> = Ring::new_on_driver(Direct::new(file), driver.clone());
        stream.send_all("hello from the worker").await.both().unwrap();
        stream.close().await.unwrap();
    }
}

#[test]
fn a_stream_is_not_sent_to_its_own_ring_nor_to_one_that_has_gone() {
    let test = "a_stream_is_not_sent_to_its_own_ring_nor_to_one_that_has_gone";
    in_slots(test, 1, |driver: &SharedDriver, table| {
        let Some(other) = support::driver(test) else { return };
        let of_other = other.direct_table(1).unwrap();
        let (near, _far) = half_pair(driver, table);
        let error = block_on(moved(near, table, driver.clone())).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        wait_until_closed(driver, table);
        assert_eq!(block_on(other.shutdown(Duration::from_secs(10))).leaked, 0);
        let (near, _far) = half_pair(driver, table);
        // A ring that has been shut down is there as long as somebody has its driver.
        drop(other);
        let error = block_on(moved(near, &of_other, driver.clone())).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotConnected);
    });
}
