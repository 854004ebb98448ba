//! hyper upon handles.

use std::net::TcpStream;

use ringbahn::{Drive, Ring};

use crate::laboratory::contenders::serving::serve_http;

/// Answers what is asked, one request after the other.
pub(super) async fn connection<D: Drive + Clone + Unpin + 'static>(
    stream: Ring<TcpStream, D>,
) -> hyper::Result<()> {
    serve_http(stream).await
}
