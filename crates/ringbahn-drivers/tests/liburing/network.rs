//! Sockets.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown as How, TcpStream, UdpSocket};
use std::os::unix::net::UnixStream;
use std::thread;

use futures::StreamExt as _;
use ringbahn_core::event::{
    Accept, AcceptMulti, Connect, ControlMessage, Domain, Recv, RecvMsg, Send, SendMsg, SendTo,
    SendZc, Shutdown, Socket, Type,
};

use crate::scene::shared;
use crate::subject::Subject;
use crate::support::{
    begin, connection, is_cancelled, listener, pattern, pending_accept, stream_pair,
};

on_both_drivers! {
    accept,
    accept_reuse,
    accept_non_empty,
    accept_mshot_stress,
    connect,
    connect_rep,
    conn_unreach,
    shutdown,
    send_recv,
    send_recvmsg,
    socket,
    socket_rw,
    socket_rw_eagain,
    fd_pass,
    send_zerocopy,
    sendzc_bug,
}

/// A connection is accepted, with the address of its peer; an accept that waits can be stopped.
fn accept<S: Subject>() {
    let driver = S::make(4, 8).unwrap();
    let (listener, address) = listener();
    let accept = pending_accept(&driver, &listener);
    let client = TcpStream::connect(address).unwrap();
    let (_connection, peer) = driver.run(accept).unwrap();
    assert_eq!(peer.as_inet(), client.local_addr().ok());
    let accept = pending_accept(&driver, &listener);
    assert!(is_cancelled(&driver.run(accept.cancel()).into_inner().map(drop)));
    driver.end();
}

/// One future accepts one connection after the other.
fn accept_reuse<S: Subject>() {
    let driver = S::make(1, 2).unwrap();
    let (listener, address) = listener();
    let mut accept = Box::pin(driver.clone().submit(Accept::new(listener.clone())));
    for _ in 0..20 {
        let client = TcpStream::connect(address).unwrap();
        let (_connection, peer) = driver.run(accept.as_mut()).unwrap();
        assert_eq!(peer.as_inet(), client.local_addr().ok());
        accept.as_mut().restart(Accept::new(listener.clone()));
    }
    driver.end();
}

/// What a client has sent before it was accepted is there.
fn accept_non_empty<S: Subject>() {
    let driver = S::make(2, 4).unwrap();
    let (listener, address) = listener();
    let mut client = TcpStream::connect(address).unwrap();
    client.write_all(b"early").unwrap();
    let (connection, _) = driver.run(driver.clone().submit(Accept::new(listener))).unwrap();
    let receive = Recv::new(connection, vec![0; 8]);
    let (received, buffer) = driver.run(driver.clone().submit(receive));
    assert_eq!((received.unwrap(), &buffer[..]), (5, &b"early"[..]));
    driver.end();
}

/// Clients of several threads come and go; each is accepted once by one operation.
fn accept_mshot_stress<S: Subject>() {
    const THREADS: usize = 4;
    const CLIENTS: usize = 25;
    let driver = S::make(2, 4).unwrap();
    let (listener, address) = listener();
    let mut incoming = driver.clone().stream(AcceptMulti::new(listener));
    crate::subject::begin(&driver, &mut incoming);
    let clients: Vec<_> = (0..THREADS)
        .map(|_| {
            thread::spawn(move || {
                for _ in 0..CLIENTS {
                    // Waits until the server closes it.
                    let mut client = TcpStream::connect(address).unwrap();
                    assert_eq!(client.read(&mut [0]).unwrap(), 0);
                }
            })
        })
        .collect();
    for _ in 0..THREADS * CLIENTS {
        drop(driver.run(incoming.next()).unwrap().unwrap());
    }
    clients.into_iter().for_each(|client| client.join().unwrap());
    drop(incoming);
    driver.end();
}

