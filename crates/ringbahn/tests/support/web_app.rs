//! A web application of axum, and a client for it.
#![allow(dead_code, reason = "no test uses all of it")]

use std::convert::Infallible;
use std::net::TcpStream;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::routing::{get, post};
use bytes::Bytes;
use futures::StreamExt;
use futures::channel::{mpsc, oneshot};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Request, Response};
use hyper_util::service::TowerToHyperService;
use ringbahn::{Drive, Ring};

use super::support::connection;
use super::tasks::Tasks;

/// What the test does while a request is being answered.
pub(crate) struct Hand {
    /// The pieces of the answer to `/pieces`.
    pub(crate) pieces: mpsc::UnboundedSender<Bytes>,
    /// Told when `/slow` has been asked for.
    pub(crate) asked: oneshot::Receiver<()>,
    /// Lets `/slow` answer.
    pub(crate) answer: oneshot::Sender<()>,
}

/// The other ends of a [`Hand`], each for one request.
#[derive(Clone)]
struct Strings {
    pieces: Arc<Mutex<Option<mpsc::UnboundedReceiver<Bytes>>>>,
    slow: Arc<Mutex<Option<Slow>>>,
}

/// Tells that it was asked, and waits until it may answer.
type Slow = (oneshot::Sender<()>, oneshot::Receiver<()>);

/// The application, and what decides about its slow answers.
pub(crate) fn app() -> (Router, Hand) {
    let (pieces, coming) = mpsc::unbounded();
    let (ask, asked) = oneshot::channel();
    let (answer, answered) = oneshot::channel();
    let strings = Strings {
        pieces: Arc::new(Mutex::new(Some(coming))),
        slow: Arc::new(Mutex::new(Some((ask, answered)))),
    };
    let app = Router::new()
        .route("/hello/{name}", get(|Path(name): Path<String>| async move { format!("hi {name}") }))
        .route("/length", post(|body: Bytes| async move { body.len().to_string() }))
        .route("/pieces", get(pieces_as_they_come))
        .route("/slow", get(slow))
        .with_state(strings);
    (app, Hand { pieces, asked, answer })
}

async fn pieces_as_they_come(State(strings): State<Strings>) -> Body {
    let pieces = strings.pieces.lock().unwrap().take().unwrap();
    Body::from_stream(pieces.map(Ok::<_, Infallible>))
}

async fn slow(State(strings): State<Strings>) -> &'static str {
    let (ask, answered) = strings.slow.lock().unwrap().take().unwrap();
    ask.send(()).unwrap();
    answered.await.unwrap();
    "at last"
}

/// A client, and the future that drives its connection.
pub(crate) async fn client<D: Drive + Clone + Unpin>(
    stream: Ring<TcpStream, D>,
) -> (SendRequest<Body>, http1::Connection<Ring<TcpStream, D>, Body>) {
    http1::handshake(stream).await.unwrap()
}

pub(crate) async fn ask(
    client: &mut SendRequest<Body>,
    path: &str,
    body: Option<Vec<u8>>,
) -> Response<Incoming> {
    client.ready().await.unwrap();
    let method = if body.is_some() { "POST" } else { "GET" };
    let request = Request::builder().method(method).uri(path).header("host", "localhost");
    let request = request.body(body.map_or_else(Body::empty, Body::from)).unwrap();
    client.send_request(request).await.unwrap()
}

pub(crate) async fn text(response: Response<Incoming>) -> String {
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A few requests, one of them with an answer that comes in pieces.
pub(crate) async fn requests_are_answered(client: &mut SendRequest<Body>, hand: &mut Hand) {
    assert_eq!(text(ask(client, "/hello/ring", None).await).await, "hi ring");
    assert_eq!(text(ask(client, "/length", Some(vec![0; 300_000])).await).await, "300000");
    assert_eq!(ask(client, "/nowhere", None).await.status(), 404);
    assert_eq!(ask(client, "/hello/ring", Some(Vec::new())).await.status(), 405);

    // Each piece is sent when the one before has arrived, so none of them waits for more.
    let mut body = ask(client, "/pieces", None).await.into_body();
    for number in 0..5 {
        let piece = Bytes::from(format!("piece {number}"));
        hand.pieces.unbounded_send(piece.clone()).unwrap();
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), piece);
    }
    hand.pieces.close_channel();
    assert!(body.frame().await.is_none());
}

/// The application as a service of hyper, for drivers whose connections stay on one thread.
pub(crate) async fn an_app_is_served_by_hyper(
    driver: impl Drive + Clone + Unpin + 'static,
    tasks: Tasks,
) {
    let (app, mut hand) = app();
    let (near, far) = connection();
    let far = Ring::new_on_driver(far, driver.clone());
    let server = hyper::server::conn::http1::Builder::new();
    let served = tasks.spawn(server.serve_connection(far, TowerToHyperService::new(app)));
    let (mut client, connection) = client(Ring::new_on_driver(near, driver)).await;
    tasks.spawn(connection).detach();
    requests_are_answered(&mut client, &mut hand).await;
    drop(client);
    served.await.unwrap();
}
