//! What `docs/std-surface-net.md` says to be there is there.
//!
//! Method: the list below names a function for each row. It does not compile where one is missing,
//! and a test compares its names with those of the page.

use std::collections::BTreeSet;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::SocketAddr as UnixAddress;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::os::unix::process::CommandExt;
use std::process::{ChildStderr, ChildStdin, ChildStdout};
use std::time::Duration;

use futures::io::{AsyncRead, AsyncWrite};
use ringbahn::net::ToSocketAddrs;
use ringbahn::process::{Child, Command};
use ringbahn::socket2::Socket;
use ringbahn::{Ring, SocketAddress, time};

type Tcp = Ring<TcpStream>;
type Listener = Ring<TcpListener>;
type Udp = Ring<UdpSocket>;
type Unix = Ring<UnixStream>;
type Listening = Ring<UnixListener>;
type Unconnected = Ring<UnixDatagram>;

fn reads<T: AsyncRead>() {}
fn writes<T: AsyncWrite>() {}
fn shared<T: Send + Sync>() {}
fn is_a_target<T: ToSocketAddrs>() {}

/// Names, each with what stands for it.
macro_rules! surface {
    ($($name:literal => $what:expr;)*) => {
        const NAMES: &[&str] = &[$($name),*];

        /// Never called: that it compiles is the point.
        fn stand_for_them() {
            $(let _ = $what;)*
        }

        const _: fn() = stand_for_them;
    };
}

