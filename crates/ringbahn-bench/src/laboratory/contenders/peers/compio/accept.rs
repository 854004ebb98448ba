//! Connections that carry one byte there and back, accepted one by one or as a stream.

use std::io;
use std::net;

use compio::buf::BufResult;
use compio::io::{AsyncRead as _, AsyncWriteExt as _};
use compio::net::{TcpListener, TcpStream};
use futures::StreamExt as _;

use super::super::library::Library as _;
use super::super::server;
use super::Compio;
use crate::laboratory::case::Accept;
use crate::laboratory::contender::Failure;

pub(super) fn accept(_: &Accept, listener: net::TcpListener) -> Result<(), Failure> {
    server::send_at_once(&listener)?;
    Compio::<false>::run(async |_| {
        let listener = TcpListener::from_std(listener)?;
        loop {
            let (socket, _) = listener.accept().await?;
            compio::runtime::spawn(serve(socket)).detach();
        }
    })
}

pub(super) fn accept_multishot(_: &Accept, listener: net::TcpListener) -> Result<(), Failure> {
    server::send_at_once(&listener)?;
    Compio::<true>::run(async |_| {
        let listener = TcpListener::from_std(listener)?;
        let mut incoming = listener.incoming();
        while let Some(socket) = incoming.next().await {
            compio::runtime::spawn(serve(socket?)).detach();
        }
        Ok(())
    })
}

async fn serve(mut socket: TcpStream) -> io::Result<()> {
    let BufResult(received, byte) = socket.read(Vec::with_capacity(1)).await;
    if received? == 1 {
        socket.write_all(byte).await.0?;
    }
    socket.close().await
}
