//! The two directions of a stream in the hands of two tasks.
//!
//! Goal: they run at the same time without harm to each other, and the end of the one that writes
//! is told to the peer when all is sent, and not before.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::UnixStream;
use std::thread;

use futures::executor::block_on;
use futures::{AsyncReadExt, AsyncWriteExt};
use ringbahn::{BufResultExt, OwnedReadHalf, OwnedWriteHalf, Ring, SharedDriver};

#[path = "support/support.rs"]
mod support;
use support::{connection, driver, is_held, poll_once, referent, stream, wait_until};

const LENGTH: usize = 16 << 20;

/// What is sent: a sequence that no shift or gap leaves the same. `seed` makes one of several.
fn byte(seed: u8, index: usize) -> u8 {
    (index.wrapping_mul(31) >> 3) as u8 ^ (index >> 13) as u8 ^ seed
}

fn sum(bytes: impl Iterator<Item = u8>) -> u64 {
    bytes.fold(0xcbf2_9ce4_8422_2325, |sum, byte| {
        (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

fn expected(seed: u8) -> u64 {
    sum((0..LENGTH).map(|index| byte(seed, index)))
}

async fn send(mut writer: OwnedWriteHalf<TcpStream, SharedDriver>, seed: u8) {
    let mut piece = Vec::new();
    for index in 0..LENGTH {
        piece.push(byte(seed, index));
        if piece.len() == 50_000 || index + 1 == LENGTH {
            writer.write_all(&piece).await.unwrap();
            piece.clear();
        }
    }
    // The rest is told by the end of the half, behind the last write.
}

async fn receive(mut reader: OwnedReadHalf<TcpStream, SharedDriver>) -> u64 {
    let mut total = Vec::with_capacity(LENGTH);
    reader.read_to_end(&mut total).await.unwrap();
    assert_eq!(total.len(), LENGTH);
    sum(total.into_iter())
}

#[test]
fn two_threads_move_sixteen_mebibytes_both_ways() {
    let Some(driver) = driver("two_threads_move_sixteen_mebibytes_both_ways") else { return };
    let (near, far) = connection();
    let (near_reader, near_writer) = Ring::new_on_driver(near, driver.clone()).into_split();
    let (far_reader, far_writer) = Ring::new_on_driver(far, driver).into_split();
    thread::scope(|scope| {
        scope.spawn(|| block_on(send(near_writer, 1)));
        scope.spawn(|| block_on(send(far_writer, 2)));
        let there = scope.spawn(|| block_on(receive(far_reader)));
        let back = scope.spawn(|| block_on(receive(near_reader)));
        assert_eq!(there.join().unwrap(), expected(1));
        assert_eq!(back.join().unwrap(), expected(2));
    });
}

#[test]
fn borrowed_halves_do_the_same_in_one_task() {
    let Some(driver) = driver("borrowed_halves_do_the_same_in_one_task") else { return };
    let (mut near, far) = stream(&driver);
    let mut far = Ring::new_on_driver(far, driver);
    let (mut near_reader, mut near_writer) = Ring::split(&mut near);
    let (far_reader, mut far_writer) = Ring::split(&mut far);
    let bytes: Vec<u8> = (0..300_000).map(|index| byte(3, index)).collect();
    block_on(async {
        let write = async {
            near_writer.write_all(&bytes).await.unwrap();
            near_writer.close().await.unwrap();
        };
        let echo = async {
            loop {
                let (count, piece) = far_reader.recv(vec![0; 7000]).await.both().unwrap();
                if count == 0 {
                    break;
                }
                far_writer.send_all(piece).await.both().unwrap();
            }
            far_writer.close().await.unwrap();
        };
        let mut got = Vec::new();
        futures::join!(write, echo, async { near_reader.read_to_end(&mut got).await.unwrap() });
        assert!(got == bytes);
    });
}

#[test]
fn the_end_comes_behind_what_was_accepted_before_and_after_the_split() {
    let Some(driver) = driver("the_end_comes_behind_what_was_accepted") else { return };
    // More than the sockets have room for, so that the last write is in flight at the end.
    let bytes: Vec<u8> = (0..8 << 20).map(|index| byte(4, index)).collect();
    for split_first in [false, true] {
        let (near, mut far) = UnixStream::pair().unwrap();
        let mut near = Ring::new_on_driver(near, driver.clone());
        let mut accepted = 0;
        let reader = if split_first {
            let (reader, mut writer) = near.into_split();
            while let std::task::Poll::Ready(count) =
                poll_once(&mut writer.write(&bytes[accepted..]))
            {
                accepted += count.unwrap();
            }
            drop(writer);
            reader
        } else {
            while let std::task::Poll::Ready(count) = poll_once(&mut near.write(&bytes[accepted..]))
            {
                accepted += count.unwrap();
            }
            let (reader, writer) = near.into_split();
            drop(writer);
            reader
        };
        assert!(accepted > 0 && accepted < bytes.len());
        let mut got = Vec::new();
        far.read_to_end(&mut got).unwrap();
        assert_eq!(got.len(), accepted);
        assert!(got[..] == bytes[..accepted]);
        // The other direction goes on.
        far.write_all(b"still here").unwrap();
        let (_, answer) = block_on(reader.recv(vec![0; 10])).both().unwrap();
        assert_eq!(answer, b"still here");
    }
}

#[test]
fn a_send_that_runs_is_not_cut_by_the_end_of_its_half() {
    let Some(driver) = driver("a_send_that_runs_is_not_cut_by_the_end_of_its_half") else { return };
    let (near, mut far) = UnixStream::pair().unwrap();
    let (_reader, writer) = Ring::new_on_driver(near, driver).into_split();
    let mut send = writer.send_all(vec![7; 4 << 20]);
    assert!(poll_once(&mut send).is_pending());
    drop(writer);
    let peer = thread::spawn(move || {
        let mut got = Vec::new();
        far.read_to_end(&mut got).unwrap();
        got.len()
    });
    block_on(send).both().unwrap();
    assert_eq!(peer.join().unwrap(), 4 << 20);
}

#[test]
fn halves_are_reunited_with_all_they_had() {
    let Some(driver) = driver("halves_are_reunited_with_all_they_had") else { return };
    let (near, mut far) = stream(&driver);
    let (other, _far) = stream(&driver);
    let (mut reader, mut writer) = near.into_split();
    let (other_reader, other_writer) = other.into_split();
    block_on(async {
        far.write_all(b"ahead").unwrap();
        // What was read ahead, and an abandoned receive.
        assert_eq!(reader.read(&mut [0; 1]).await.unwrap(), 1);
        assert!(poll_once(&mut reader.recv(vec![0; 64])).is_ready());
        assert!(poll_once(&mut reader.read(&mut [0; 8])).is_pending());
        writer.write_all(b"hello").await.unwrap();

        let strangers = reader.reunite(other_writer).unwrap_err();
        assert!(strangers.to_string().contains("two sockets"));
        let near = strangers.reader.reunite(writer).unwrap();
        let other = other_reader.reunite(strangers.writer).unwrap();
        drop(other);

        // Together again: the end of the handle is no half-close, and the read goes on.
        far.write_all(b"more").unwrap();
        assert_eq!(near.recv(vec![0; 64]).await.both().unwrap().1, b"more");
        near.shutdown(Shutdown::Write).await.unwrap();
        let mut got = Vec::new();
        far.read_to_end(&mut got).unwrap();
        assert_eq!(got, b"hello");
        near.into_inner().await.unwrap();
    });
}

#[test]
fn the_socket_is_closed_with_the_second_half() {
    let Some(driver) = driver("the_socket_is_closed_with_the_second_half") else { return };
    for reader_first in [false, true] {
        let (near, far) = stream(&driver);
        let socket = referent(near.get_ref()).unwrap();
        let (mut reader, writer) = near.into_split();
        assert!(poll_once(&mut reader.read(&mut [0; 8])).is_pending());
        if reader_first {
            drop(reader);
            assert!(is_held(&socket));
            drop(writer);
        } else {
            drop(writer);
            assert!(is_held(&socket));
            drop(reader);
        }
        wait_until("the socket is closed", || !is_held(&socket));
        drop(far);
    }
}
