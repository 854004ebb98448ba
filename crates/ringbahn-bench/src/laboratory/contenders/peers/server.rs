//! What all servers have in common: how long their buffers are, and how they treat their sockets.

use std::convert::Infallible;
use std::io;
use std::net::TcpListener;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::{Request, Response};
use socket2::SockRef;

use crate::laboratory::case::Echo;

/// What is answered over HTTP.
const ANSWER: &str = "Hello, world!";

/// How long a buffer for what a connection receives is, in bytes.
pub(super) fn buffer_length(case: &Echo) -> usize {
    usize::try_from(case.length).unwrap_or(usize::MAX).max(4096)
}

/// The buffers that the kernel chooses from, where it does: how many, and how long, in bytes.
pub(super) fn buffer_group(case: &Echo) -> (u16, u32) {
    (2048, u32::try_from(case.length).unwrap_or(u32::MAX).max(1024))
}

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
