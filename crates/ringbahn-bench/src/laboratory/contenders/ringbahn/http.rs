//! hyper upon handles.

use std::convert::Infallible;
use std::net::TcpStream;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper::{Request, Response};
use ringbahn::{Drive, Ring};

/// Answers what is asked, one request after the other.
pub(super) async fn connection<D: Drive + Clone + Unpin + 'static>(
    stream: Ring<TcpStream, D>,
) -> hyper::Result<()> {
    Builder::new().serve_connection(stream, service_fn(answer)).await
}

async fn answer(_: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    Ok(Response::new(Full::new(Bytes::from_static(b"Hello, world!"))))
}
