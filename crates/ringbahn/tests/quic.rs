//! QUIC: quinn upon sockets of a driver, with its timers there, and its tasks on smol.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use futures::future::join;
use quinn::{ClientConfig, Connection, Endpoint, EndpointConfig, ServerConfig, VarInt};
use ringbahn::quinn::Runtime;
use ringbahn::{DefaultDriver, Drive, ShardedDriver, Shared};
use tokio_rustls::rustls::RootCertStore;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

#[path = "support/bounded.rs"]
mod bounded;
#[path = "quic/gate.rs"]
mod gate;
#[path = "quic/sockets.rs"]
mod sockets;
#[path = "support/support.rs"]
mod support;
use bounded::block_on;
use support::{driver, skip};

/// How many bytes go there and back.
const LENGTH: usize = 100_000;

/// A certificate made for the occasion, and its key.
fn identity() -> (CertificateDer<'static>, PrivateKeyDer<'static>) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_string()]).unwrap();
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    (made.cert.der().clone(), PrivateKeyDer::from(key))
}

/// A server and a client that trusts it, on `driver`.
fn endpoints<D>(address: SocketAddr, driver: &D) -> (Endpoint, Endpoint)
where
    D: Drive<Sharing = Shared> + Clone + Unpin + Send + Sync + 'static,
{
    let (certificate, key) = identity();
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).unwrap();
    let server = ServerConfig::with_single_cert(vec![certificate], key).unwrap();
    let client = ClientConfig::with_root_certificates(Arc::new(roots)).unwrap();

    let spawn = |task| smol::spawn(task).detach();
    let runtime = Arc::new(Runtime::new_on_driver(spawn, driver.clone()));
    let endpoint = |config| {
        let socket = UdpSocket::bind(address).unwrap();
        Endpoint::new(EndpointConfig::default(), config, socket, runtime.clone()).unwrap()
    };
    let (server, mut dialing) = (endpoint(Some(server)), endpoint(None));
    dialing.set_default_client_config(client);
    (server, dialing)
}

async fn shake_hands(server: &Endpoint, client: &Endpoint) -> (Connection, Connection) {
    let address = server.local_addr().unwrap();
    let accepted = async { server.accept().await.unwrap().await.unwrap() };
    let connected = async { client.connect(address, "localhost").unwrap().await.unwrap() };
    join(accepted, connected).await
}

/// Sends bytes over a stream, and gets them back from the one who has accepted it.
async fn echo(accepted: &Connection, connected: &Connection, bytes: &[u8]) -> Vec<u8> {
    let serve = async {
        let (mut sender, mut receiver) = accepted.accept_bi().await.unwrap();
        let bytes = receiver.read_to_end(LENGTH).await.unwrap();
        sender.write_all(&bytes).await.unwrap();
        sender.finish().unwrap();
        sender.stopped().await.unwrap();
    };
    let ask = async {
        let (mut sender, mut receiver) = connected.open_bi().await.unwrap();
        sender.write_all(bytes).await.unwrap();
        sender.finish().unwrap();
        receiver.read_to_end(LENGTH).await.unwrap()
    };
    join(serve, ask).await.1
}

/// A handshake, a stream in both directions, and an end that both know of.
fn scenario<D>(address: SocketAddr, driver: &D)
where
    D: Drive<Sharing = Shared> + Clone + Unpin + Send + Sync + 'static,
{
    block_on(async {
        let (server, client) = endpoints(address, driver);
        let (accepted, connected) = shake_hands(&server, &client).await;
        assert_eq!(accepted.remote_address(), client.local_addr().unwrap());

        let sent: Vec<u8> = (0..LENGTH as u32 / 4).flat_map(u32::to_be_bytes).collect();
        assert!(echo(&accepted, &connected, &sent).await == sent);

        connected.close(VarInt::from_u32(7), b"enough");
        let quinn::ConnectionError::ApplicationClosed(end) = accepted.closed().await else {
            panic!("it has ended otherwise");
        };
        assert_eq!((end.error_code, &end.reason[..]), (VarInt::from_u32(7), &b"enough"[..]));
        drop((accepted, connected));
        join(server.wait_idle(), client.wait_idle()).await;
    });
}

fn loopback() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 0).into()
}

#[test]
fn a_stream_goes_there_and_back_over_the_driver_of_the_process() {
    if let Err(error) = DefaultDriver::shared() {
        return skip("a_stream_goes_there_and_back", &format!("no io_uring: {error}"));
    }
    scenario(loopback(), &DefaultDriver);
}

#[test]
fn a_stream_goes_there_and_back_over_a_queue_that_is_full_all_the_time() {
    let Some(driver) = driver("a_stream_goes_there_and_back_over_a_queue") else { return };
    scenario(loopback(), &driver);
    assert!(driver.counters().completed > 0);
}

#[test]
fn a_stream_goes_there_and_back_over_shards() {
    let driver = match ShardedDriver::builder().shards(2).entries(8).build() {
        Ok(driver) => driver,
        Err(error) => {
            return skip(
                "a_stream_goes_there_and_back_over_shards",
                &format!("no io_uring: {error}"),
            );
        }
    };
    scenario(loopback(), &driver);
}

#[test]
fn a_stream_goes_there_and_back_over_ipv6() {
    let test = "a_stream_goes_there_and_back_over_ipv6";
    let Some(driver) = driver(test) else { return };
    if UdpSocket::bind((Ipv6Addr::LOCALHOST, 0)).is_err() {
        return skip(test, "no IPv6");
    }
    scenario((Ipv6Addr::LOCALHOST, 0).into(), &driver);
}

#[test]
fn datagrams_that_need_not_arrive_do() {
    let Some(driver) = driver("datagrams_that_need_not_arrive_do") else { return };
    block_on(async {
        let (server, client) = endpoints(loopback(), &driver);
        let (accepted, connected) = shake_hands(&server, &client).await;
        let mut number = 0_u32;
        // Some may be lost, where a socket has no room; not all of them.
        let got = loop {
            connected.send_datagram(number.to_be_bytes().to_vec().into()).unwrap();
            number += 1;
            let wait = async {
                smol::Timer::after(Duration::from_millis(50)).await;
                None
            };
            let got = async { Some(accepted.read_datagram().await.unwrap()) };
            if let Some(got) = smol::future::or(got, wait).await {
                break got;
            }
        };
        assert!(u32::from_be_bytes(got[..].try_into().unwrap()) < number);
    });
}

#[test]
fn an_endpoint_whose_driver_was_shut_down_ends_with_an_error() {
    let test = "an_endpoint_whose_driver_was_shut_down";
    let Some(driver) = driver(test) else { return };
    block_on(async {
        let (server, client) = endpoints(loopback(), &driver);
        let (accepted, connected) = shake_hands(&server, &client).await;
        let closed = join(accepted.closed(), connected.closed());
        driver.shutdown(Duration::from_secs(10)).await;
        closed.await;
    });
}
