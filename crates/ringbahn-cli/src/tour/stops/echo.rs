//! Many connections at a time over the loopback interface, both ends on the driver.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::sync::Arc;

use futures::future::{try_join, try_join_all};
use ringbahn_core::SharedFd;
use ringbahn_core::event::{Accept, Connect, Recv, SendAll, Shutdown, Socket};
use socket2::{Domain, Type};

use crate::tour::finding::{Failure, Finding, When, equal, hold, size};
use crate::tour::pattern::Pattern;
use crate::tour::route::Toured;
use crate::tour::site::Site;

pub(crate) const IPV4: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
pub(crate) const IPV6: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);

const CONNECTIONS: u64 = 32;
const LENGTH: usize = 128 << 10;
/// Not a divisor of the length.
const BUFFER: usize = 10_000;

pub(crate) async fn visit<D: Toured>(site: &Site<D>, address: IpAddr) -> Finding {
    let listener = bind(address)?;
    let address = listener.local_addr().when("asking for the address")?;
    let listener = SharedFd::new(Arc::new(listener));
    let servers = try_join_all((0..CONNECTIONS).map(|_| serve(site, &listener)));
    let clients = try_join_all((0..CONNECTIONS).map(|number| call(site, address, number)));
    let (echoed, _) = try_join(servers, clients).await?;
    equal("bytes echoed", echoed.iter().sum(), CONNECTIONS as usize * LENGTH)?;
    Ok(format!("{CONNECTIONS} connections at a time, {} there and back on each", size(LENGTH)))
}

/// A listening socket on a port that is free; or the finding that there is no such address here.
pub(crate) fn bind(address: IpAddr) -> Finding<TcpListener> {
    TcpListener::bind(SocketAddr::new(address, 0)).map_err(|error| match error.kind() {
        // The interface has no such address, or the kernel no such protocol (EAFNOSUPPORT).
        ErrorKind::AddrNotAvailable | ErrorKind::Unsupported => impossible(address),
        _ if error.raw_os_error() == Some(97) => impossible(address),
        _ => Failure::Broken(format!("listening on {address}: {error}")),
    })
}

fn impossible(address: IpAddr) -> Failure {
    Failure::Impossible(format!("this machine has no {address}"))
}

/// A socket that is not connected.
pub(crate) async fn socket<D: Toured>(site: &Site<D>, address: IpAddr) -> Finding<SharedFd> {
    let domain = if address.is_ipv4() { Domain::IPV4 } else { Domain::IPV6 };
    let socket = site.submit(Socket::new(domain, Type::STREAM, None)).await;
    Ok(socket.when("making a socket")?.into())
}

/// Accepts a connection, and sends back what it receives. Yields how much that was.
async fn serve<D: Toured>(site: &Site<D>, listener: &SharedFd) -> Finding<usize> {
    let accepted = site.submit(Accept::new(listener.clone())).await;
    let (connection, peer) = accepted.when("accepting a connection")?;
    let loopback = peer.as_inet().is_some_and(|peer| peer.ip().is_loopback());
    hold(loopback, || format!("accepted a connection from {peer:?}"))?;
    let connection = SharedFd::from(connection);
    let mut buffer = Vec::with_capacity(BUFFER);
    let mut echoed = 0;
    loop {
        let (count, received) = site.submit(Recv::new(connection.clone(), buffer)).await;
        let count = count.when("receiving at the server")?;
        if count == 0 {
            return Ok(echoed);
        }
        echoed += count;
        let (result, sent) = site.submit(SendAll::new(connection.clone(), received)).await;
        result.when("sending back")?;
        buffer = sent;
    }
}

/// Sends bytes that are this connection's alone, and expects them back.
async fn call<D: Toured>(site: &Site<D>, address: SocketAddr, number: u64) -> Finding<()> {
    let pattern = Pattern::new(100 + number);
    let socket = socket(site, address.ip()).await?;
    site.submit(Connect::new(socket.clone(), address)).await.when("connecting")?;
    let send = async {
        let send = SendAll::new(socket.clone(), pattern.bytes(0, LENGTH));
        site.submit(send).await.0.when("sending")?;
        let shutdown = Shutdown::new(socket.clone(), std::net::Shutdown::Write);
        site.submit(shutdown).await.when("shutting down")
    };
    let ((), received) = try_join(send, receive(site, &socket)).await?;
    equal("bytes that came back", received.len(), LENGTH)?;
    pattern.check(&format!("what came back on connection {number}"), 0, &received)
}

/// Receives everything until the end.
pub(crate) async fn receive<D: Toured>(site: &Site<D>, socket: &SharedFd) -> Finding<Vec<u8>> {
    let mut all = Vec::new();
    let mut buffer = Vec::with_capacity(BUFFER);
    loop {
        let (count, received) = site.submit(Recv::new(socket.clone(), buffer)).await;
        if count.when("receiving")? == 0 {
            return Ok(all);
        }
        all.extend_from_slice(&received);
        buffer = received;
    }
}

/// Two ends of a connection over the loopback interface: the one that called, and the other.
pub(crate) async fn connection<D: Toured>(site: &Site<D>) -> Finding<(SharedFd, SharedFd)> {
    let listener = bind(IPV4)?;
    let address = listener.local_addr().when("asking for the address")?;
    let caller = socket(site, IPV4).await?;
    let accept = async {
        let accept = Accept::new(SharedFd::new(Arc::new(listener)));
        site.submit(accept).await.when("accepting a connection")
    };
    let connect =
        async { site.submit(Connect::new(caller.clone(), address)).await.when("connecting") };
    let ((called, _), ()) = try_join(accept, connect).await?;
    Ok((caller, called.into()))
}
