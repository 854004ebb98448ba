//! Sockets: connections, messages, and what they say of the other end.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};

use ringbahn_core::opcode;

use super::*;
use crate::fallback::opcodes::*;

fn entry(opcode: u8, file: &impl AsRawFd, buffer: &mut [u8], flags: i32, user_data: u64) -> Entry {
    let entry = Entry { op_flags: flags.cast_unsigned(), ..Entry::new(opcode, user_data) };
    entry.file(file).buffer(buffer)
}

fn accept(listener: &impl AsRawFd, user_data: u64) -> Entry {
    let cloexec = libc::SOCK_CLOEXEC.cast_unsigned();
    Entry { op_flags: cloexec, ..Entry::new(opcode::ACCEPT, user_data) }.file(listener)
}

/// Whether an answer is a descriptor, which is closed then.
#[allow(unsafe_code, reason = "descriptors are numbers here")]
fn close_new((user_data, result, _): Answer) -> (u64, bool) {
    if result >= 0 {
        // SAFETY: the descriptor was made for this test, and nobody else has it.
        unsafe { libc::close(result) };
    }
    (user_data, result >= 0)
}

fn unix_address(path: &std::path::Path) -> [u8; 110] {
    let mut address = [0; 110];
    address[..2].copy_from_slice(&(libc::AF_UNIX as u16).to_ne_bytes());
    let bytes = path.to_str().unwrap().as_bytes();
    address[2..2 + bytes.len()].copy_from_slice(bytes);
    address
}

fn loopback(to: SocketAddr) -> libc::sockaddr_in {
    libc::sockaddr_in {
        sin_family: libc::AF_INET as u16,
        sin_port: to.port().to_be(),
        sin_addr: libc::in_addr { s_addr: u32::from_ne_bytes([127, 0, 0, 1]) },
        sin_zero: [0; 8],
    }
}

#[test]
fn bytes_go_both_ways_and_a_receive_waits_for_them() {
    on_both(|bench| {
        let (near, mut far) = UnixStream::pair().unwrap();
        let (mut into, mut data) = ([0; 8], *b"hi");
        bench.submit([entry(opcode::RECV, &near, &mut into, 0, 1)]);
        assert!(bench.is_quiet());
        far.write_all(b"late").unwrap();
        let mut answers = bench.answers(1);
        answers.extend(bench.ask([entry(opcode::SEND, &near, &mut data, 0, 2)]));
        let peek = entry(opcode::RECV, &far, &mut into, libc::MSG_PEEK, 3);
        answers.extend(bench.ask([peek]));
        far.read_exact(&mut [0; 2]).unwrap();
        drop(far);
        answers.extend(bench.ask([entry(opcode::RECV, &near, &mut into, 0, 4)]));
        // Nobody is killed by a signal.
        answers.extend(bench.ask([entry(opcode::SEND, &near, &mut data, 0, 5)]));
        (answers, into)
    });
}

#[test]
fn a_receive_of_all_waits_for_all_of_it_or_the_end() {
    for parts in [&[&b"ab"[..], b"cd", b"ef"][..], &[b"abc"], &[b"abcdefgh"]] {
        on_both(|bench| {
            let (near, mut far) = UnixStream::pair().unwrap();
            let mut into = [0; 6];
            let all = entry(opcode::RECV, &near, &mut into, libc::MSG_WAITALL, 1);
            bench.submit([all.linked(), Entry::nop(2)]);
            for part in parts {
                assert!(bench.is_quiet());
                far.write_all(part).unwrap();
            }
            drop(far);
            (bench.answers(2), into)
        });
    }
}

#[test]
fn a_send_of_all_waits_for_room_until_all_is_gone() {
    on_both(|bench| {
        let (near, mut far) = UnixStream::pair().unwrap();
        let mut data = vec![5; 1 << 20];
        let all = entry(opcode::SEND, &near, &mut data, libc::MSG_WAITALL, 1);
        bench.submit([all.linked(), Entry::nop(2)]);
        assert!(bench.is_quiet());
        far.read_exact(&mut vec![0; 1 << 20]).unwrap();
        bench.answers(2)
    });
}

