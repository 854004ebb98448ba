//! Sockets: connections, datagrams, and descriptors that are passed.

use std::io::ErrorKind;
use std::net::{Shutdown as How, SocketAddr};

use futures::join;
use ringbahn_core::event::{
    Accept, Bind, Connect, ControlMessage, Domain, Listen, Position, Read, Recv, RecvMsg, Send,
    SendMsg, SendTo, Shutdown, Socket, Type, Write,
};
use ringbahn_core::{Drive, SharedFd, SocketAddress};
use ringbahn_sim::Sim;

use crate::support::{assert_nothing_left, shared};

fn socket(sim: &Sim, domain: Domain, kind: Type) -> SharedFd {
    sim.block_on(sim.driver().submit(Socket::new(domain, kind, None))).unwrap().into()
}

fn listener(
    sim: &Sim,
    domain: Domain,
    address: impl Into<SocketAddress>,
) -> (SharedFd, SocketAddress) {
    let event = Socket::new(domain, Type::STREAM, None);
    let socket = sim.block_on(sim.driver().submit(event)).unwrap();
    sim.bind(&socket, address).unwrap();
    sim.listen(&socket, 4).unwrap();
    let address = sim.local_address(&socket).unwrap();
    (socket.into(), address)
}

fn any_port() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

#[test]
fn a_socket_is_bound_and_listens_by_operations() {
    let sim = Sim::new(1);
    let unix = SocketAddress::unix("/run/socket").unwrap();
    for (domain, address) in [(Domain::IPV4, any_port().into()), (Domain::UNIX, unix)] {
        let event = Socket::new(domain, Type::STREAM, None);
        let socket = sim.block_on(sim.driver().submit(event)).unwrap();
        let address = sim.block_on(async {
            let driver = sim.driver();
            let listener = SharedFd::try_from(std::os::fd::AsFd::as_fd(&socket)).unwrap();
            driver.clone().submit(Bind::new(listener.clone(), address.clone())).await.unwrap();
            driver.clone().submit(Listen::new(listener.clone(), 4)).await.unwrap();
            let again = driver.clone().submit(Bind::new(listener.clone(), address)).await;
            assert_eq!(again.unwrap_err().raw_os_error(), Some(libc::EINVAL));
            sim.local_address(&socket).unwrap()
        });
        let taken = self::socket(&sim, domain, Type::STREAM);
        let bind = sim.driver().submit(Bind::new(taken, address.clone()));
        assert_eq!(sim.block_on(bind).unwrap_err().kind(), ErrorKind::AddrInUse);
        let client = self::socket(&sim, domain, Type::STREAM);
        sim.block_on(sim.driver().submit(Connect::new(client, address))).unwrap();
    }
    assert_nothing_left(&sim);
}

#[test]
fn a_client_connects_and_both_talk_until_they_hang_up() {
    let sim = Sim::new(1);
    let unix = SocketAddress::unix("/run/socket").unwrap();
    for (domain, address) in [(Domain::IPV4, any_port().into()), (Domain::UNIX, unix)] {
        let (listener, address) = listener(&sim, domain, address);
        let client = socket(&sim, domain, Type::STREAM);
        sim.block_on(async {
            let driver = sim.driver();
            let (accepted, connected) = join!(
                driver.clone().submit(Accept::new(listener.clone())),
                driver.clone().submit(Connect::new(client.clone(), address)),
            );
            connected.unwrap();
            let (server, peer) = accepted.unwrap();
            assert_eq!(peer.is_unix(), domain == Domain::UNIX);
            let server = SharedFd::from(server);
            driver.clone().submit(Send::new(client.clone(), "ping")).await.0.unwrap();
            let (_, heard) = driver.clone().submit(Recv::new(server.clone(), vec![0; 9])).await;
            assert_eq!(heard, b"ping");
            driver.clone().submit(Shutdown::new(server.clone(), How::Write)).await.unwrap();
            let (end, _) = driver.clone().submit(Recv::new(client.clone(), [0; 9])).await;
            assert_eq!(end.unwrap(), 0);
            let (result, _) = driver.clone().submit(Send::new(server, "late")).await;
            assert_eq!(result.unwrap_err().kind(), ErrorKind::BrokenPipe);
            // The server is gone now.
            let (result, _) = driver.submit(Send::new(client, "more")).await;
            assert_eq!(result.unwrap_err().kind(), ErrorKind::BrokenPipe);
        });
    }
    assert_nothing_left(&sim);
}

