//! Writes whose future, or whose handle, is dropped.
//!
//! Goal: what a write has accepted is written whole and in order, and nothing else is.

use std::io::Read;
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::pin::pin;
use std::thread;
use std::time::Duration;

use futures::executor::block_on;
use futures::future::{Either, select};
use futures::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};
use ringbahn::{BufResultExt, Ring};
use socket2::SockRef;

#[path = "support/support.rs"]
mod support;
use support::{driver, file, pause, poll_once, stream};

/// A number of four bytes, as often as fits, so that a foreign byte is seen.
fn block(number: u32, length: usize) -> Vec<u8> {
    number.to_be_bytes().repeat(length / 4)
}

/// Makes the buffers between two sockets so small that writes have to wait.
fn narrow(socket: &impl std::os::fd::AsFd) {
    let socket = SockRef::from(socket);
    socket.set_send_buffer_size(1).unwrap();
    socket.set_recv_buffer_size(1).unwrap();
}

#[test]
fn a_write_after_a_dropped_one_neither_replaces_nor_interleaves_it() {
    let Some(driver) = driver("a_write_after_a_dropped_one") else { return };
    let (mut near, far) = stream(&driver);
    narrow(near.get_ref());
    narrow(&far);
    let reader = thread::spawn(move || {
        let (mut far, mut bytes) = (far, Vec::new());
        let mut piece = [0; 3001];
        loop {
            match far.read(&mut piece).unwrap() {
                0 => return bytes,
                count => bytes.extend_from_slice(&piece[..count]),
            }
            // sleep: lets the writer wait for room; orders nothing.
            thread::sleep(Duration::from_micros(50));
        }
    });
    let mut accepted = Vec::new();
    block_on(async {
        for number in 0..60_u32 {
            let bytes = block(number, 4096);
            let timer = pin!(pause(&driver, Duration::from_micros(u64::from(number * 17 % 90))));
            // Dropped where the timer is faster: then nothing of it was accepted.
            if let Either::Right((written, _)) = select(timer, near.write(&bytes)).await {
                accepted.extend_from_slice(&bytes[..written.unwrap()]);
            }
        }
        near.close().await.unwrap();
    });
    assert!(accepted.len() > 4096);
    assert!(reader.join().unwrap() == accepted);
}

#[test]
fn a_handle_that_is_dropped_finishes_its_write() {
    let Some(driver) = driver("a_handle_that_is_dropped_finishes_its_write") else { return };
    let (near, mut far) = UnixStream::pair().unwrap();
    narrow(&near);
    let mut near = Ring::new_on_driver(near, driver.clone());
    let bytes = block(7, 100_000);
    let count = block_on(near.write(&bytes)).unwrap();
    assert_eq!(count, bytes.len());
    drop(near);
    let mut got = Vec::new();
    far.read_to_end(&mut got).unwrap();
    assert!(got == bytes);
}

#[test]
fn short_writes_are_continued_without_being_polled() {
    let Some(driver) = driver("short_writes_are_continued_without_being_polled") else { return };
    let (near, mut far) = UnixStream::pair().unwrap();
    narrow(&near);
    let mut near = Ring::new_on_driver(near, driver.clone());
    let bytes = block(9, 128 * 1024);
    assert_eq!(block_on(near.write(&bytes)).unwrap(), bytes.len());
    let mut got = vec![0; bytes.len()];
    far.read_exact(&mut got).unwrap();
    assert!(got == bytes);
    block_on(near.flush()).unwrap();
}

#[test]
fn write_all_writes_all_through_a_narrow_socket() {
    let Some(driver) = driver("write_all_writes_all_through_a_narrow_socket") else { return };
    for length in [1, 2, 4095, 4096, 4097, 131_072, 131_073, 1_000_000] {
        let (near, far) = UnixStream::pair().unwrap();
        narrow(&near);
        let mut near = Ring::new_on_driver(near, driver.clone());
        let reader = thread::spawn(move || {
            let (mut far, mut bytes) = (far, Vec::new());
            far.read_to_end(&mut bytes).unwrap();
            bytes
        });
        let bytes: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
        block_on(async {
            near.write_all(&bytes).await.unwrap();
            near.close().await.unwrap();
        });
        assert!(reader.join().unwrap() == bytes, "{length} bytes");
    }
}

