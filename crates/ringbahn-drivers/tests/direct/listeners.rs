//! Listening sockets in slots, connections by one operation, and descriptors that get into slots.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::thread;

use futures::StreamExt as _;
use ringbahn_core::event::{
    AcceptIntoSlots, AcceptMulti, Bind, Connect, InstallFd, Listen, Position, Read, RegisterFd,
    ReuseAddress, Socket,
};
use ringbahn_core::event::{Domain, Opens as _, Type};
use ringbahn_core::{Drive, ForeignRing, SharedFd, SocketAddress};

use crate::ring_tables::filled;
use crate::scene::{end, in_child, pipe, poll_once, run, shared, until, until_idle};
use crate::{open, table};

#[test]
fn a_socket_in_a_slot_gets_an_option_and_an_address_and_listens() {
    let test = "a_socket_in_a_slot_gets_an_option_and_an_address_and_listens";
    let Some((driver, table)) = table(test, 3) else { return };
    let driver = &driver;
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).into_slot(&table);
    let socket = SharedFd::from(run(driver.submit(socket)).unwrap());
    match run(driver.submit(ReuseAddress::new(socket.clone()))) {
        Err(error) if error.raw_os_error() == Some(libc::EOPNOTSUPP) => {
            return crate::skip::skip(test, "the kernel is older than 6.7");
        }
        result => result.unwrap(),
    }
    let any: std::net::SocketAddr = "127.0.0.1:0".parse().unwrap();
    match run(driver.submit(Bind::new(socket.clone(), any))) {
        // The engine beside the ring, which has no slots, is asked on an old kernel.
        Err(error) if matches!(error.raw_os_error(), Some(libc::EINVAL | libc::EBADF)) => {
            return crate::skip::skip(test, "the kernel is older than 6.11");
        }
        result => result.unwrap(),
    }
    run(driver.submit(Listen::new(socket.clone(), 1))).unwrap();
    let twice = run(driver.submit(Bind::new(socket.clone(), any))).unwrap_err();
    assert_eq!(twice.raw_os_error(), Some(libc::EINVAL));
    let installed: OwnedFd = run(driver.submit(InstallFd::new(socket.clone()))).unwrap();
    let listener = TcpListener::from(installed);
    assert!(socket2::SockRef::from(&listener).reuse_address().unwrap());
    let address = listener.local_addr().unwrap();
    drop(listener);

    let mut incoming = driver.stream(AcceptMulti::new(socket).into_slots(&table));
    let far = Socket::new(Domain::IPV4, Type::STREAM, None).into_slot(&table);
    let far = SharedFd::from(run(driver.submit(far)).unwrap());
    run(driver.submit(Connect::new(far.clone(), SocketAddress::from(address)))).unwrap();
    let near = run(incoming.next()).unwrap().unwrap();
    assert_eq!(table.open(), 3);
    drop((incoming, near, far));
    until("every slot is closed", || table.open() == 0);
    end(driver);
}

#[test]
fn options_and_addresses_are_for_sockets() {
    let test = "options_and_addresses_are_for_sockets";
    let Some((driver, table)) = table(test, 1) else { return };
    let driver = &driver;
    let file = SharedFd::from(open(driver, &table, "/").unwrap());
    let any: std::net::SocketAddr = "127.0.0.1:0".parse().unwrap();
    assert!(run(driver.submit(ReuseAddress::new(file.clone()))).is_err());
    assert!(run(driver.submit(Bind::new(file.clone(), any))).is_err());
    assert!(run(driver.submit(Listen::new(file, 1))).is_err());
    assert_eq!(table.open(), 0);
    end(driver);
}

