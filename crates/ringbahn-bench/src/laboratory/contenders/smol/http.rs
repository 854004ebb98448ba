//! HTTP/1.1 by hyper, by a task for each connection.

use std::io;
use std::net::TcpListener;

use smol_hyper::rt::FuturesIo;

use crate::laboratory::case::Http;
use crate::laboratory::contender::Failure;
use crate::laboratory::contenders::serving;

pub(super) fn http(_: &Http, listener: TcpListener) -> Result<(), Failure> {
    super::serve(listener, async |connection| {
        serving::serve_http(FuturesIo::new(connection)).await.map_err(io::Error::other)
    })
}
