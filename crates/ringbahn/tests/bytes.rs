//! `Bytes` and `BytesMut` as buffers: what is sent is not copied, what is received is appended.

use std::io::{Read, Write};

use bytes::{Bytes, BytesMut};
use futures::executor::block_on;
use ringbahn::{BufResultExt, IoBufMut, Ring};

#[path = "support/support.rs"]
mod support;
use support::{driver, file, poll_once, stream};

#[test]
fn what_is_received_is_appended_to_a_bytes_mut() {
    let Some(driver) = driver("what_is_received_is_appended_to_a_bytes_mut") else { return };
    let (near, mut far) = stream(&driver);
    let mut buffer = BytesMut::with_capacity(64);
    let place = buffer.as_ptr();
    block_on(async {
        for (word, all) in [("one ", "one "), ("two ", "one two "), ("three", "one two three")] {
            far.write_all(word.as_bytes()).unwrap();
            let (count, filled) = near.recv(buffer.spare_capacity()).await.both().unwrap();
            buffer = filled.into_inner();
            assert_eq!((count, &buffer[..]), (word.len(), all.as_bytes()));
        }
        assert_eq!(buffer.as_ptr(), place);

        // The frames that are taken out go on sharing the memory.
        let frame = buffer.split_to(8).freeze();
        far.write_all(b" four").unwrap();
        let (_, filled) = near.recv(buffer.spare_capacity()).await.both().unwrap();
        assert_eq!((&frame[..], &filled.into_inner()[..]), (&b"one two "[..], &b"three four"[..]));
    });
}

#[test]
fn what_a_dropped_receive_has_brought_is_appended_too() {
    let Some(driver) = driver("what_a_dropped_receive_has_brought_is_appended_too") else { return };
    let (near, mut far) = stream(&driver);
    for _ in 0..100 {
        let mut receive = near.recv(BytesMut::with_capacity(64));
        assert!(poll_once(&mut receive).is_pending());
        far.write_all(b"world").unwrap();
        drop(receive);
        let mut buffer = BytesMut::with_capacity(64);
        buffer.extend_from_slice(b"hello ");
        while buffer.len() < 11 {
            let received = block_on(near.recv(buffer.spare_capacity()));
            buffer = received.both().unwrap().1.into_inner();
        }
        assert_eq!(buffer, "hello world");
    }
}

#[test]
fn a_full_bytes_mut_receives_nothing() {
    let Some(driver) = driver("a_full_bytes_mut_receives_nothing") else { return };
    let (near, _far) = stream(&driver);
    let buffer = BytesMut::from(&b"full"[..]);
    let room = buffer.capacity() - buffer.len();
    assert_eq!(room, 0);
    let (count, buffer) = block_on(near.recv(buffer.spare_capacity())).both().unwrap();
    assert_eq!((count, &buffer.into_inner()[..]), (0, &b"full"[..]));
}

#[test]
fn bytes_are_sent_and_written_from_where_they_are() {
    let Some(driver) = driver("bytes_are_sent_and_written_from_where_they_are") else { return };
    let (near, mut far) = stream(&driver);
    let file = Ring::new_on_driver(file(b""), driver.clone());
    let message = Bytes::from(vec![b'x'; 1000]);
    block_on(async {
        let part = message.slice(900..);
        let (_, part) = near.send_all(part).await.both().unwrap();
        assert_eq!(part.as_ptr(), message[900..].as_ptr());
        let (count, part) = near.send(ringbahn::IoBuf::slice(part, ..50)).await.both().unwrap();
        assert_eq!((count, part.get_ref().len()), (50, 100));
        let (_, back) = file.write_all_at(message.clone(), 0).await.both().unwrap();
        assert_eq!(back.as_ptr(), message.as_ptr());
        let parts = vec![message.slice(..1), message.slice(..2), Bytes::new(), message.slice(..3)];
        let (count, _) = file.write_vectored_at(parts, 1000).await.both().unwrap();
        assert_eq!(count, 6);
        let mut read = BytesMut::with_capacity(2000);
        read.extend_from_slice(b">");
        let read = file.read_at(read.spare_capacity(), 0).await.both().unwrap().1.into_inner();
        assert_eq!((read[0], &read[1..]), (b'>', &[b'x'; 1006][..]));
    });
    drop(near);
    let mut got = Vec::new();
    far.read_to_end(&mut got).unwrap();
    assert_eq!(got, [b'x'; 150]);
}

#[test]
fn a_bytes_mut_is_filled_to_its_end() {
    let Some(driver) = driver("a_bytes_mut_is_filled_to_its_end") else { return };
    let file = Ring::new_on_driver(file(b"0123456789"), driver);
    let mut buffer = BytesMut::with_capacity(8);
    buffer.extend_from_slice(b"ab");
    let read = block_on(file.read_exact_at(buffer.spare_capacity(), 1)).both().unwrap().1;
    assert_eq!(read.into_inner(), "ab123456");
}