#[test]
fn nobody_listens_and_nobody_accepts() {
    let sim = Sim::new(1);
    let (listener, address) = listener(&sim, Domain::IPV4, any_port());
    let [first, second] = [(); 2].map(|()| socket(&sim, Domain::IPV4, Type::STREAM));
    sim.block_on(async {
        sim.driver().submit(Connect::new(first.clone(), address.clone())).await.unwrap();
        let again = sim.driver().submit(Connect::new(first.clone(), address.clone())).await;
        assert_eq!(again.unwrap_err().raw_os_error(), Some(libc::EISCONN));
        drop(listener);
        let (result, _) = sim.driver().submit(Recv::new(first, [0; 4])).await;
        assert_eq!(result.unwrap_err().kind(), ErrorKind::ConnectionReset);
        let refused = sim.driver().submit(Connect::new(second.clone(), address)).await;
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::ConnectionRefused);
        let (result, _) = sim.driver().submit(Recv::new(second, [0; 4])).await;
        assert_eq!(result.unwrap_err().kind(), ErrorKind::NotConnected);
    });
    assert_nothing_left(&sim);
}

#[test]
fn a_full_backlog_makes_clients_wait() {
    let sim = Sim::new(1);
    let (listener, address) = listener(&sim, Domain::IPV4, any_port());
    sim.block_on(async {
        let clients = (0..20).map(|_| async {
            let event = Socket::new(Domain::IPV4, Type::STREAM, None);
            let client = sim.driver().submit(event).await.unwrap();
            let connect = Connect::new(client, address.clone());
            sim.driver().submit(connect).await.unwrap();
        });
        let servers = async {
            for _ in 0..20 {
                drop(sim.driver().submit(Accept::new(listener.clone())).await.unwrap());
            }
        };
        join!(futures::future::join_all(clients), servers);
    });
    drop(listener);
    assert_nothing_left(&sim);
}

#[test]
fn datagrams_keep_their_borders_and_their_senders() {
    let sim = Sim::new(1);
    let (server, client) = (socket_owned(&sim, Domain::IPV4), socket_owned(&sim, Domain::IPV4));
    sim.bind(&server, any_port()).unwrap();
    sim.bind(&client, any_port()).unwrap();
    let addresses = [&server, &client].map(|socket| sim.local_address(socket).unwrap());
    sim.block_on(async {
        let (server, client) = (SharedFd::from(server), SharedFd::from(client));
        for text in ["first", "second one"] {
            let send = SendTo::new(client.clone(), text, addresses[0].clone());
            assert_eq!(sim.driver().submit(send).await.0.unwrap(), text.len());
        }
        let receive = || sim.driver().submit(RecvMsg::new(server.clone(), [vec![0; 6]]));
        let (received, [bytes]) = receive().await;
        let received = received.unwrap();
        assert_eq!((bytes, received.is_truncated()), (b"first".to_vec(), false));
        assert_eq!(received.address.as_ref(), Some(&addresses[1]));
        let (received, [bytes]) = receive().await;
        assert_eq!((bytes, received.unwrap().is_truncated()), (b"second".to_vec(), true));
    });
    assert_nothing_left(&sim);
}

fn socket_owned(sim: &Sim, domain: Domain) -> std::os::fd::OwnedFd {
    sim.block_on(sim.driver().submit(Socket::new(domain, Type::DGRAM, None))).unwrap()
}

#[test]
fn descriptors_are_passed_and_closed_where_nobody_takes_them() {
    let sim = Sim::new(1);
    for is_stream in [true, false] {
        let pair = if is_stream { sim.stream_pair() } else { sim.datagram_pair() };
        let (a, b) = shared(pair.unwrap());
        let (reader, writer) = sim.pipe().unwrap();
        sim.block_on(async {
            let passed = ControlMessage::descriptors(vec![writer]);
            let send = SendMsg::new(a.clone(), ["take this"]).control(passed);
            assert_eq!(sim.driver().submit(send).await.0.unwrap(), 9);
            let space = ControlMessage::space(4);
            let receive = RecvMsg::new(b.clone(), [vec![0; 32]]).control_space(space);
            let (received, [bytes]) = sim.driver().submit(receive).await;
            assert_eq!(bytes, b"take this");
            let received = received.unwrap().control.pop().unwrap().into_descriptors();
            let [writer] = <[_; 1]>::try_from(received).unwrap();
            let write = Write::new(writer, "through", Position::Current);
            sim.driver().submit(write).await.0.unwrap();
            let read = Read::new(reader, vec![0; 16], Position::Current);
            assert_eq!(sim.driver().submit(read).await.1, b"through");

            // One with no room for it, and one that nobody receives.
            for receives in [true, false] {
                let (_reader, writer) = sim.pipe().unwrap();
                let passed = ControlMessage::descriptors(vec![writer]);
                let send = SendMsg::new(a.clone(), ["x"]).control(passed);
                sim.driver().submit(send).await.0.unwrap();
                if receives {
                    let receive = RecvMsg::new(b.clone(), [vec![0; 4]]);
                    let (received, _) = sim.driver().submit(receive).await;
                    assert!(received.unwrap().is_control_truncated());
                }
            }
        });
    }
    sim.block_on(sim.driver().submit(ringbahn_core::event::Nop)).unwrap();
    assert_nothing_left(&sim);
}
