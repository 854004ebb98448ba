//! HTTP/1.1 by hyper, by a task for each connection.

use std::net::TcpListener;

use hyper_util::rt::TokioIo;

use super::Tokio;
use crate::laboratory::case::Http;
use crate::laboratory::contender::Failure;
use crate::laboratory::contenders::serving;

pub(super) fn http<R: Tokio>(_: &Http, listener: TcpListener) -> Result<(), Failure> {
    listener.set_nonblocking(true)?;
    R::new()?.serve(async move {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        loop {
            let (connection, _) = listener.accept().await?;
            connection.set_nodelay(true)?;
            tokio::spawn(serving::serve_http(TokioIo::new(connection)));
        }
    })
}
