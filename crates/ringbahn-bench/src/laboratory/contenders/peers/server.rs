//! What all servers have in common: how long their buffers are, and how they treat their sockets.

use std::convert::Infallible;
use std::io;
use std::net::TcpListener;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::{Request, Response};
use socket2::SockRef;

/// What is answered over HTTP.
const ANSWER: &str = "Hello, world!";

/// The buffers that the kernel chooses from on behalf of connections that are mostly idle.
pub(super) const IDLE_BUFFER_GROUP: (u16, u32) = (64, 1024);

/// Has every connection that is accepted send at once what it is given: sockets have it from the
/// one that they were accepted on.
///
/// # Errors
///
/// Those of setting an option.
pub(super) fn send_at_once(listener: &TcpListener) -> io::Result<()> {
    SockRef::from(listener).set_tcp_nodelay(true)
}

/// Answers a request of HTTP.
///
/// # Errors
///
/// None.
pub(super) async fn answer(_: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    Ok(Response::new(Full::new(Bytes::from_static(ANSWER.as_bytes()))))
}
