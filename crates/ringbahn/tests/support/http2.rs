//! Scenarios of HTTP/2 without TLS: hyper's server and client, each on a connection of a driver.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use futures::AsyncWriteExt;
use futures::future::{join, join_all};
use http_body_util::BodyExt;
use hyper::client::conn::http2::{self as client, SendRequest};
use hyper::server::conn::http2 as server;
use hyper::service::service_fn;
use hyper::{Request, Response, body::Incoming};
use ringbahn::hyper::Timer;
use ringbahn::{Drive, Ring};

use super::http::{AnyBody, Service, collect, pattern, whole};
use super::tasks::{Task, Tasks};

/// Both ends of a connection.
async fn connection<D: Drive + Clone + Unpin>(
    driver: &D,
) -> (Ring<TcpStream, D>, Ring<TcpStream, D>) {
    let address = (Ipv4Addr::LOCALHOST, 0);
    let listener = Ring::<TcpListener, D>::bind_on_driver(address, driver.clone()).unwrap();
    let address = listener.get_ref().local_addr().unwrap();
    let near = Ring::<TcpStream, D>::connect_on_driver(address, driver.clone()).await.unwrap();
    let (far, _) = listener.accept().await.unwrap();
    far.get_ref().set_nodelay(true).unwrap();
    near.get_ref().set_nodelay(true).unwrap();
    (near, far)
}

/// Both ends of a connection that speak HTTP/2.
struct Pair {
    client: SendRequest<AnyBody>,
    service: Service,
    /// The tasks that drive the two ends.
    asking: Task<hyper::Result<()>>,
    serving: Task<hyper::Result<()>>,
}

impl Pair {
    async fn new<D: Drive + Clone + Unpin + 'static>(driver: &D, tasks: &Tasks) -> Pair {
        let (near, far) = connection(driver).await;
        let service = Service::default();
        let answering = service.clone();
        let answer = service_fn(move |request| answering.clone().answer(request));
        let server = server::Builder::new(tasks.clone());
        let serving = tasks.spawn(server.serve_connection(far, answer));
        let (client, connection) = client::handshake(tasks.clone(), near).await.unwrap();
        let asking = tasks.spawn(connection);
        Pair { client, service, asking, serving }
    }

    /// Waits until there is room for another stream, and asks for something in it.
    async fn ask(&self, path: &str, body: AnyBody) -> hyper::Result<Response<Incoming>> {
        let mut client = self.client.clone();
        client.ready().await?;
        let uri = format!("http://localhost{path}");
        client.send_request(Request::post(uri).body(body).unwrap()).await
    }

    /// Ends the connection in order.
    async fn end(self) {
        drop(self.client);
        self.asking.await.unwrap();
        self.serving.await.unwrap();
    }
}

pub(crate) async fn a_hundred_streams_at_once(
    driver: impl Drive + Clone + Unpin + 'static,
    tasks: Tasks,
) {
    let pair = Pair::new(&driver, &tasks).await;
    // All of them have begun before the first one ends.
    let begun = join_all((0..100).map(|_| pair.ask("/endless", whole("")))).await;
    assert_eq!(pair.service.endless(), 100);
    drop(begun);
    let echoes = (0..100).map(|number| {
        let pair = &pair;
        async move {
            let data = pattern(number * 701);
            let response = pair.ask("/echo", whole(data.clone())).await.unwrap();
            assert!(collect(response.into_body()).await.unwrap() == data);
        }
    });
    join_all(echoes).await;
    assert_eq!(pair.service.requests(), 200);
    pair.end().await;
}

pub(crate) async fn big_bodies_go_both_ways(
    driver: impl Drive + Clone + Unpin + 'static,
    tasks: Tasks,
) {
    let pair = Pair::new(&driver, &tasks).await;
    let echoes = (0..2).map(|_| async {
        let data = pattern(10 << 20);
        let response = pair.ask("/echo", whole(data.clone())).await.unwrap();
        assert!(collect(response.into_body()).await.unwrap() == data);
    });
    join_all(echoes).await;
    pair.end().await;
}

pub(crate) async fn a_stream_that_is_reset_ends_alone(
    driver: impl Drive + Clone + Unpin + 'static,
    tasks: Tasks,
) {
    let pair = Pair::new(&driver, &tasks).await;

    // By the client, which has seen enough.
    let mut body = pair.ask("/endless", whole("")).await.unwrap().into_body();
    for _ in 0..10 {
        body.frame().await.unwrap().unwrap();
    }
    assert_eq!(pair.service.endless(), 1);
    drop(body);
    while pair.service.endless() > 0 {
        let response = pair.ask("/hello", whole("")).await.unwrap();
        assert_eq!(collect(response.into_body()).await.unwrap(), "hello");
    }

    // By the server, whose body has broken off. The reset may overtake the head of the answer.
    let broken = async { collect(pair.ask("/broken", whole("")).await?.into_body()).await };
    broken.await.unwrap_err();

    let response = pair.ask("/hello", whole("")).await.unwrap();
    assert_eq!(collect(response.into_body()).await.unwrap(), "hello");
    pair.end().await;
}

pub(crate) async fn a_peer_that_answers_no_ping_is_given_up(
    driver: impl Drive + Clone + Unpin + 'static,
    tasks: Tasks,
) {
    let patience = Duration::from_millis(20);
    let mut server = server::Builder::new(tasks);
    server.timer(Timer::new().unwrap());
    server.keep_alive_interval(patience).keep_alive_timeout(patience);
    let (mut near, far) = connection(&driver).await;
    let service = Service::default();
    let answer = service_fn(move |request| service.clone().answer(request));
    let begin = Instant::now();
    let talking = async {
        near.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
        let no_settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
        near.write_all(&no_settings).await.unwrap();
        near.flush().await.unwrap();
    };
    let (served, ()) = join(server.serve_connection(far, answer), talking).await;
    assert!(served.unwrap_err().is_timeout());
    assert!(begin.elapsed() >= 2 * patience);
}