#[test]
fn vectored_messages_of_all_go_on_in_the_middle_of_a_buffer() {
    on_both(|bench| {
        let (near, mut far) = UnixStream::pair().unwrap();
        let (mut first, mut second) = ([0_u8; 3], [0_u8; 4]);
        let vectors = [
            address_mut(&mut first) as usize,
            first.len(),
            address_mut(&mut second) as usize,
            second.len(),
        ];
        let message: [usize; 7] = [0, 0, address(&vectors) as usize, 2, 0, 0, 0];
        let receive =
            Entry { op_flags: libc::MSG_WAITALL as u32, ..Entry::new(opcode::RECVMSG, 1) };
        let receive = Entry { length: 1, ..receive.file(&near).address_of(&message) };
        bench.submit([receive]);
        far.write_all(b"ab").unwrap();
        assert!(bench.is_quiet());
        far.write_all(b"cdefg").unwrap();
        let answers = bench.answers(1);
        (answers, std::hint::black_box(first), std::hint::black_box(second))
    });
}

#[test]
fn connections_are_waited_for_by_listeners_that_block_and_by_others() {
    for nonblocking in [false, true] {
        on_both(|bench| {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            listener.set_nonblocking(nonblocking).unwrap();
            bench.submit([accept(&listener, 1), accept(&listener, 2)]);
            assert!(bench.is_quiet());
            let _one = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            let first = bench.answers(1);
            assert!(bench.is_quiet());
            let _other = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            let both = first.into_iter().chain(bench.answers(1));
            let mut told: Vec<_> = both.map(close_new).collect();
            told.sort_unstable();
            told
        });
    }
}

#[test]
fn an_accept_that_waits_can_be_cancelled_while_another_one_succeeds() {
    on_both(|bench| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        bench.submit([accept(&listener, 1), accept(&listener, 2)]);
        let cancel = |target| Entry { address: target, ..Entry::new(opcode::ASYNC_CANCEL, 9) };
        let mut cancelled = bench.ask([cancel(1)]);
        cancelled.extend(bench.answers(1));
        cancelled.sort_unstable();
        let _one = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        (cancelled, bench.answers(1).into_iter().map(close_new).collect::<Vec<_>>())
    });
}

#[test]
fn sockets_connect_and_say_who_has_connected() {
    for nonblocking in [0, libc::SOCK_NONBLOCK] {
        on_both(|bench| {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let to = loopback(listener.local_addr().unwrap());
            let kind = (libc::SOCK_STREAM | libc::SOCK_CLOEXEC | nonblocking) as u64;
            let socket = Entry { fd: libc::AF_INET, offset: kind, ..Entry::new(opcode::SOCKET, 1) };
            let (_, fd, _) = bench.ask([socket])[0];
            assert!(fd >= 0);
            let connect = Entry { fd, offset: 16, ..Entry::new(opcode::CONNECT, 2) };
            let mut answers = bench.ask([connect.address_of(&to)]);
            let (mut peer, mut length) = ([0_u8; 16], 16_u32);
            let accept = accept(&listener, 3).buffer(&mut peer);
            let accept = Entry { length: 0, offset: address_mut(&mut length), ..accept };
            let accepted = bench.ask([accept])[0];
            let mut data = *b"hi";
            let send = Entry { fd, ..entry(opcode::SEND, &listener, &mut data, 0, 4) };
            answers.extend(bench.ask([send]));
            let mut into = [0; 4];
            let receive = entry(opcode::RECV, &accepted.1, &mut into, 0, 5);
            answers.extend(bench.ask([receive]));
            answers.extend(bench.ask([connect.address_of(&to)]));
            let family = u16::from_ne_bytes([peer[0], peer[1]]);
            close_new((0, fd, 0));
            (answers, into, close_new(accepted), length, family)
        });
    }
}

#[test]
fn a_connect_to_nobody_is_refused() {
    for kind in [libc::SOCK_STREAM, libc::SOCK_STREAM | libc::SOCK_NONBLOCK, libc::SOCK_DGRAM] {
        on_both(|bench| {
            let unused = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
            let to = loopback(unused);
            let kind = (kind | libc::SOCK_CLOEXEC) as u64;
            let socket = Entry { fd: libc::AF_INET, offset: kind, ..Entry::new(opcode::SOCKET, 1) };
            let (_, fd, _) = bench.ask([socket])[0];
            let connect = Entry { fd, offset: 16, ..Entry::new(opcode::CONNECT, 2) };
            let answers = bench.ask([connect.address_of(&to).linked(), Entry::nop(3)]);
            close_new((0, fd, 0));
            answers
        });
    }
}