/// A socket connects where somebody listens, and is refused where nobody does.
fn connect<S: Subject>() {
    let driver = S::make(2, 4).unwrap();
    let socket = || driver.clone().submit(Socket::new(Domain::IPV4, Type::STREAM, None));
    let (listener, address) = listener();
    let near = driver.run(socket()).unwrap();
    driver.run(driver.clone().submit(Connect::new(near, address))).unwrap();
    drop(listener);
    let near = driver.run(socket()).unwrap();
    let error = driver.run(driver.clone().submit(Connect::new(near, address))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    driver.end();
}

/// A socket that is connected cannot be connected again.
fn connect_rep<S: Subject>() {
    let driver = S::make(2, 4).unwrap();
    let (_listener, address) = listener();
    let near =
        driver.run(driver.clone().submit(Socket::new(Domain::IPV4, Type::STREAM, None))).unwrap();
    let near = ringbahn_core::SharedFd::from(near);
    driver.run(driver.clone().submit(Connect::new(near.clone(), address))).unwrap();
    let error = driver.run(driver.clone().submit(Connect::new(near, address))).unwrap_err();
    assert_eq!(error.raw_os_error(), Some(libc::EISCONN));
    driver.end();
}

/// What was sent to a port of nobody is told by the next operation of the socket.
fn conn_unreach<S: Subject>() {
    let driver = S::make(2, 4).unwrap();
    let nobody = UdpSocket::bind("127.0.0.1:0").unwrap();
    let near = UdpSocket::bind("127.0.0.1:0").unwrap();
    near.connect(nobody.local_addr().unwrap()).unwrap();
    drop(nobody);
    let near = shared(near);
    let (sent, _) = driver.run(driver.clone().submit(Send::new(near.clone(), "anybody there?")));
    sent.unwrap();
    let (received, _) = driver.run(driver.clone().submit(Recv::new(near, vec![0; 1])));
    assert_eq!(received.unwrap_err().kind(), ErrorKind::ConnectionRefused);
    driver.end();
}

/// A receive that waits ends when its socket is shut down, and a send afterwards fails.
fn shutdown<S: Subject>() {
    let driver = S::make(4, 8).unwrap();
    let (near, _far) = connection();
    let mut receive = driver.clone().submit(Recv::new(near.clone(), vec![0; 1]));
    begin(&driver, &mut receive);
    driver.run(driver.clone().submit(Shutdown::new(near.clone(), How::Both))).unwrap();
    assert_eq!(driver.run(receive).0.unwrap(), 0);
    let (sent, _) = driver.run(driver.clone().submit(Send::new(near, "too late")));
    assert_eq!(sent.unwrap_err().kind(), ErrorKind::BrokenPipe);
    driver.end();
}

/// A datagram arrives as it was sent, and one that is too long is cut off.
fn send_recv<S: Subject>() {
    let driver = S::make(4, 8).unwrap();
    let far = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = far.local_addr().unwrap();
    let (near, far) = (shared(UdpSocket::bind("127.0.0.1:0").unwrap()), shared(far));
    for length in [8, 4] {
        let send = SendTo::new(near.clone(), "datagram", address);
        assert_eq!(driver.run(driver.clone().submit(send)).0.unwrap(), 8);
        let receive = Recv::new(far.clone(), vec![0; length]);
        let (received, buffer) = driver.run(driver.clone().submit(receive));
        assert_eq!((received.unwrap(), &buffer[..]), (length, &b"datagram"[..length]));
    }
    driver.end();
}

/// A message of several buffers is received into several of other lengths, with its sender.
fn send_recvmsg<S: Subject>() {
    let driver = S::make(4, 8).unwrap();
    let far = UdpSocket::bind("127.0.0.1:0").unwrap();
    let near = UdpSocket::bind("127.0.0.1:0").unwrap();
    let (from, to) = (near.local_addr().unwrap(), far.local_addr().unwrap());
    let mut receive = driver.clone().submit(RecvMsg::new(shared(far), [vec![0; 3], vec![0; 8]]));
    begin(&driver, &mut receive);
    let send = SendMsg::new(shared(near), ["mess", "age"]).to(to);
    assert_eq!(driver.run(driver.clone().submit(send)).0.unwrap(), 7);
    let (received, buffers) = driver.run(receive);
    let received = received.unwrap();
    assert_eq!(received.count, 7);
    assert_eq!(received.address.unwrap().as_inet(), Some(from));
    assert_eq!((&buffers[0][..], &buffers[1][..4]), (&b"mes"[..], &b"sage"[..]));
    driver.end();
}

/// A socket is made, and one of no known kind is not.
fn socket<S: Subject>() {
    let driver = S::make(2, 4).unwrap();
    let make = |kind| driver.clone().submit(Socket::new(Domain::IPV4, kind, None));
    driver.run(make(Type::STREAM)).unwrap();
    driver.run(make(Type::from(77))).unwrap_err();
    driver.end();
}

/// Both ends of a connection are read and written at once.
fn socket_rw<S: Subject>() {
    let driver = S::make(4, 8).unwrap();
    let (near, far) = connection();
    let far = shared(far);
    let receive = |socket| driver.clone().submit(Recv::new(socket, vec![0; 4]).wait_all(true));
    let send = |socket, text: &'static str| driver.clone().submit(Send::new(socket, text));
    let both = futures::future::join4(
        receive(near.clone()),
        receive(far.clone()),
        send(near, "near"),
        send(far, "far!"),
    );
    let ((_, by_near), (_, by_far), (one, _), (other, _)) = driver.run(both);
    assert_eq!((&by_near[..], &by_far[..]), (&b"far!"[..], &b"near"[..]));
    assert_eq!((one.unwrap(), other.unwrap()), (4, 4));
    driver.end();
}

/// A socket that is not to block is waited for all the same: whoever awaits, waits.
fn socket_rw_eagain<S: Subject>() {
    let driver = S::make(4, 8).unwrap();
    let (near, mut far) = UnixStream::pair().unwrap();
    near.set_nonblocking(true).unwrap();
    let mut receive = driver.clone().submit(Recv::new(shared(near), vec![0; 4]));
    begin(&driver, &mut receive);
    far.write_all(b"data").unwrap();
    let (received, buffer) = driver.run(receive);
    assert_eq!((received.unwrap(), &buffer[..]), (4, &b"data"[..]));
    driver.end();
}

/// A descriptor that is passed is another one of the same file.
fn fd_pass<S: Subject>() {
    let driver = S::make(4, 8).unwrap();
    let (near, far) = stream_pair();
    let (reader, mut writer) = std::io::pipe().unwrap();
    let send = SendMsg::new(near, ["!"]).control(ControlMessage::descriptors(vec![reader.into()]));
    driver.run(driver.clone().submit(send)).0.unwrap();
    let receive = RecvMsg::new(shared(far), [vec![0; 1]]).control_space(ControlMessage::space(4));
    let (received, _) = driver.run(driver.clone().submit(receive));
    let control = received.unwrap().control.remove(0);
    let passed = control.into_descriptors().remove(0);
    writer.write_all(b"through").unwrap();
    drop(writer);
    let mut text = String::new();
    std::fs::File::from(passed).read_to_string(&mut text).unwrap();
    assert_eq!(text, "through");
    driver.end();
}

/// Data sent without a copy arrives whole, and its buffer comes back.
fn send_zerocopy<S: Subject>() {
    let driver = S::make(4, 8).unwrap();
    let (near, mut far) = connection();
    let sent = pattern(100_000);
    let reader = thread::spawn(move || {
        let mut received = vec![0; 100_000];
        far.read_exact(&mut received).unwrap();
        received
    });
    let send = SendZc::new(near, sent).wait_all(true);
    let (count, buffer) = driver.run(driver.clone().submit(send));
    assert_eq!(count.unwrap(), buffer.len());
    assert!(reader.join().unwrap() == buffer, "the bytes are not those that were sent");
    driver.end();
}

/// The same from one buffer again and again: no send sees the bytes of the next.
fn sendzc_bug<S: Subject>() {
    let driver = S::make(4, 8).unwrap();
    let (near, mut far) = connection();
    let mut buffer = vec![0; 4096];
    for round in 0..50 {
        buffer.fill(round);
        let send = SendZc::new(near.clone(), buffer).wait_all(true);
        let mut send = Box::pin(driver.clone().submit(send));
        let reader = thread::spawn(move || {
            let mut received = vec![0; 4096];
            far.read_exact(&mut received).unwrap();
            (far, received)
        });
        let (count, back) = driver.run(send.as_mut());
        count.unwrap();
        buffer = back;
        let (socket, received) = reader.join().unwrap();
        far = socket;
        assert!(received.iter().all(|&byte| byte == round), "round {round}");
    }
    driver.end();
}
