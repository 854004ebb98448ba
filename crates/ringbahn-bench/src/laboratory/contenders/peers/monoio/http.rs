//! HTTP/1.1 by hyper, through the adapter of monoio's own project.

use std::net;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use monoio::io::IntoPollIo as _;
use monoio::net::TcpListener;
use monoio_compat::hyper::MonoioIo;

use super::super::server;
use super::Runtime;
use crate::laboratory::case::Http;
use crate::laboratory::contender::Failure;
use crate::laboratory::contenders::serving;

pub(super) fn http<M: Runtime>(_: &Http, listener: net::TcpListener) -> Result<(), Failure> {
    server::send_at_once(&listener)?;
    M::run(async |_| {
        let listener = TcpListener::from_std(listener)?;
        loop {
            let (socket, _) = listener.accept().await?;
            let socket = MonoioIo::new(socket.into_poll_io()?);
            monoio::spawn(
                http1::Builder::new().serve_connection(socket, service_fn(serving::answer)),
            );
        }
    })
}