#[test]
fn sockets_are_bound_and_listen_by_entries() {
    on_both(|bench| {
        let kind = (libc::SOCK_STREAM | libc::SOCK_CLOEXEC) as u64;
        let socket = Entry { fd: libc::AF_INET, offset: kind, ..Entry::new(opcode::SOCKET, 1) };
        let (_, fd, _) = bench.ask([socket])[0];
        let any = loopback(SocketAddr::from(([127, 0, 0, 1], 0)));
        let bind = Entry { fd, offset: 16, ..Entry::new(BIND, 2) }.address_of(&any);
        let listen = Entry { fd, length: 5, ..Entry::new(LISTEN, 3) };
        let answers = bench.ask([bind.linked(), listen]);
        close_new((0, fd, 0));
        answers
    });
}

#[test]
fn unix_sockets_connect_through_a_path() {
    on_both(|bench| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let _listener = UnixListener::bind(&path).unwrap();
        let mut to = unix_address(&path);
        let kind = (libc::SOCK_STREAM | libc::SOCK_CLOEXEC) as u64;
        let socket = Entry { fd: libc::AF_UNIX, offset: kind, ..Entry::new(opcode::SOCKET, 1) };
        let (_, fd, _) = bench.ask([socket])[0];
        let connect = Entry { fd, offset: 110, ..Entry::new(opcode::CONNECT, 2) };
        let answers = bench.ask([connect.buffer(&mut to)].map(|e| Entry { length: 0, ..e }));
        close_new((0, fd, 0));
        answers
    });
}

#[test]
fn datagrams_keep_their_borders_and_know_where_they_are_from() {
    on_both(|bench| {
        let near = UdpSocket::bind("127.0.0.1:0").unwrap();
        let far = UdpSocket::bind("127.0.0.1:0").unwrap();
        let to = loopback(far.local_addr().unwrap());
        let addressed = |entry| Entry { offset: address(&to), file_index: 16, ..entry };
        let (mut answers, mut data) = (Vec::new(), *b"first");
        let send = entry(opcode::SEND, &near, &mut data, 0, 1);
        answers.extend(bench.ask([addressed(send)]));
        let mut into = [0; 3];
        let cut = entry(opcode::RECV, &far, &mut into, libc::MSG_TRUNC, 2);
        answers.extend(bench.ask([cut.linked(), Entry::nop(3)]));
        let vectors = [address(&into) as usize, 3];
        let mut name = [0_u8; 16];
        let message: [usize; 7] =
            [address_mut(&mut name) as usize, 16, address(&vectors) as usize, 1, 0, 0, 0];
        let receive = Entry { length: 1, ..Entry::new(opcode::RECVMSG, 4) };
        bench.submit([receive.file(&far).address_of(&message)]);
        assert!(bench.is_quiet());
        near.send_to(b"second", far.local_addr().unwrap()).unwrap();
        answers.extend(bench.answers(1));
        // The length of the name, and the flags: it was cut.
        (answers, u16::from_ne_bytes([name[0], name[1]]), message[1] as u32, message[6] as u32)
    });
}

/// The engine alone: Linux 6.18 gives up with `EAGAIN` where its first wait ends too early, as it
/// does now and then.
#[test]
fn a_connection_waits_for_room_in_a_listener_though_its_socket_does_not_block() {
    let mut bench = Bench::new(64, 256, Backend::Fallback).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    let listener = UnixListener::bind(&path).unwrap();
    let mut to = unix_address(&path);
    let listen = Entry { length: 0, ..Entry::new(LISTEN, 1) };
    let mut answers = bench.ask([listen.file(&listener)]);
    let _first = UnixStream::connect(&path).unwrap();
    let kind = (libc::SOCK_STREAM | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK) as u64;
    let socket = Entry { fd: libc::AF_UNIX, offset: kind, ..Entry::new(opcode::SOCKET, 2) };
    let (_, fd, _) = bench.ask([socket])[0];
    let connect = Entry { fd, offset: 110, ..Entry::new(opcode::CONNECT, 3) }.buffer(&mut to);
    bench.submit([Entry { length: 0, ..connect }]);
    assert!(bench.is_quiet());
    drop(listener.accept().unwrap());
    answers.extend(bench.answers(1));
    close_new((0, fd, 0));
    assert_eq!(answers, [(1, 0, 0), (3, 0, 0)]);
}

