//! [`Ring`] as connections: an echo by the traits of `futures-io`, with reads that are dropped.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::pin::pin;
use std::task::Poll;

use futures::future::{try_join, try_join_all};
use futures::io::{AsyncReadExt, AsyncWriteExt, copy};
use futures::poll;
use ringbahn::Ring;

use crate::tour::finding::{Finding, When, equal, hold, size};
use crate::tour::pattern::Pattern;
use crate::tour::route::Toured;
use crate::tour::site::Site;
use crate::tour::stops::echo;

const CONNECTIONS: u64 = 16;
const LENGTH: usize = 256 << 10;
/// How often nothing is sent until a read has been dropped.
const ROUNDS: usize = 4;

pub(crate) async fn visit<D: Toured>(site: &Site<D>) -> Finding {
    let listener = Ring::new_on_driver(echo::bind(echo::IPV4)?, site.driver.clone());
    let address = listener.get_ref().local_addr().when("asking for the address")?;
    let servers = async {
        let mut connections = Vec::new();
        for _ in 0..CONNECTIONS {
            connections.push(accept(&listener).await?);
        }
        try_join_all(connections.into_iter().map(serve)).await
    };
    let clients = try_join_all((0..CONNECTIONS).map(|number| call(site, address, number)));
    let (echoed, _) = try_join(servers, clients).await?;
    equal("bytes echoed", echoed.iter().sum(), CONNECTIONS * LENGTH as u64)?;
    let dropped = drop_reads(site, &listener, address).await?;
    Ok(format!(
        "{CONNECTIONS} connections, {} there and back on each; {dropped} reads dropped, none lost",
        size(LENGTH),
    ))
}

async fn accept<D: Toured>(listener: &Ring<TcpListener, D>) -> Finding<Ring<TcpStream, D>> {
    let (connection, peer) = listener.accept().await.when("accepting a connection")?;
    hold(peer.ip().is_loopback(), || format!("accepted a connection from {peer}"))?;
    Ok(connection)
}

/// Sends back what it receives, by two halves.
async fn serve<D: Toured>(connection: Ring<TcpStream, D>) -> Finding<u64> {
    let (reader, mut writer) = connection.split();
    let echoed = copy(reader, &mut writer).await.when("sending back")?;
    writer.close().await.when("closing the connection")?;
    Ok(echoed)
}

async fn call<D: Toured>(site: &Site<D>, address: SocketAddr, number: u64) -> Finding<()> {
    let pattern = Pattern::new(200 + number);
    let connection = connect(site, address).await?;
    let (mut reader, mut writer) = connection.split();
    let send = async {
        writer.write_all(&pattern.bytes(0, LENGTH)).await.when("sending")?;
        writer.close().await.when("closing the connection")
    };
    let mut received = Vec::new();
    let receive = async { reader.read_to_end(&mut received).await.when("receiving") };
    let ((), count) = try_join(send, receive).await?;
    equal("bytes that came back", count, LENGTH)?;
    pattern.check(&format!("what came back on connection {number}"), 0, &received)
}

async fn connect<D: Toured>(site: &Site<D>, address: SocketAddr) -> Finding<Ring<TcpStream, D>> {
    Ring::<TcpStream, D>::connect_on_driver(address, site.driver.clone()).await.when("connecting")
}

/// Drops each read that does not have its bytes at once: they are the next one's.
async fn drop_reads<D: Toured>(
    site: &Site<D>,
    listener: &Ring<TcpListener, D>,
    address: SocketAddr,
) -> Finding<usize> {
    let pattern = Pattern::new(300);
    let (mut caller, mut called) = try_join(connect(site, address), accept(listener)).await?;
    let mut dropped = 0;
    let mut bytes = vec![0; LENGTH];
    for round in 0..ROUNDS {
        let sent = pattern.bytes((round * LENGTH) as u64, LENGTH);
        let ended = poll!(pin!(called.read(&mut bytes))).is_ready();
        hold(!ended, || "a read ended though nothing was sent".to_owned())?;
        dropped += 1;
        let send = async {
            caller.write_all(&sent).await.when("sending")?;
            caller.flush().await.when("flushing")
        };
        let receive = async {
            let mut done = 0;
            while done < LENGTH {
                let first = poll!(pin!(called.read(&mut bytes[done..])));
                let count = match first {
                    Poll::Ready(count) => count,
                    Poll::Pending => {
                        dropped += 1;
                        called.read(&mut bytes[done..]).await
                    }
                };
                let count = count.when("receiving")?;
                hold(count > 0, || "the connection has ended".to_owned())?;
                done += count;
            }
            Ok(())
        };
        try_join(send, receive).await?;
        pattern.check("what was received", (round * LENGTH) as u64, &bytes)?;
    }
    caller.close().await.when("closing the connection")?;
    let rest = called.read(&mut bytes).await.when("receiving the end")?;
    equal("bytes behind the end", rest, 0)?;
    Ok(dropped)
}
