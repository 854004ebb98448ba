//! Looking at what there is to receive.
//!
//! Goal: what was seen is what comes, wherever it was: in the kernel, read ahead, or left by a
//! receive that was dropped.

use std::io::Write;
use std::net::TcpStream;

use futures::executor::block_on;
use futures::{AsyncBufReadExt, AsyncReadExt};
use ringbahn::{BufResultExt, Ring, SharedDriver};

#[path = "support/support.rs"]
mod support;
use support::{driver, poll_once, stream};

async fn peeked(near: &Ring<TcpStream, SharedDriver>, room: usize) -> Vec<u8> {
    let (count, bytes) = near.peek(Vec::with_capacity(room)).await.both().unwrap();
    assert_eq!(count, bytes.len());
    bytes
}

#[test]
fn bytes_are_seen_as_often_as_one_looks_and_then_come() {
    let Some(driver) = driver("bytes_are_seen_as_often_as_one_looks") else { return };
    let (mut near, mut far) = stream(&driver);
    block_on(async {
        far.write_all(b"abcdef").unwrap();
        assert_eq!(peeked(&near, 3).await, b"abc");
        assert_eq!(peeked(&near, 64).await, b"abcdef");
        let mut buf = [0; 2];
        near.read_exact(&mut buf).await.unwrap();
        assert_eq!(&buf, b"ab");

        // Read ahead: now the handle has them.
        assert_eq!(near.fill_buf().await.unwrap(), b"cdef");
        far.write_all(b"more").unwrap();
        assert_eq!(peeked(&near, 2).await, b"cd");
        assert_eq!(peeked(&near, 64).await, b"cdef");
        near.consume_unpin(1);
        assert_eq!(peeked(&near, 64).await, b"def");
        assert_eq!(near.recv(vec![0; 64]).await.both().unwrap().1, b"def");
        assert_eq!(peeked(&near, 64).await, b"more");
        assert_eq!(near.peek([0; 0]).await.both().unwrap().0, 0);
    });
}

#[test]
fn what_an_abandoned_read_or_receive_brought_is_seen() {
    let Some(driver) = driver("what_an_abandoned_read_or_receive_brought_is_seen") else { return };
    for turn in 0..100 {
        let (mut near, mut far) = stream(&driver);
        if turn % 2 == 0 {
            assert!(poll_once(&mut near.read(&mut [0; 3])).is_pending());
            far.write_all(b"abcdef").unwrap();
        } else {
            let mut receive = near.recv(Vec::with_capacity(3));
            assert!(poll_once(&mut receive).is_pending());
            // Whether the bytes or the cancel come first is for the kernel to say.
            far.write_all(b"abcdef").unwrap();
            drop(receive);
        }
        block_on(async {
            let seen = peeked(&near, 3).await;
            assert_eq!(seen, b"abc");
            let mut all = [0; 6];
            near.read_exact(&mut all).await.unwrap();
            assert_eq!(&all, b"abcdef");
        });
    }
}

#[test]
fn a_look_that_is_dropped_takes_nothing_and_the_end_is_seen() {
    let Some(driver) = driver("a_look_that_is_dropped_takes_nothing") else { return };
    let (near, mut far) = stream(&driver);
    assert!(poll_once(&mut Box::pin(near.peek([0; 8]))).is_pending());
    far.write_all(b"hello").unwrap();
    block_on(async {
        assert_eq!(near.recv(vec![0; 8]).await.both().unwrap().1, b"hello");
        drop(far);
        assert_eq!(peeked(&near, 8).await, b"");
        assert_eq!(near.recv([0; 8]).await.both().unwrap().0, 0);
        let (reader, _writer) = near.into_split();
        assert_eq!(reader.peek([0; 8]).await.both().unwrap().0, 0);
    });
}
