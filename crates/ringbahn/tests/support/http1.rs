//! Scenarios of HTTP/1: hyper's server and client, each on connections of a driver.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use futures::{AsyncReadExt, AsyncWriteExt};
use http_body_util::BodyExt;
use hyper::client::conn::http1::{self as client, SendRequest};
use hyper::server::conn::http1 as server;
use hyper::service::service_fn;
use hyper::{Request, header};
use ringbahn::hyper::Timer;
use ringbahn::{Drive, Ring};

use super::http::{AnyBody, Service, collect, pattern, pieces, whole};
use super::tasks::{Task, Tasks};

/// A server, which starts a task for each of its connections.
struct Server<D: Drive + Clone + Unpin + 'static> {
    listener: Ring<TcpListener, D>,
    service: Service,
    tasks: Tasks,
    builder: server::Builder,
}

impl<D: Drive + Clone + Unpin + 'static> Server<D> {
    fn new(driver: &D, tasks: &Tasks) -> Server<D> {
        let listener =
            Ring::<TcpListener, D>::bind_on_driver((Ipv4Addr::LOCALHOST, 0), driver.clone())
                .unwrap();
        let service = Service::default();
        Server { listener, service, tasks: tasks.clone(), builder: server::Builder::new() }
    }

    fn address(&self) -> SocketAddr {
        self.listener.get_ref().local_addr().unwrap()
    }

    /// A client on a connection of its own, and the task that serves it.
    async fn client(&self) -> (SendRequest<AnyBody>, Task<hyper::Result<()>>) {
        let (stream, served) = self.connect().await;
        let (client, connection) = client::handshake(stream).await.unwrap();
        self.tasks.spawn(connection).detach();
        (client, served)
    }

    /// A connection, and the task that serves it.
    async fn connect(&self) -> (Ring<TcpStream, D>, Task<hyper::Result<()>>) {
        let driver = self.listener.driver().clone();
        let near = Ring::<TcpStream, D>::connect_on_driver(self.address(), driver).await.unwrap();
        let (far, _) = self.listener.accept().await.unwrap();
        far.get_ref().set_nodelay(true).unwrap();
        near.get_ref().set_nodelay(true).unwrap();
        let service = self.service.clone();
        let answer = service_fn(move |request| service.clone().answer(request));
        (near, self.tasks.spawn(self.builder.serve_connection(far, answer)))
    }
}

fn request(path: &str, body: AnyBody) -> Request<AnyBody> {
    Request::post(path).header(header::HOST, "localhost").body(body).unwrap()
}

pub(crate) async fn many_requests_on_one_connection(
    driver: impl Drive + Clone + Unpin + 'static,
    tasks: Tasks,
) {
    let server = Server::new(&driver, &tasks);
    let (mut client, served) = server.client().await;
    for turn in 0..50 {
        let (path, status) = if turn % 5 == 4 { ("/nothing", 404) } else { ("/hello", 200) };
        client.ready().await.unwrap();
        let response = client.send_request(request(path, whole(""))).await.unwrap();
        assert_eq!(response.status(), status);
        let body = collect(response.into_body()).await.unwrap();
        assert_eq!(body.starts_with(b"hello"), status == 200);
    }
    assert_eq!(server.service.requests(), 50);
    drop(client);
    served.await.unwrap();
}

pub(crate) async fn chunked_bodies_arrive_whole(
    driver: impl Drive + Clone + Unpin + 'static,
    tasks: Tasks,
) {
    let server = Server::new(&driver, &tasks);
    let (mut client, _served) = server.client().await;
    let data = pattern(200_000);
    let mut cut = Vec::new();
    let mut rest = data.clone();
    for size in (1..).map(|turn: usize| 1 + turn * 977 % 9000) {
        cut.push(rest.split_to(size.min(rest.len())));
        if rest.is_empty() {
            break;
        }
    }
    let response = client.send_request(request("/echo", pieces(cut))).await.unwrap();
    assert_eq!(response.headers()[header::TRANSFER_ENCODING], "chunked");
    assert!(collect(response.into_body()).await.unwrap() == data);
}