#[test]
fn send_all_and_send_zc_send_all() {
    let Some(driver) = driver("send_all_and_send_zc_send_all") else { return };
    let (near, far) = stream(&driver);
    let far: Ring<TcpStream, _> = Ring::new_on_driver(far, driver.clone());
    let bytes = block(3, 300_000);
    block_on(async {
        let receive = async {
            let mut far = far;
            let mut got = Vec::new();
            far.read_to_end(&mut got).await.unwrap();
            got
        };
        let send = async {
            near.send_all(bytes.clone()).await.both().unwrap();
            let (count, _) = near.send_zc("end").await.both().unwrap();
            assert_eq!(count, 3);
            near.shutdown(std::net::Shutdown::Write).await.unwrap();
        };
        let (got, ()) = futures::join!(receive, send);
        assert!(got[..bytes.len()] == bytes && &got[bytes.len()..] == b"end");
    });
}

#[test]
fn a_write_is_there_before_what_follows_it() {
    let Some(driver) = driver("a_write_is_there_before_what_follows_it") else { return };
    let plain = file(b"");
    let mut ring = Ring::new_on_driver(plain.try_clone().unwrap(), driver.clone());
    let bytes = block(5, 128 * 1024);
    block_on(async {
        for round in 1..=20_u64 {
            ring.write_all(&bytes).await.unwrap();
            match round % 5 {
                0 => ring.sync_all().await.unwrap(),
                1 => ring.sync_data().await.unwrap(),
                2 => ring.flush().await.unwrap(),
                3 => ring.set_len(round * bytes.len() as u64).await.unwrap(),
                _ => drop(ring.seek(std::io::SeekFrom::Current(0)).await.unwrap()),
            }
            assert_eq!(plain.metadata().unwrap().len(), round * bytes.len() as u64);
        }
    });
}

#[test]
fn an_error_of_a_write_behind_is_reported_once() {
    let Some(driver) = driver("an_error_of_a_write_behind_is_reported_once") else { return };
    // A device that has no room: whether `write` itself or the next call reports it.
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let mut full = Ring::new_on_driver(full, driver.clone());
    block_on(async {
        let mut errors = Vec::new();
        errors.extend(full.write(b"hello").await.err());
        errors.extend(full.flush().await.err());
        errors.extend(full.flush().await.err());
        errors.extend(full.close().await.err());
        let kinds: Vec<_> = errors.iter().map(std::io::Error::kind).collect();
        assert_eq!(kinds, [std::io::ErrorKind::StorageFull]);
    });

    // One that certainly comes later: the peer goes while the write waits.
    let (near, far) = UnixStream::pair().unwrap();
    narrow(&near);
    let mut near = Ring::new_on_driver(near, driver.clone());
    let bytes = block(1, 128 * 1024);
    block_on(async {
        assert_eq!(near.write(&bytes).await.unwrap(), bytes.len());
        assert!(poll_once(&mut near.flush()).is_pending());
        drop(far);
        let error = near.flush().await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::BrokenPipe);
        near.flush().await.unwrap();
        let error = near.write(b"more").await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::BrokenPipe);
        near.flush().await.unwrap();
    });
}

#[test]
fn a_file_that_cannot_be_written_says_so() {
    let Some(driver) = driver("a_file_that_cannot_be_written_says_so") else { return };
    let null = std::fs::File::open("/dev/null").unwrap();
    let mut null = Ring::new_on_driver(null, driver);
    block_on(async {
        let written = null.write(b"hello").await;
        let error = written.and(null.flush().await).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::EBADF));
        null.flush().await.unwrap();
    });
}

#[test]
fn a_peer_that_is_gone_is_an_error_and_no_signal() {
    let Some(driver) = driver("a_peer_that_is_gone_is_an_error_and_no_signal") else { return };
    let (near, far) = UnixStream::pair().unwrap();
    let mut near = Ring::new_on_driver(near, driver.clone());
    drop(far);
    block_on(async {
        let written = near.write(b"hello").await;
        let error = written.map(drop).and(near.flush().await).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::BrokenPipe);
        for result in [near.send("hello").await.0.map(drop), near.send_all("hello").await.0] {
            assert_eq!(result.unwrap_err().kind(), std::io::ErrorKind::BrokenPipe);
        }
    });
}

#[test]
fn a_connection_that_the_peer_has_reset_is_ended_without_an_error() {
    let name = "a_connection_that_the_peer_has_reset_is_ended_without_an_error";
    let Some(driver) = driver(name) else { return };
    let (mut near, far) = stream(&driver);
    SockRef::from(&far).set_linger(Some(Duration::ZERO)).unwrap();
    drop(far);
    block_on(async {
        let error = near.read(&mut [0]).await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
        AsyncWriteExt::close(&mut near).await.unwrap();
    });
}
