//! What cannot work says so as std does, and nothing panics.

use std::fs::File;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;

use futures::executor::block_on;
use futures::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};
use ringbahn::event::Incomplete;
use ringbahn::fs::OpenOptions;
use ringbahn::{BufResultExt, IoBuf, Ring};

#[path = "support/support.rs"]
mod support;
use support::{driver, file, stream};

#[test]
fn a_file_that_is_missing_or_no_file() {
    let Some(driver) = driver("a_file_that_is_missing_or_no_file") else { return };
    let folder = tempfile::tempdir().unwrap();
    block_on(async {
        let missing = folder.path().join("missing");
        let error = Ring::<File, _>::open_on_driver(&missing, driver.clone()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        let zero = Ring::<File, _>::open_on_driver("a\0b", driver.clone()).await.unwrap_err();
        assert_eq!(zero.kind(), ErrorKind::InvalidInput);
        let created = Ring::<File, _>::create_on_driver(folder.path(), driver.clone()).await;
        assert_eq!(created.unwrap_err().kind(), ErrorKind::IsADirectory);

        let mut opened =
            Ring::<File, _>::open_on_driver(folder.path(), driver.clone()).await.unwrap();
        let error = opened.read(&mut [0; 8]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::IsADirectory);
        let error = opened.read_at(vec![1, 2], 0).await.both().unwrap_err();
        assert_eq!((error.error.kind(), error.buf), (ErrorKind::IsADirectory, vec![1, 2]));
        let (error, buffer) = opened.read_to_end_at(vec![3], 0).await;
        assert_eq!((error.unwrap_err().kind(), buffer), (ErrorKind::IsADirectory, vec![3]));
    });
}

#[test]
fn options_of_opening_mean_what_they_mean_in_std() {
    let Some(driver) = driver("options_of_opening_mean_what_they_mean_in_std") else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    block_on(async {
        let mut new = OpenOptions::new();
        new.write(true).create_new(true).mode(0o600);
        let mut ring = new.open_on_driver(&path, driver.clone()).await.unwrap();
        ring.write_all(b"hello").await.unwrap();
        ring.close().await.unwrap();
        let again = new.open_on_driver(&path, driver.clone()).await.unwrap_err();
        assert_eq!(again.kind(), ErrorKind::AlreadyExists);

        let mut log =
            OpenOptions::new().append(true).open_on_driver(&path, driver.clone()).await.unwrap();
        log.write_all(b", ring").await.unwrap();
        log.flush().await.unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"hello, ring");
        assert_eq!(log.metadata().await.unwrap().len(), 11);
        log.set_len(5).await.unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"hello");

        let none = OpenOptions::new().open_on_driver(&path, driver.clone()).await.unwrap_err();
        assert_eq!(none.kind(), ErrorKind::InvalidInput);
        let read_only = Ring::<File, _>::open_on_driver(&path, driver.clone()).await.unwrap();
        assert_eq!(read_only.set_len(0).await.unwrap_err().kind(), ErrorKind::InvalidInput);
        let error = read_only.write_at("x", 0).await.both().unwrap_err();
        assert_eq!((error.error.raw_os_error(), error.buf), (Some(libc::EBADF), "x"));
    });
}

#[test]
fn buffers_without_room_and_without_bytes() {
    let Some(driver) = driver("buffers_without_room_and_without_bytes") else { return };
    let (mut near, _far) = stream(&driver);
    let mut ring = Ring::new_on_driver(file(b"hello"), driver);
    block_on(async {
        assert_eq!(near.read(&mut []).await.unwrap(), 0);
        assert_eq!(near.write(&[]).await.unwrap(), 0);
        assert_eq!(near.recv(Vec::new()).await.both().unwrap(), (0, Vec::new()));
        assert_eq!(near.send("").await.both().unwrap(), (0, ""));
        near.send_all(Vec::new()).await.both().unwrap();
        near.consume_unpin(0);
        near.flush().await.unwrap();

        assert_eq!(ring.read(&mut []).await.unwrap(), 0);
        assert_eq!(ring.write(&[]).await.unwrap(), 0);
        assert_eq!(ring.read_at(Vec::new(), 0).await.both().unwrap(), (0, Vec::new()));
        assert_eq!(ring.write_at("", 0).await.both().unwrap(), (0, ""));
        ring.write_all_at("", 0).await.both().unwrap();
        ring.read_exact_at([0; 0], 0).await.both().unwrap();
        let (count, _) = ring.read_vectored_at(Vec::<Vec<u8>>::new(), 0).await.both().unwrap();
        assert_eq!(count, 0);
    });
}

#[test]
fn offsets_beyond_everything() {
    let Some(driver) = driver("offsets_beyond_everything") else { return };
    let ring = Ring::new_on_driver(file(b"hello"), driver);
    block_on(async {
        for offset in [u64::MAX, u64::MAX - 1, 1 << 63] {
            let error = ring.read_at([0; 4], offset).await.both().unwrap_err();
            assert_eq!(error.error.kind(), ErrorKind::InvalidInput, "{offset}");
            assert!(ring.write_at("x", offset).await.0.is_err());
            assert!(ring.read_to_end_at(Vec::new(), offset).await.0.is_err());
        }
        assert_eq!(ring.read_at([0; 4], 99).await.both().unwrap(), (0, [0; 4]));
    });
}

