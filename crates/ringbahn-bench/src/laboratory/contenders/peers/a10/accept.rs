//! Connections that carry one byte there and back, accepted one by one or as a stream.

use std::net::{SocketAddr, TcpListener};

use a10::AsyncFd;

use super::super::library::Library as _;
use super::super::server;
use super::multishot::next_connection;
use super::{A10, Rings as _};
use crate::laboratory::case::Accept;
use crate::laboratory::contender::Failure;

pub(super) fn accept(_: &Accept, listener: TcpListener) -> Result<(), Failure> {
    server::send_at_once(&listener)?;
    A10::<false>::run(async |library| {
        let listener = AsyncFd::new(listener.into(), library.queue());
        loop {
            let (socket, _) = listener.accept::<SocketAddr>().await?;
            library.detach(serve(socket));
        }
    })
}

pub(super) fn accept_multishot(_: &Accept, listener: TcpListener) -> Result<(), Failure> {
    server::send_at_once(&listener)?;
    A10::<true>::run(async |library| {
        let listener = AsyncFd::new(listener.into(), library.queue());
        loop {
            // The kernel ends a stream at times, and then there is to be another one.
            let mut incoming = listener.multishot_accept();
            while let Some(socket) = next_connection(&mut incoming).await {
                library.detach(serve(socket?));
            }
        }
    })
}

async fn serve(socket: AsyncFd) -> Result<(), Failure> {
    let byte = socket.recv(Vec::with_capacity(1)).await?;
    if !byte.is_empty() {
        socket.send_all(byte).await?;
    }
    Ok(socket.close().await?)
}