surface! {
    "ToSocketAddrs" => is_a_target::<&str>;
    "TcpStream::connect" => |name: &'static str| Tcp::connect(name);
    "TcpStream::connect_timeout" =>
        |address: SocketAddr| time::timeout(Duration::MAX, Tcp::connect(address));
    "TcpStream::local_addr" => Tcp::local_addr;
    "TcpStream::peer_addr" => Tcp::peer_addr;
    "TcpStream::nodelay" => Tcp::nodelay;
    "TcpStream::set_nodelay" => Tcp::set_nodelay;
    "TcpStream::ttl" => Tcp::ttl;
    "TcpStream::set_ttl" => Tcp::set_ttl;
    "TcpStream::peek" => Tcp::peek::<Vec<u8>>;
    "TcpStream::read" => (reads::<Tcp>, Tcp::recv::<Vec<u8>>);
    "TcpStream::write" => (writes::<Tcp>, Tcp::send::<Vec<u8>>);
    "TcpStream::shutdown" => Tcp::shutdown;
    "TcpStream::take_error" => Tcp::take_error;
    "TcpStream::set_read_timeout" =>
        |tcp: &'static Tcp| tcp.recv(Vec::new()).timeout(Duration::MAX);
    "TcpStream::set_write_timeout" => |tcp: &Tcp| tcp.send("").timeout(Duration::MAX);
    "TcpStream::try_clone" => (Tcp::into_split, shared::<Tcp>);
    "TcpListener::bind" => |address: SocketAddr| Listener::bind(address);
    "TcpListener::accept" => Listener::accept;
    "TcpListener::incoming" => Listener::incoming;
    "TcpListener::local_addr" => Listener::local_addr;
    "TcpListener::ttl" => Listener::ttl;
    "TcpListener::set_ttl" => Listener::set_ttl;
    "TcpListener::take_error" => Listener::take_error;
    "TcpListener::try_clone" => shared::<Listener>;
    "UdpSocket::bind" => |address: SocketAddr| Udp::bind(address);
    "UdpSocket::connect" => |udp: &Udp, peer: SocketAddr| udp.connect(peer);
    "UdpSocket::local_addr" => Udp::local_addr;
    "UdpSocket::peer_addr" => Udp::peer_addr;
    "UdpSocket::send" => Udp::send::<Vec<u8>>;
    "UdpSocket::send_to" => |udp: &Udp, peer: SocketAddr| udp.send_to("", peer);
    "UdpSocket::recv" => Udp::recv::<Vec<u8>>;
    "UdpSocket::recv_from" => Udp::recv_from::<Vec<u8>>;
    "UdpSocket::peek" => Udp::peek::<Vec<u8>>;
    "UdpSocket::peek_from" => Udp::peek_from::<Vec<u8>>;
    "UdpSocket::broadcast" => Udp::broadcast;
    "UdpSocket::set_broadcast" => Udp::set_broadcast;
    "UdpSocket::ttl" => Udp::ttl;
    "UdpSocket::set_ttl" => Udp::set_ttl;
    "UdpSocket::join_multicast_v4" => Udp::join_multicast_v4;
    "UdpSocket::leave_multicast_v4" => Udp::leave_multicast_v4;
    "UdpSocket::join_multicast_v6" => Udp::join_multicast_v6;
    "UdpSocket::leave_multicast_v6" => Udp::leave_multicast_v6;
    "UdpSocket::multicast_loop_v4" => |udp: &Udp| udp.get_ref().multicast_loop_v4();
    "UdpSocket::set_multicast_loop_v4" => |udp: &Udp| udp.get_ref().set_multicast_loop_v4(true);
    "UdpSocket::multicast_loop_v6" => |udp: &Udp| udp.get_ref().multicast_loop_v6();
    "UdpSocket::set_multicast_loop_v6" => |udp: &Udp| udp.get_ref().set_multicast_loop_v6(true);
    "UdpSocket::multicast_ttl_v4" => |udp: &Udp| udp.get_ref().multicast_ttl_v4();
    "UdpSocket::set_multicast_ttl_v4" => |udp: &Udp| udp.get_ref().set_multicast_ttl_v4(1);
    "UdpSocket::take_error" => Udp::take_error;
    "UdpSocket::set_read_timeout" =>
        |udp: &'static Udp| udp.recv(Vec::new()).timeout(Duration::MAX);
    "UdpSocket::set_write_timeout" => |udp: &Udp| udp.send("").timeout(Duration::MAX);
    "UdpSocket::try_clone" => shared::<Udp>;

    "UnixStream::connect" => |path: &'static str| Unix::connect_to_path(path);
    "UnixStream::connect_addr" =>
        |socket: Socket, peer: SocketAddress| Unix::connect_from(socket, peer);
    "UnixStream::pair" =>
        || UnixStream::pair().map(|(one, other)| (Ring::new(one), Ring::new(other)));
    "UnixStream::local_addr" => Unix::local_addr;
    "UnixStream::peer_addr" => Unix::peer_addr;
    "UnixStream::read" => (reads::<Unix>, Unix::recv::<Vec<u8>>);
    "UnixStream::write" => (writes::<Unix>, Unix::send::<Vec<u8>>);
    "UnixStream::shutdown" => |unix: &'static Unix| unix.shutdown(Shutdown::Both);
    "UnixStream::take_error" => Unix::take_error;
    "UnixStream::set_read_timeout" =>
        |unix: &'static Unix| unix.recv(Vec::new()).timeout(Duration::MAX);
    "UnixStream::set_write_timeout" => |unix: &Unix| unix.send("").timeout(Duration::MAX);
    "UnixStream::try_clone" => (Unix::into_split, shared::<Unix>);
    "UnixListener::bind" => |path: &'static str| Listening::bind(path);
    "UnixListener::bind_addr" => |socket: Socket| Listening::listen_on(socket, 1);
    "UnixListener::accept" => Listening::accept;
    "UnixListener::incoming" => Listening::incoming;
    "UnixListener::local_addr" => Listening::local_addr;
    "UnixListener::take_error" => Listening::take_error;
    "UnixListener::try_clone" => shared::<Listening>;
    "UnixDatagram::bind" => |path: &'static str| Unconnected::bind(path);
    "UnixDatagram::bind_addr" =>
        |address: &UnixAddress| UnixDatagram::bind_addr(address).map(Ring::new);
    "UnixDatagram::unbound" => Unconnected::unbound;
    "UnixDatagram::pair" => Unconnected::pair;
    "UnixDatagram::connect" => |socket: &Unconnected, path: &'static str| socket.connect(path);
    "UnixDatagram::connect_addr" =>
        |socket: &Unconnected, address: &UnixAddress| socket.get_ref().connect_addr(address);
    "UnixDatagram::local_addr" => Unconnected::local_addr;
    "UnixDatagram::peer_addr" => Unconnected::peer_addr;
    "UnixDatagram::send" => Unconnected::send::<Vec<u8>>;
    "UnixDatagram::send_to" => Unconnected::send_to::<Vec<u8>>;
    "UnixDatagram::send_to_addr" => |socket: &Unconnected, address: &UnixAddress| {
        SocketAddress::try_from(address).map(|address| socket.send_to("", address))
    };
    "UnixDatagram::recv" => Unconnected::recv::<Vec<u8>>;
    "UnixDatagram::recv_from" => Unconnected::recv_from::<Vec<u8>>;
    "UnixDatagram::shutdown" => |socket: &Unconnected| socket.get_ref().shutdown(Shutdown::Both);
    "UnixDatagram::take_error" => Unconnected::take_error;
    "UnixDatagram::set_read_timeout" =>
        |socket: &'static Unconnected| socket.recv(Vec::new()).timeout(Duration::MAX);
    "UnixDatagram::set_write_timeout" =>
        |socket: &Unconnected| socket.send("").timeout(Duration::MAX);
    "UnixDatagram::try_clone" => shared::<Unconnected>;

    "Command::new" => |name: &'static str| Command::new(name);
    "Command::arg" => |command: &mut Command| { command.arg(""); };
    "Command::args" => |command: &mut Command| { command.args([""]); };
    "Command::env" => |command: &mut Command| { command.env("", ""); };
    "Command::envs" => |command: &mut Command| { command.envs([("", "")]); };
    "Command::env_remove" => |command: &mut Command| { command.env_remove(""); };
    "Command::env_clear" => Command::env_clear;
    "Command::current_dir" => |command: &mut Command| { command.current_dir(""); };
    "Command::stdin" => |command: &mut Command| { command.stdin(std::io::stdout()); };
    "Command::stdout" => |command: &mut Command| { command.stdout(std::io::stdout()); };
    "Command::stderr" => |command: &mut Command| { command.stderr(std::io::stdout()); };
    "Command::spawn" => Command::spawn;
    "Command::status" => Command::status;
    "Command::output" => Command::output;
    "Command::get_program" => |command: &Command| command.get_ref().get_program().to_owned();
    "Command::get_args" => |command: &Command| command.get_ref().get_args().count();
    "Command::get_envs" => |command: &Command| command.get_ref().get_envs().count();
    "Command::get_current_dir" => |command: &Command| command.get_ref().get_current_dir().is_some();
    "CommandExt::uid" => Command::uid;
    "CommandExt::gid" => Command::gid;
    "CommandExt::arg0" => |command: &mut Command| { command.arg0(""); };
    "CommandExt::process_group" => Command::process_group;
    // Unsafe to call, so it is named and not called.
    "CommandExt::pre_exec" => (
        Command::get_mut,
        <std::process::Command as CommandExt>::pre_exec::<fn() -> std::io::Result<()>>,
    );
    "CommandExt::exec" => |command: &mut Command| command.get_mut().exec();
    "Child::id" => <Child>::id;
    "Child::kill" => <Child>::kill;
    "Child::try_wait" => <Child>::try_wait;
    "Child::wait" => <Child>::wait;
    "Child::wait_with_output" => <Child>::wait_with_output;
    "ChildStdin::write" => writes::<Ring<ChildStdin>>;
    "ChildStdout::read" => reads::<Ring<ChildStdout>>;
    "ChildStderr::read" => reads::<Ring<ChildStderr>>;
}