pub(crate) async fn big_bodies_go_both_ways(
    driver: impl Drive + Clone + Unpin + 'static,
    tasks: Tasks,
) {
    let server = Server::new(&driver, &tasks);
    let (mut client, _served) = server.client().await;
    let data = pattern(10 << 20);
    let response = client.send_request(request("/echo", whole(data.clone()))).await.unwrap();
    assert!(collect(response.into_body()).await.unwrap() == data);
}

pub(crate) async fn requests_sent_at_once_are_answered_in_order(
    driver: impl Drive + Clone + Unpin + 'static,
    tasks: Tasks,
) {
    let mut server = Server::new(&driver, &tasks);
    server.builder.pipeline_flush(true);
    let (mut stream, served) = server.connect().await;
    let mut requests = String::new();
    for (path, end) in [("/hello", ""), ("/nothing", ""), ("/hello", "connection: close\r\n")] {
        requests += &format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n{end}\r\n");
    }
    stream.write_all(requests.as_bytes()).await.unwrap();
    stream.flush().await.unwrap();
    let mut answers = String::new();
    stream.read_to_string(&mut answers).await.unwrap();
    let heads: Vec<_> = answers.split("HTTP/1.1 ").skip(1).map(|head| &head[..3]).collect();
    assert_eq!(heads, ["200", "404", "200"], "{answers}");
    assert_eq!(answers.matches("hello").count(), 2);
    served.await.unwrap();
}

pub(crate) async fn a_client_that_goes_away_ends_its_own_connection_only(
    driver: impl Drive + Clone + Unpin + 'static,
    tasks: Tasks,
) {
    let server = Server::new(&driver, &tasks);
    let (mut other, _served) = server.client().await;

    // In the middle of its request.
    let (mut stream, served) = server.connect().await;
    let begin = "POST /echo HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000\r\n\r\nbegin";
    stream.write_all(begin.as_bytes()).await.unwrap();
    stream.flush().await.unwrap();
    let mut head = [0; 12];
    stream.read_exact(&mut head).await.unwrap();
    assert_eq!(&head, b"HTTP/1.1 200");
    drop(stream);
    served.await.unwrap_err();

    // In the middle of the answer.
    let (mut client, served) = server.client().await;
    let response = client.send_request(request("/endless", whole(""))).await.unwrap();
    let mut body = response.into_body();
    for _ in 0..10 {
        body.frame().await.unwrap().unwrap();
    }
    assert_eq!(server.service.endless(), 1);
    drop((client, body));
    served.await.unwrap_err();
    assert_eq!(server.service.endless(), 0);

    let response = other.send_request(request("/hello", whole(""))).await.unwrap();
    assert_eq!(collect(response.into_body()).await.unwrap(), "hello");
}

pub(crate) async fn a_client_that_says_nothing_is_timed_out(
    driver: impl Drive + Clone + Unpin + 'static,
    tasks: Tasks,
) {
    let patience = Duration::from_millis(30);
    let mut server = Server::new(&driver, &tasks);
    server.builder.timer(Timer::new().unwrap()).header_read_timeout(patience);

    let begin = Instant::now();
    let (mut stream, served) = server.connect().await;
    stream.write_all(b"GET /hello HTTP/1.1\r\nho").await.unwrap();
    stream.flush().await.unwrap();
    assert!(served.await.unwrap_err().is_timeout());
    assert!(begin.elapsed() >= patience);

    // One that speaks in time is served, and timed out when it has nothing more to say.
    let begin = Instant::now();
    let (mut client, served) = server.client().await;
    for _ in 0..5 {
        client.ready().await.unwrap();
        let response = client.send_request(request("/hello", whole(""))).await.unwrap();
        assert_eq!(collect(response.into_body()).await.unwrap(), "hello");
    }
    let _ = served.await;
    assert!(begin.elapsed() >= patience);
    while !client.is_closed() {
        smol::future::yield_now().await;
    }
}