/// The engine alone: here Linux 6.18 sends an empty datagram in the end.
#[test]
fn a_send_to_a_peer_without_room_waits_though_its_own_socket_has_some() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    let far = UnixDatagram::bind(&path).unwrap();
    let near = UnixDatagram::unbound().unwrap();
    let to = unix_address(&path);
    near.set_nonblocking(true).unwrap();
    let mut count = 0;
    while near.send_to(b"no", &path).is_ok() {
        count += 1;
    }
    near.set_nonblocking(false).unwrap();
    let mut bench = Bench::new(4, 8, Backend::Fallback).unwrap();
    let mut data = *b"hi";
    let send = entry(opcode::SEND, &near, &mut data, 0, 1);
    bench.submit([Entry { offset: address(&to), file_index: 110, ..send }]);
    assert!(bench.is_quiet());
    let mut into = [0; 2];
    for _ in 0..count {
        assert_eq!(far.recv(&mut into).unwrap(), 2);
    }
    assert_eq!(bench.answers(1), [(1, 2, 0)]);
    assert_eq!(far.recv(&mut into).unwrap(), 2);
    assert_eq!(&into, b"hi");
}

#[test]
fn sends_without_a_copy_are_answered_twice() {
    on_both(|bench| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut far, _) = listener.accept().unwrap();
        let mut data = *b"hello";
        let send = entry(opcode::SEND_ZC, &near, &mut data, 0, 1);
        bench.submit([send]);
        far.read_exact(&mut [0; 5]).unwrap();
        let mut answers = bench.answers(2);
        bench.submit([Entry { ioprio: REPORT_USAGE, user_data: 2, ..send }]);
        far.read_exact(&mut [0; 5]).unwrap();
        answers.extend(bench.answers(2));
        let (unix, _peer) = UnixStream::pair().unwrap();
        bench.submit([entry(opcode::SEND_ZC, &unix, &mut data, 0, 3)]);
        answers.extend(bench.answers(2));
        answers
    });
}

#[test]
fn polls_tell_what_a_descriptor_is_ready_for() {
    on_both(|bench| {
        let poll = |file: &UnixStream, events: i16, user_data| {
            let events = events.cast_unsigned().into();
            Entry { op_flags: events, ..Entry::new(opcode::POLL_ADD, user_data) }.file(file)
        };
        let (near, mut far) = UnixStream::pair().unwrap();
        let mut answers = bench.ask([poll(&near, libc::POLLOUT, 1)]);
        bench.submit([
            poll(&near, libc::POLLIN, 2),
            poll(&near, libc::POLLIN | libc::POLLRDHUP, 3),
            poll(&near, libc::POLLPRI, 4),
        ]);
        assert!(bench.is_quiet());
        far.write_all(b"x").unwrap();
        let mut two = bench.answers(2);
        two.sort_unstable();
        answers.extend(two);
        let remove = |target| Entry { address: target, ..Entry::new(POLL_REMOVE, 5) };
        let mut removed = bench.ask([remove(4)]);
        removed.extend(bench.answers(1));
        removed.sort_unstable();
        answers.extend(removed);
        bench.submit([poll(&near, libc::POLLPRI, 6)]);
        drop(far);
        answers.extend(bench.answers(1));
        answers.extend(bench.ask([remove(6)]));
        answers
    });
}

#[test]
fn a_set_of_epoll_is_changed_and_waited_for_by_entries() {
    on_both(|bench| {
        let set = crate::fallback::epoll::Epoll::new().unwrap();
        let (near, mut far) = UnixStream::pair().unwrap();
        let event = libc::epoll_event { events: libc::EPOLLIN as u32, u64: 7 };
        let change = Entry {
            fd: set.number(),
            offset: near.as_raw_fd() as u64,
            length: libc::EPOLL_CTL_ADD.cast_unsigned(),
            ..Entry::new(EPOLL_CTL, 1)
        };
        let mut answers = bench.ask([change.address_of(&event)]);
        let mut events = [libc::epoll_event { events: 0, u64: 0 }; 4];
        let wait = Entry { fd: set.number(), ..Entry::new(EPOLL_WAIT, 2) };
        bench.submit([Entry { length: 4, ..wait.buffer(&mut events) }]);
        assert!(bench.is_quiet());
        far.write_all(b"x").unwrap();
        answers.extend(bench.answers(1));
        (answers, { events[0].u64 }, { events[0].events })
    });
}
