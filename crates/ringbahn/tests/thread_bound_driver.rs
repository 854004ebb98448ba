//! The whole family on the driver of one thread.
//!
//! Goal: nothing in the library asks that a driver be `Send`.

use std::io;
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};

use futures::{AsyncReadExt, AsyncWriteExt, StreamExt};
use ringbahn::socket2::{Domain, Socket, Type};
use ringbahn::{BufResultExt, Ring, SocketAddress};

#[path = "support/support.rs"]
mod support;
use support::{file, local_driver, poll_once};

#[test]
fn streams_and_listeners() {
    let Some(driver) = local_driver("streams_and_listeners") else { return };
    driver.block_on(async {
        let listener =
            Ring::<TcpListener, _>::bind_on_driver((Ipv4Addr::LOCALHOST, 0), driver.clone());
        let listener = listener.unwrap();
        let address = listener.get_ref().local_addr().unwrap();
        let client = Ring::<TcpStream, _>::connect_on_driver(address, driver.clone());
        let mut incoming = listener.incoming();
        let (client, server) = futures::join!(client, incoming.next());
        let (mut client, (mut server, _)) = (client.unwrap(), server.unwrap().unwrap());
        client.write_all(b"hello").await.unwrap();
        client.close().await.unwrap();
        let mut greeting = String::new();
        server.read_to_string(&mut greeting).await.unwrap();
        assert_eq!(greeting, "hello");

        let name = format!("\0ringbahn-bound-{}", std::process::id());
        let listener = Ring::<UnixListener, _>::bind_on_driver(&name, driver.clone()).unwrap();
        let client = Ring::<UnixStream, _>::connect_to_path_on_driver(&name, driver.clone());
        let (client, accepted) = futures::join!(client, listener.accept());
        let (mut client, (mut server, _)) = (client.unwrap(), accepted.unwrap());
        let (reader, writer) = Ring::split(&mut client);
        writer.send_all("there").await.both().unwrap();
        assert!(poll_once(&mut reader.recv([0; 8])).is_pending());
        assert_eq!(server.peek(vec![0; 9]).await.both().unwrap().1, b"there");
        let (mut sink, _near) =
            Ring::new_on_driver(UnixStream::pair().unwrap().0, driver.clone()).into_split();
        drop(client);
        ringbahn::io::copy(&mut server, &mut Ring::new_on_driver(file(b""), driver.clone()))
            .await
            .unwrap();
        assert_eq!(sink.read(&mut [0; 8]).await.unwrap(), 0);
    });
}

#[test]
fn datagrams_pipes_and_prepared_sockets() {
    let Some(driver) = local_driver("datagrams_pipes_and_prepared_sockets") else { return };
    driver.block_on(async {
        let near = Ring::<UdpSocket, _>::bind_on_driver((Ipv4Addr::LOCALHOST, 0), driver.clone());
        let near = near.unwrap();
        near.send_to("self", near.get_ref().local_addr().unwrap()).await.both().unwrap();
        assert_eq!(near.recv(vec![0; 8]).await.both().unwrap().1, b"self");
        let (left, right) = Ring::<UnixDatagram, _>::pair_on_driver(driver.clone()).unwrap();
        left.send("pair").await.both().unwrap();
        assert_eq!(right.peek_from(vec![0; 8]).await.both().unwrap().1, b"pair");

        let (reader, writer) = io::pipe().unwrap();
        let mut reader = Ring::new_on_driver(reader, driver.clone());
        let mut writer = Ring::new_on_driver(writer, driver.clone());
        writer.write_all(b"pipe").await.unwrap();
        writer.close().await.unwrap();
        let mut got = String::new();
        reader.read_to_string(&mut got).await.unwrap();
        assert_eq!(got, "pipe");
        Ring::new_on_driver(io::stdout(), driver.clone()).flush().await.unwrap();

        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.set_nonblocking(true).unwrap();
        socket.bind(&std::net::SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).unwrap();
        let listener = Ring::<TcpListener, _>::listen_on_driver(socket, 8, driver.clone()).unwrap();
        let address = listener.get_ref().local_addr().unwrap();
        let own = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        own.set_nonblocking(true).unwrap();
        own.set_reuse_address(true).unwrap();
        own.bind(&std::net::SocketAddr::from((Ipv4Addr::new(127, 0, 0, 2), 0)).into()).unwrap();
        let from = own.local_addr().unwrap().as_socket().unwrap();
        let to = SocketAddress::from(address);
        let client = Ring::<TcpStream, _>::connect_from_on_driver(own, to, driver.clone());
        let (client, accepted) = futures::join!(client, listener.accept());
        client.unwrap();
        assert_eq!(accepted.unwrap().1, from);
    });
}
