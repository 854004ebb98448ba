//! Connections in slots: echoes, ends, halves, what only a descriptor can, and full tables.

use std::io::{PipeReader, PipeWriter, Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};

use futures::future::join;
use futures::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};
use ringbahn::event::{Opens as _, Pipe};
use ringbahn::{BufResultExt, Direct, DirectTable, Ring, SlotListener};

use crate::support::{descriptors, skip};
use crate::{Slotted, in_slots, on_two_drivers};

on_two_drivers! {
    echo, an_echo_runs_in_slots, an_echo_runs_in_slots_of_a_local_driver;
    ends, an_end_is_told_while_the_other_side_goes_on,
        an_end_is_told_while_the_other_side_goes_on_locally;
    halves, both_halves_work_at_once, both_halves_work_at_once_locally;
    proxy, ends_are_passed_on_by_a_proxy, ends_are_passed_on_by_a_proxy_locally;
    others, unix_sockets_and_pipes_are_in_slots, unix_sockets_and_pipes_are_in_slots_locally;
    install, a_descriptor_is_made_beside_the_slot, a_descriptor_is_made_beside_the_slot_locally;
    take_apart, a_handle_gives_its_slot_back, a_handle_gives_its_slot_back_locally;
    full, a_full_table_is_no_end_of_the_listener, a_full_table_is_no_end_of_the_listener_locally;
}

pub(crate) fn listen<D: Slotted>(driver: &D, table: &DirectTable) -> SlotListener<TcpListener, D> {
    let any = (Ipv4Addr::LOCALHOST, 0);
    Ring::<TcpListener, D>::bind_on_driver(any, driver.clone()).unwrap().into_slots(table)
}

/// A stream in a slot.
pub(crate) type InSlot<D> = Ring<Direct<TcpStream>, D>;

/// Both ends of a connection, both in slots.
pub(crate) fn pair<D: Slotted>(driver: &D, table: &DirectTable) -> (InSlot<D>, InSlot<D>) {
    let listener = listen(driver, table);
    let address = listener.get_ref().local_addr().unwrap();
    driver.run(async {
        let connect = InSlot::connect_into_slot(address, table, driver.clone());
        let (near, far) = join(connect, listener.accept()).await;
        let (far, peer) = far.unwrap();
        assert!(peer.ip().is_loopback());
        (near.unwrap(), far)
    })
}

/// One end in a slot, the other a socket of std.
pub(crate) fn half_pair<D: Slotted>(driver: &D, table: &DirectTable) -> (InSlot<D>, TcpStream) {
    let listener = listen(driver, table);
    let far = TcpStream::connect(listener.get_ref().local_addr().unwrap()).unwrap();
    (driver.run(listener.accept()).unwrap().0, far)
}

fn echo<D: Slotted>(test: &str) {
    in_slots(test, 2, |driver: &D, table| {
        let before = descriptors();
        let (near, far) = pair(driver, table);
        assert_eq!((table.open(), descriptors()), (2, before), "slots, and no descriptors");
        driver.run(async {
            let serve = async {
                let mut far = far;
                let mut line = String::new();
                while far.read_line(&mut line).await.unwrap() > 0 {
                    far.write_all(line.as_bytes()).await.unwrap();
                    far.flush().await.unwrap();
                    line.clear();
                }
                far.close().await.unwrap();
            };
            let ask = async {
                let mut near = near;
                for line in ["one\n", "two\n"] {
                    near.send_all(line).await.both().unwrap();
                    let (count, seen) = near.peek(vec![0; 1]).await.both().unwrap();
                    assert_eq!((count, seen[0]), (1, line.as_bytes()[0]));
                    let (_, back) = near.recv(Vec::with_capacity(16)).await.both().unwrap();
                    assert_eq!(back, line.as_bytes());
                }
                near.send_vectored(["thr", "ee\n"]).await.both().unwrap();
                let (count, _) = near.recv_vectored([[0; 3], [0; 3]]).await.both().unwrap();
                assert_eq!(count, 6);
                let text: Vec<u8> = [&[b'x'; 100_000][..], b"\n"].concat();
                near.write_all(&text).await.unwrap();
                let mut back = vec![0; text.len()];
                near.read_exact(&mut back).await.unwrap();
                assert!(back == text);
                AsyncWriteExt::close(&mut near).await.unwrap();
                assert_eq!(near.read(&mut back).await.unwrap(), 0, "the server has ended as well");
            };
            join(serve, ask).await;
        });
        assert_eq!(table.open(), 0);
    });
}

fn ends<D: Slotted>(test: &str) {
    in_slots(test, 2, |driver: &D, table| {
        let (mut near, far) = pair(driver, table);
        driver.run(async {
            near.write_all(b"all").await.unwrap();
            AsyncWriteExt::close(&mut near).await.unwrap();
            // Once more is no harm.
            AsyncWriteExt::close(&mut near).await.unwrap();
            let (_, text) = far.recv(Vec::with_capacity(8)).await.both().unwrap();
            assert_eq!(text, b"all");
            assert_eq!(far.recv([0; 8]).await.0.unwrap(), 0);
            far.send_all("and on").await.both().unwrap();
            far.shutdown(Shutdown::Write).await.unwrap();
            let mut text = String::new();
            near.read_to_string(&mut text).await.unwrap();
            assert_eq!(text, "and on");
            assert!(near.send("no").await.0.is_err());
        });
    });
}

