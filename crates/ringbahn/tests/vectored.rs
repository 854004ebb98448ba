//! Transfers of several buffers that end short: in the middle of one, and behind none.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::pin::pin;
use std::thread;
use std::time::Duration;

use futures::AsyncReadExt;
use futures::executor::block_on;
use futures::future::{Either, select};
use ringbahn::{BufResultExt, IoBuf, Ring};

#[path = "support/support.rs"]
mod support;
use support::{driver, file, pause, poll_once};

#[test]
fn a_receive_fills_the_buffers_in_order_as_far_as_it_goes() {
    let Some(driver) = driver("a_receive_fills_the_buffers_in_order") else { return };
    let (near, mut far) = UnixStream::pair().unwrap();
    let near = Ring::new_on_driver(near, driver);
    let rooms = || [Vec::with_capacity(2), Vec::with_capacity(3), vec![9; 4]];
    for (sent, expected) in [
        (&b"a"[..], [&b"a"[..], b"", b""]),
        (b"abc", [b"ab", b"c", b""]),
        (b"abcdefg", [b"ab", b"cde", b"fg"]),
    ] {
        far.write_all(sent).unwrap();
        let (count, buffers) = block_on(near.recv_vectored(rooms())).both().unwrap();
        assert_eq!((count, &buffers.concat()[..]), (sent.len(), sent));
        assert_eq!(buffers.each_ref().map(|buffer| &buffer[..]), expected);
    }
    // No room at all, and then the end.
    assert_eq!(block_on(near.recv_vectored([[0; 0]; 2])).both().unwrap().0, 0);
    drop(far);
    let (count, buffers) = block_on(near.recv_vectored(rooms())).both().unwrap();
    assert_eq!((count, buffers.concat().len()), (0, 0));
}

#[test]
fn a_send_goes_on_where_a_short_one_ended() {
    let Some(driver) = driver("a_send_goes_on_where_a_short_one_ended") else { return };
    let (near, mut far) = UnixStream::pair().unwrap();
    let near = Ring::new_on_driver(near, driver);
    let bytes: Vec<u8> = (0..500_000_u32).flat_map(u32::to_be_bytes).collect();
    let receiver = thread::spawn(move || {
        let mut got = Vec::new();
        far.read_to_end(&mut got).unwrap();
        got
    });
    block_on(async {
        let mut sent = 0;
        while sent < bytes.len() {
            let middle = (sent + 900_000).min(bytes.len());
            let parts = [bytes[sent..middle].to_vec(), bytes[middle..].to_vec()];
            let (count, parts) = near.send_vectored(parts).await.both().unwrap();
            assert_eq!(parts.concat().len(), bytes.len() - sent);
            sent += count;
        }
        near.close().await.unwrap();
    });
    assert!(receiver.join().unwrap() == bytes);
}

#[test]
fn an_abandoned_receive_into_several_buffers_loses_nothing() {
    let Some(driver) = driver("an_abandoned_receive_into_several_buffers") else { return };
    let (near, mut far) = UnixStream::pair().unwrap();
    let mut near = Ring::new_on_driver(near, driver.clone());
    let bytes: Vec<u8> = (0..10_000_u32).flat_map(u32::to_be_bytes).collect();
    let sent = bytes.clone();
    let sender = thread::spawn(move || {
        for piece in sent.chunks(301) {
            far.write_all(piece).unwrap();
            // sleep: lets the receiver wait; orders nothing.
            thread::sleep(Duration::from_micros(50));
        }
    });
    let mut got = Vec::new();
    block_on(async {
        for turn in 0_u64.. {
            if turn % 5 == 4 {
                let mut buffer = [0; 50];
                let count = near.read(&mut buffer).await.unwrap();
                got.extend_from_slice(&buffer[..count]);
                if count == 0 {
                    break;
                }
                continue;
            }
            let timer = pin!(pause(&driver, Duration::from_micros(turn * 13 % 120)));
            let parts = vec![Vec::with_capacity(7).slice(..5), Vec::with_capacity(100).slice(..)];
            let receive = pin!(near.recv_vectored(parts));
            if let Either::Right((received, _)) = select(timer, receive).await {
                let (count, parts) = received.both().unwrap();
                if count == 0 {
                    break;
                }
                parts.iter().for_each(|part| got.extend_from_slice(part));
            }
        }
    });
    sender.join().unwrap();
    assert!(got == bytes);
}

#[test]
fn files_are_read_and_written_in_parts() {
    let Some(driver) = driver("files_are_read_and_written_in_parts") else { return };
    let file = Ring::new_on_driver(file(b"0123456789"), driver);
    block_on(async {
        let rooms = [Vec::with_capacity(4), Vec::with_capacity(100)];
        let (count, buffers) = file.read_vectored_at(rooms, 3).await.both().unwrap();
        assert_eq!((count, buffers), (7, [b"3456".to_vec(), b"789".to_vec()]));
        let (count, _) = file.write_vectored_at(vec!["ab", "", "cd"], 8).await.both().unwrap();
        assert_eq!(count, 4);
        let (_, all) = file.read_to_end_at(Vec::new(), 0).await.both().unwrap();
        assert_eq!(all, b"01234567abcd");
        let (count, _) = file.read_vectored_at([[0; 4]; 2], 12).await.both().unwrap();
        assert_eq!(count, 0);
    });
}

#[test]
fn what_was_kept_for_one_buffer_fills_several() {
    let Some(driver) = driver("what_was_kept_for_one_buffer_fills_several") else { return };
    let (near, mut far) = UnixStream::pair().unwrap();
    let mut near = Ring::new_on_driver(near, driver);
    far.write_all(b"abcdefgh").unwrap();
    block_on(async {
        assert_eq!(futures::AsyncBufReadExt::fill_buf(&mut near).await.unwrap(), b"abcdefgh");
        let parts = [Vec::with_capacity(1), Vec::with_capacity(5)];
        let (count, parts) = near.recv_vectored(parts).await.both().unwrap();
        assert_eq!((count, parts), (6, [b"a".to_vec(), b"bcdef".to_vec()]));
        assert_eq!(near.recv(vec![0; 9]).await.both().unwrap().1, b"gh");
        assert!(poll_once(&mut near.recv_vectored([[0; 9]])).is_pending());
    });
}