#[test]
fn a_descriptor_gets_into_a_slot_and_both_go_on() {
    let test = "a_descriptor_gets_into_a_slot_and_both_go_on";
    let Some((driver, table)) = table(test, 1) else { return };
    let driver = &driver;
    let (reader, mut writer) = pipe();
    let register = || RegisterFd::new(reader.clone(), &table).unwrap();
    let direct = match run(driver.submit(register())) {
        Err(error) if error.kind() == std::io::ErrorKind::Unsupported => {
            return crate::skip::skip(test, "the kernel is older than 6.0");
        }
        direct => SharedFd::from(direct.unwrap()),
    };
    assert_eq!(table.open(), 1);
    for (file, text) in [(&direct, b"one"), (&reader, b"two")] {
        writer.write_all(text).unwrap();
        let read = Read::new(file.clone(), [0; 3], Position::Current);
        let (count, bytes) = run(driver.submit(read));
        assert_eq!((count.unwrap(), &bytes), (3, text));
    }
    // There is one slot; and what is in it is not put into another one.
    let full = run(driver.submit(register())).unwrap_err();
    assert_eq!(full.raw_os_error(), Some(libc::ENFILE));
    assert!(RegisterFd::new(direct.clone(), &table).is_err());
    drop((direct, reader));
    until("the slot is closed", || table.open() == 0);
    // Another test may be starting a process, which has the pipe until it executes its program.
    until("both are closed", || {
        writer.write_all(b"!").is_err_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
    });
    end(driver);
}

#[test]
fn a_slot_for_a_descriptor_that_nobody_takes_is_closed() {
    let test = "listeners::a_slot_for_a_descriptor_that_nobody_takes_is_closed";
    in_child(test, || {
        let (driver, table) = table(test, 1).unwrap();
        for _ in 0..100 {
            let file = shared(std::fs::File::open("/dev/null").unwrap());
            let register = RegisterFd::new(file, &table).unwrap();
            let mut register = driver.clone().submit(register);
            drop(poll_once(Pin::new(&mut register)));
            drop(register);
            until_idle(&driver);
            until("the slot is free", || (filled().files, table.open()) == (0, 0));
        }
        end(&driver);
    });
}

#[test]
fn a_stream_into_slots_is_for_one_ring_and_for_what_listens() {
    let test = "a_stream_into_slots_is_for_one_ring_and_for_what_listens";
    let Some((driver, own)) = table(test, 1) else { return };
    let Some((other, of_other)) = table(test, 1) else { return };
    let listener = shared(TcpListener::bind("127.0.0.1:0").unwrap());
    let mut foreign = (&driver).stream(AcceptIntoSlots::new(listener, &of_other));
    let error = run(foreign.next()).unwrap().unwrap_err();
    assert!(error.get_ref().is_some_and(|inner| inner.is::<ForeignRing>()), "{error}");
    assert!(run(foreign.next()).is_none());
    let datagrams = shared(std::net::UdpSocket::bind("127.0.0.1:0").unwrap());
    let mut deaf = (&driver).stream(AcceptIntoSlots::new(datagrams, &own));
    assert!(run(deaf.next()).unwrap().is_err());
    assert!(run(deaf.next()).is_none());
    drop((foreign, deaf));
    assert_eq!((own.open(), of_other.open()), (0, 0));
    end(&driver);
    end(&other);
}

#[test]
fn connections_of_a_stream_are_closed_on_other_threads_and_unread_ones_with_it() {
    let test =
        "listeners::connections_of_a_stream_are_closed_on_other_threads_and_unread_ones_with_it";
    in_child(test, || {
        let (driver, table) = table(test, 4).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let listener = shared(listener);
        for _ in 0..50 {
            let accepts = AcceptIntoSlots::new(listener.clone(), &table);
            let mut incoming = driver.clone().stream(accepts);
            let mut clients: Vec<_> =
                (0..3).map(|_| TcpStream::connect(address).unwrap()).collect();
            let near = run(incoming.next()).unwrap().unwrap();
            thread::spawn(move || drop(near)).join().unwrap();
            drop(incoming);
            until_idle(&driver);
            until("every slot is free", || (filled().files, table.open()) == (0, 0));
            // What the stream has not come to stays in the backlog, for the next one.
            let closed = clients.iter_mut().map(|client| {
                client.set_nonblocking(true).unwrap();
                let read = client.read(&mut [0; 1]).map_err(|error| error.kind());
                u32::from(read != Err(std::io::ErrorKind::WouldBlock))
            });
            assert!(closed.sum::<u32>() >= 1);
        }
        end(&driver);
    });
}
