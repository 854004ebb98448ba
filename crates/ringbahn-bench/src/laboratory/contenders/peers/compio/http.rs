//! HTTP/1.1 by hyper, through the adapter of compio's own project.

use std::net;

use compio::net::TcpListener;
use cyper_core::HyperStream;
use hyper::server::conn::http1;
use hyper::service::service_fn;

use super::super::server;
use super::Runtime;
use crate::laboratory::case::Http;
use crate::laboratory::contender::Failure;
use crate::laboratory::contenders::serving;

pub(super) fn http<C: Runtime>(_: &Http, listener: net::TcpListener) -> Result<(), Failure> {
    server::send_at_once(&listener)?;
    C::run(async |_| {
        let listener = TcpListener::from_std(listener)?;
        loop {
            let (socket, _) = listener.accept().await?;
            let socket = HyperStream::new_plain(socket);
            let connection =
                http1::Builder::new().serve_connection(socket, service_fn(serving::answer));
            compio::runtime::spawn(connection).detach();
        }
    })
}