#[test]
fn an_early_end_is_an_error_with_what_was_read() {
    let Some(driver) = driver("an_early_end_is_an_error_with_what_was_read") else { return };
    let mut ring = Ring::new_on_driver(file(b"hello"), driver.clone());
    block_on(async {
        let error =
            ring.read_exact_at(Vec::with_capacity(9).slice(..9), 1).await.both().unwrap_err();
        assert_eq!(error.error.kind(), ErrorKind::UnexpectedEof);
        let incomplete = error.error.get_ref().and_then(|inner| inner.downcast_ref::<Incomplete>());
        assert_eq!(incomplete.map(Incomplete::done), Some(4));
        assert_eq!(error.buf.into_inner(), b"ello");

        let error = ring.read_exact(&mut [0; 9]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
        let (count, all) = ring.read_to_end_at(b"> ".to_vec(), 2).await.both().unwrap();
        assert_eq!((count, &all[..]), (3, &b"> llo"[..]));
        let parts = vec![Vec::with_capacity(2), Vec::with_capacity(9)];
        let (count, parts) = ring.read_vectored_at(parts, 0).await.both().unwrap();
        assert_eq!((count, &parts[0][..], &parts[1][..]), (5, &b"he"[..], &b"llo"[..]));
        let (count, _) = ring.write_vectored_at(["HE", "L"], 0).await.both().unwrap();
        assert_eq!(count, 3);
        let (_, all) = ring.read_to_end_at(Vec::new(), 0).await.both().unwrap();
        assert_eq!(all, b"HELlo");
    });

    let (mut near, far) = stream(&driver);
    block_on(async {
        std::io::Write::write_all(&mut &far, b"abc").unwrap();
        drop(far);
        let error = near.read_exact(&mut [0; 9]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
        assert_eq!(near.recv(vec![0; 9]).await.both().unwrap().0, 0);
    });
}

#[test]
fn files_that_do_not_know_their_length_are_read_to_the_end() {
    let Some(driver) = driver("files_that_do_not_know_their_length") else { return };
    let expected = std::fs::read("/proc/self/cmdline").unwrap();
    block_on(async {
        let ring = Ring::<File, _>::open_on_driver("/proc/self/cmdline", driver).await.unwrap();
        let (_, text) = ring.read_to_end_at(Vec::new(), 0).await.both().unwrap();
        assert_eq!(text, expected);
    });
}

#[test]
fn addresses_where_nobody_is() {
    let Some(driver) = driver("addresses_where_nobody_is") else { return };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let taken = listener.local_addr().unwrap();
    let free = {
        let other = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        other.local_addr().unwrap()
    };
    block_on(async {
        let connect = |address| Ring::<TcpStream, _>::connect_on_driver(address, driver.clone());
        assert_eq!(connect(free).await.unwrap_err().kind(), ErrorKind::ConnectionRefused);
        let nowhere: SocketAddr = "255.255.255.255:1".parse().unwrap();
        assert!(connect(nowhere).await.is_err());

        let some = [free, nowhere, taken];
        let any = Ring::<TcpStream, _>::connect_on_driver(some, driver.clone());
        assert_eq!(any.await.unwrap().get_ref().peer_addr().unwrap(), taken);
        let none = Ring::<TcpStream, _>::connect_on_driver(&[][..], driver.clone()).await;
        assert_eq!(none.unwrap_err().kind(), ErrorKind::InvalidInput);

        let bound = Ring::<TcpListener, _>::bind_on_driver(taken, driver.clone());
        assert_eq!(bound.unwrap_err().kind(), ErrorKind::AddrInUse);
        let long = "x".repeat(200);
        let path = Ring::<UnixStream, _>::connect_to_path_on_driver(long, driver.clone()).await;
        assert_eq!(path.unwrap_err().kind(), ErrorKind::InvalidInput);
        let missing =
            Ring::<UnixStream, _>::connect_to_path_on_driver("/nonexistent", driver.clone()).await;
        assert_eq!(missing.unwrap_err().kind(), ErrorKind::NotFound);
    });
}

#[test]
fn a_socket_that_is_not_connected() {
    let Some(driver) = driver("a_socket_that_is_not_connected") else { return };
    use socket2::{Domain, Socket, Type};
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let mut ring = Ring::new_on_driver(TcpStream::from(socket), driver);
    block_on(async {
        assert_eq!(ring.read(&mut [0; 8]).await.unwrap_err().kind(), ErrorKind::NotConnected);
        assert_eq!(ring.recv(vec![0; 8]).await.0.unwrap_err().kind(), ErrorKind::NotConnected);
        assert!(ring.write(b"hello").await.is_err());
        assert_eq!(ring.close().await.map_err(|error| error.kind()), Ok(()));
    });
}

#[test]
fn sockets_in_non_blocking_mode_wait_all_the_same() {
    let Some(driver) = driver("sockets_in_non_blocking_mode_wait_all_the_same") else { return };
    let (near, mut far) = support::connection();
    near.set_nonblocking(true).unwrap();
    let mut near = Ring::new_on_driver(near, driver);
    let mut buf = [0; 5];
    assert!(support::poll_once(&mut near.read(&mut buf)).is_pending());
    std::io::Write::write_all(&mut far, b"hello").unwrap();
    block_on(near.read_exact(&mut buf)).unwrap();
    assert_eq!(&buf, b"hello");
}