const PAGE: &str = include_str!("../../../../docs/std-surface-net.md");

/// The names on the page, and what is said of each.
fn rows() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    PAGE.lines().filter(|line| line.starts_with("| `")).map(|line| {
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        let [_, name, here, why, _] = cells[..] else { panic!("not a row of three: {line}") };
        (name.trim_matches('`'), here, why)
    })
}

#[test]
fn the_page_says_to_be_there_what_is_there() {
    let said: BTreeSet<_> = rows()
        .filter(|(_, here, _)| ["there", "differs"].contains(here))
        .map(|(name, ..)| name)
        .collect();
    let listed: BTreeSet<_> = NAMES.iter().copied().collect();
    assert_eq!(listed.len(), NAMES.len(), "a name is listed twice");
    let missing: Vec<_> = said.difference(&listed).collect();
    let unsaid: Vec<_> = listed.difference(&said).collect();
    assert!(missing.is_empty(), "only the page knows {missing:?}");
    assert!(unsaid.is_empty(), "the page does not know {unsaid:?}");
}

#[test]
fn what_is_absent_has_its_reason() {
    for (name, here, why) in rows() {
        assert!(["there", "differs", "absent", "std's"].contains(&here), "{name} is {here}");
        assert!(here != "absent" || !why.is_empty(), "{name} is absent for no reason");
    }
}