fn halves<D: Slotted>(test: &str) {
    in_slots(test, 2, |driver: &D, table| {
        let (mut near, mut far) = pair(driver, table);
        let text: Vec<u8> = (0..1 << 20).map(|index: u32| (index >> 8) as u8).collect();
        driver.run(async {
            let (mut reader, mut writer) = Ring::split(&mut near);
            let send = async {
                writer.write_all(&text).await.unwrap();
                writer.close().await.unwrap();
            };
            let mut back = Vec::new();
            let receive = reader.read_to_end(&mut back);
            // What arrives is sent back until the end, which is passed on.
            let (mut source, mut sink) = Ring::split(&mut far);
            let serve = async {
                ringbahn::io::copy(&mut source, &mut sink).await.unwrap();
                sink.close().await.unwrap();
            };
            let (_, count, ()) = futures::join!(send, receive, serve);
            assert_eq!(count.unwrap(), text.len());
            assert!(back == text);
        });
    });
}

fn proxy<D: Slotted>(test: &str) {
    in_slots(test, 2, |driver: &D, table| {
        let ((mut left, mut client), (mut right, mut server)) =
            (half_pair(driver, table), half_pair(driver, table));
        let server = std::thread::spawn(move || {
            let mut text = String::new();
            server.read_to_string(&mut text).unwrap();
            server.write_all(text.to_uppercase().as_bytes()).unwrap();
        });
        client.write_all(b"hello").unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        let copied = driver.run(ringbahn::io::copy_bidirectional(&mut left, &mut right));
        assert_eq!(copied.unwrap(), (5, 5));
        let mut text = String::new();
        client.read_to_string(&mut text).unwrap();
        assert_eq!(text, "HELLO");
        server.join().unwrap();
    });
}

fn others<D: Slotted>(test: &str) {
    in_slots(test, 3, |driver: &D, table| {
        let name = format!("\0{test}-{}", std::process::id());
        let listener = Ring::<UnixListener, D>::bind_on_driver(&name, driver.clone()).unwrap();
        let listener = listener.into_slots(table);
        let far = Ring::<UnixStream, D>::connect_to_path_on_driver(&name, driver.clone());
        driver.run(async {
            let (far, near) = join(far, listener.accept()).await;
            let ((mut near, peer), far) = (near.unwrap(), far.unwrap());
            assert!(peer.is_unnamed());
            // Not by the driver, which would serve it at once by the descriptor.
            far.get_ref().write_all(b"hello").unwrap();
            drop(far);
            let mut text = String::new();
            near.read_to_string(&mut text).await.unwrap();
            assert_eq!(text, "hello");
            let (reader, writer) = match driver.clone().submit(Pipe::new().into_slot(table)).await {
                Ok(ends) => ends,
                Err(error) if error.raw_os_error() == Some(libc::ENXIO) => {
                    return skip(test, "the kernel is older than 6.16");
                }
                Err(error) => panic!("{error}"),
            };
            let mut reader: Ring<Direct<PipeReader>, D> =
                Ring::new_on_driver(Direct::new(reader), driver.clone());
            let mut writer: Ring<Direct<PipeWriter>, D> =
                Ring::new_on_driver(Direct::new(writer), driver.clone());
            writer.write_all(b"through a pipe").await.unwrap();
            writer.close().await.unwrap();
            text.clear();
            reader.read_to_string(&mut text).await.unwrap();
            assert_eq!(text, "through a pipe");
        });
    });
}

fn install<D: Slotted>(test: &str) {
    in_slots(test, 1, |driver: &D, table| {
        let (near, far) = half_pair(driver, table);
        let installed = driver.run(near.install()).unwrap();
        assert_eq!(installed.peer_addr().unwrap(), far.local_addr().unwrap());
        installed.set_nodelay(true).unwrap();
        drop(near);
        assert_eq!(table.open(), 0);
        // The connection lives on, by its descriptor.
        (&installed).write_all(b"still").unwrap();
        drop(installed);
        let mut text = String::new();
        (&far).read_to_string(&mut text).unwrap();
        assert_eq!(text, "still");
    });
}

fn take_apart<D: Slotted>(test: &str) {
    in_slots(test, 1, |driver: &D, table| {
        let (near, far) = half_pair(driver, table);
        driver.run(async {
            // A read in flight does not keep it, and sends in flight are waited for.
            let mut near = near;
            let mut buffer = [0; 8];
            assert!(futures::poll!(near.read(&mut buffer)).is_pending());
            let object = near.into_inner().await.unwrap();
            let slot = object.into_fd();
            assert_eq!((slot.slot(), slot.table().open()), (0, 1));
            let near: InSlot<D> = Ring::new_on_driver(Direct::new(slot), driver.clone());
            near.send_all("again").await.both().unwrap();
            near.close().await.unwrap();
        });
        assert_eq!(table.open(), 0);
        let mut text = String::new();
        (&far).read_to_string(&mut text).unwrap();
        assert_eq!(text, "again");
    });
}

fn full<D: Slotted>(test: &str) {
    in_slots(test, 1, |driver: &D, table| {
        let listener = listen(driver, table);
        let address = listener.get_ref().local_addr().unwrap();
        let connect = || TcpStream::connect(address).unwrap();
        let (_first, mut second) = (connect(), connect());
        let near = driver.run(listener.accept()).unwrap().0;
        let error = driver.run(listener.accept()).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::ENFILE));
        assert!(matches!(second.read(&mut [0; 1]), Ok(0) | Err(_)), "that one is closed");
        drop(near);
        let _third = connect();
        let (_near, _peer) = driver.run(listener.accept()).unwrap();
        assert_eq!(table.open(), 1);
    });
}
