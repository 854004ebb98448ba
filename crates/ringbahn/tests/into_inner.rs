//! Taking a handle apart, and closing it: nothing is in flight afterwards, and nothing is lost.

use std::io::{ErrorKind, Read, Seek, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;

use futures::executor::block_on;
use futures::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};
use ringbahn::{BufResultExt, Ring};
use socket2::SockRef;

#[path = "support/support.rs"]
mod support;
use support::{driver, file, poll_once, stream};

#[test]
fn a_file_comes_back_at_the_position_of_its_reader() {
    let Some(driver) = driver("a_file_comes_back_at_the_position_of_its_reader") else { return };
    let mut ring = Ring::new_on_driver(file(b"one\ntwo\nthree\n"), driver);
    block_on(async {
        let mut line = String::new();
        ring.read_line(&mut line).await.unwrap();
        assert_eq!(line, "one\n");
        let mut plain = ring.into_inner().await.unwrap();
        assert_eq!(plain.stream_position().unwrap(), 4);
        let mut rest = String::new();
        plain.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "two\nthree\n");
    });
}

#[test]
fn what_was_written_is_there_when_the_file_comes_back() {
    let Some(driver) = driver("what_was_written_is_there_when_the_file_comes_back") else {
        return;
    };
    let mut ring = Ring::new_on_driver(file(b""), driver);
    block_on(async {
        ring.write_all(&[7; 100_000]).await.unwrap();
        let plain = ring.into_inner().await.unwrap();
        assert_eq!(plain.metadata().unwrap().len(), 100_000);
    });
}

#[test]
fn it_waits_for_the_operations_of_others() {
    let Some(driver) = driver("it_waits_for_the_operations_of_others") else { return };
    let (near, mut far) = stream(&driver);
    // Owned by nobody but the driver once it is detached: a receive by its own event.
    let fd = ringbahn::SharedFd::try_from(std::os::fd::AsFd::as_fd(&near)).unwrap();
    drop(fd);
    let mut send = Box::pin(near.send("hello"));
    assert!(poll_once(&mut send).is_ready());
    let mut receive = near.recv(Vec::with_capacity(8));
    assert!(poll_once(&mut receive).is_pending());
    drop(receive);
    let plain = block_on(near.into_inner()).unwrap();
    let mut greeting = [0; 5];
    far.read_exact(&mut greeting).unwrap();
    far.write_all(b"back").unwrap();
    let mut plain: TcpStream = plain;
    let mut answer = [0; 4];
    plain.read_exact(&mut answer).unwrap();
    assert_eq!((&greeting, &answer), (b"hello", b"back"));
}

#[test]
fn it_is_pending_while_an_operation_holds_the_object() {
    let Some(driver) = driver("it_is_pending_while_an_operation_holds_the_object") else { return };
    let ring = Ring::new_on_driver(file(b"hello"), driver);
    let read = ring.read_at(Vec::with_capacity(5), 0);
    let mut taken = Box::pin(ring.into_inner());
    assert!(poll_once(&mut taken).is_pending());
    let (count, _) = block_on(read).both().unwrap();
    assert_eq!(count, 5);
    block_on(taken).unwrap();
}

#[test]
fn bytes_that_nobody_has_taken_come_with_the_error() {
    let Some(driver) = driver("bytes_that_nobody_has_taken_come_with_the_error") else { return };
    let (mut near, mut far) = stream(&driver);
    far.write_all(b"hello").unwrap();
    block_on(async {
        near.fill_buf().await.unwrap();
        near.consume_unpin(2);
        let error = near.into_inner().await.unwrap_err();
        assert_eq!(error.unread, b"llo");
        assert_eq!(std::io::Error::from(error).kind(), ErrorKind::Other);
    });
}

#[test]
fn a_failed_write_is_reported_with_the_object() {
    let Some(driver) = driver("a_failed_write_is_reported_with_the_object") else { return };
    for close in [false, true] {
        let (near, far) = UnixStream::pair().unwrap();
        let mut ring = Ring::new_on_driver(near, driver.clone());
        block_on(async {
            // More than the socket's buffer holds, so that it waits.
            SockRef::from(ring.get_ref()).set_send_buffer_size(1).unwrap();
            assert_eq!(ring.write(&[1; 100_000]).await.unwrap(), 100_000);
            assert!(poll_once(&mut ring.flush()).is_pending());
            drop(far);
            let error = if close {
                ring.close().await.unwrap_err()
            } else {
                let error = ring.into_inner().await.unwrap_err();
                assert!(error.object.peer_addr().is_ok() || error.object.peer_addr().is_err());
                error.into()
            };
            assert_eq!(error.kind(), ErrorKind::BrokenPipe);
        });
    }
}

#[test]
fn a_closed_stream_ends_for_its_peer() {
    let Some(driver) = driver("a_closed_stream_ends_for_its_peer") else { return };
    let (mut near, mut far) = stream(&driver);
    block_on(async {
        // With a read pending, and with bytes that are written behind.
        assert!(poll_once(&mut near.read(&mut [0; 8])).is_pending());
        near.write_all(b"bye").await.unwrap();
        Ring::close(near).await.unwrap();
    });
    let mut rest = Vec::new();
    far.read_to_end(&mut rest).unwrap();
    assert_eq!(rest, b"bye");
}

#[test]
fn a_listener_comes_back_and_listens() {
    let Some(driver) = driver("a_listener_comes_back_and_listens") else { return };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let ring = Ring::new_on_driver(listener, driver);
    assert!(poll_once(&mut Box::pin(ring.accept())).is_pending());
    let listener = block_on(ring.into_inner()).unwrap();
    let client = TcpStream::connect(address).unwrap();
    let (_, peer) = listener.accept().unwrap();
    assert_eq!(peer, client.local_addr().unwrap());
}
