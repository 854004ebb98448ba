//! The events on sockets.

use std::net::SocketAddr;

use io_uring::opcode;
use io_uring::types::Fd;
use ringbahn_core::event::*;
use ringbahn_core::{SocketAddress, Sqe};

use crate::{entry_of, file};

#[test]
fn accept() {
    let (socket, fd) = file();
    entry_of(Accept::new(socket), |entry| {
        let (address, length) = (entry.get_address().cast(), entry.get_address2().cast());
        opcode::Accept::new(Fd(fd), address, length).flags(libc::SOCK_CLOEXEC).build()
    });
}

#[test]
fn connect() {
    let (socket, fd) = file();
    let inet = |text: &str| SocketAddress::from(text.parse::<SocketAddr>().unwrap());
    for (address, length) in [
        (inet("127.0.0.1:80"), 16),
        (inet("[::1]:443"), 28),
        (SocketAddress::unix("/tmp/x").unwrap(), 2 + 6 + 1),
    ] {
        entry_of(Connect::new(socket.clone(), address), |entry| {
            let address = entry.get_address().cast_const().cast();
            opcode::Connect::new(Fd(fd), address, length).build()
        });
    }
}

#[test]
fn bind_and_listen() {
    let (socket, fd) = file();
    let inet: SocketAddr = "[::1]:443".parse().unwrap();
    entry_of(Bind::new(socket.clone(), inet), |entry| {
        let address = entry.get_address().cast_const().cast();
        opcode::Bind::new(Fd(fd), address, 28).build()
    });
    entry_of(Listen::new(socket, 7), |_| opcode::Listen::new(Fd(fd), 7).build());
}

#[test]
fn reuse_address() {
    let (socket, fd) = file();
    entry_of(ReuseAddress::new(socket), |entry| {
        let [level, name] = [libc::SOL_SOCKET, libc::SO_REUSEADDR].map(i32::cast_unsigned);
        let value = entry.get_address3().cast_const().cast();
        opcode::SetSockOpt::new(Fd(fd), level, name, value, 4).build()
    });
}

#[test]
fn recv() {
    let (socket, fd) = file();
    for (wait_all, flags) in [(false, 0), (true, libc::MSG_WAITALL)] {
        entry_of(Recv::new(socket.clone(), [0; 9]).wait_all(wait_all), |entry| {
            let target = entry.get_address().cast();
            opcode::Recv::new(Fd(fd), target, 9).flags(flags).build()
        });
    }
}

#[test]
fn send() {
    let (socket, fd) = file();
    let request = |entry: &Sqe, flags: i32| {
        let bytes = entry.get_address().cast_const().cast();
        opcode::Send::new(Fd(fd), bytes, 5).flags(flags).build()
    };
    let both = libc::MSG_NOSIGNAL | libc::MSG_WAITALL;
    for (wait_all, flags) in [(false, libc::MSG_NOSIGNAL), (true, both)] {
        let send = Send::new(socket.clone(), "hello").wait_all(wait_all);
        entry_of(send, |entry| request(entry, flags));
        entry_of(SendZc::new(socket.clone(), "hello").wait_all(wait_all), |entry| {
            let bytes = entry.get_address().cast_const().cast();
            opcode::SendZc::new(Fd(fd), bytes, 5).flags(flags).build()
        });
    }
    entry_of(SendZc::new(socket.clone(), "hello").reporting(), |entry| {
        let bytes = entry.get_address().cast_const().cast();
        let send = opcode::SendZc::new(Fd(fd), bytes, 5).flags(libc::MSG_NOSIGNAL);
        // `IORING_SEND_ZC_REPORT_USAGE`
        send.zc_flags(1 << 3).build()
    });
    entry_of(SendAll::new(socket, "hello"), |entry| request(entry, both));
}

#[test]
fn messages() {
    let (socket, fd) = file();
    let peer: SocketAddr = "[::1]:53".parse().unwrap();
    entry_of(SendMsg::new(socket.clone(), ["a", "b"]).to(peer), |entry| {
        let header = entry.get_address().cast_const().cast();
        let flags = libc::MSG_NOSIGNAL.cast_unsigned();
        opcode::SendMsg::new(Fd(fd), header).flags(flags).build()
    });
    entry_of(SendMsg::new(socket.clone(), ["a"]).zero_copy(), |entry| {
        let header = entry.get_address().cast_const().cast();
        let flags = libc::MSG_NOSIGNAL.cast_unsigned();
        opcode::SendMsgZc::new(Fd(fd), header).flags(flags).build()
    });
    entry_of(RecvMsg::new(socket, [[0; 8]]).control_space(64), |entry| {
        let header = entry.get_address().cast();
        let flags = libc::MSG_CMSG_CLOEXEC.cast_unsigned();
        opcode::RecvMsg::new(Fd(fd), header).flags(flags).build()
    });
}

#[test]
fn send_to() {
    let (socket, fd) = file();
    let peer: std::net::SocketAddr = "127.0.0.1:53".parse().unwrap();
    entry_of(SendTo::new(socket, "hello", peer), |entry| {
        let header = entry.get_address().cast_const().cast();
        opcode::SendMsg::new(Fd(fd), header).flags(libc::MSG_NOSIGNAL as u32).build()
    });
}

#[test]
fn shutdown() {
    let (socket, fd) = file();
    use std::net::Shutdown as How;
    for (how, number) in [(How::Read, 0), (How::Write, 1), (How::Both, 2)] {
        entry_of(Shutdown::new(socket.clone(), how), |_| {
            opcode::Shutdown::new(Fd(fd), number).build()
        });
    }
}

#[test]
fn socket() {
    use socket2::{Domain, Protocol, Type};
    let stream = libc::SOCK_STREAM | libc::SOCK_CLOEXEC;
    entry_of(Socket::new(Domain::IPV6, Type::STREAM, Some(Protocol::TCP)), |_| {
        opcode::Socket::new(libc::AF_INET6, stream, libc::IPPROTO_TCP).build()
    });
    entry_of(Socket::new(Domain::UNIX, Type::STREAM, None), |_| {
        opcode::Socket::new(libc::AF_UNIX, stream, 0).build()
    });
}
