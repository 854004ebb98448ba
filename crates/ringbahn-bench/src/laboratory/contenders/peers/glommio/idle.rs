//! Connections that wait, without a buffer until there is something to receive.

use std::net;

use futures::{AsyncReadExt as _, AsyncWriteExt as _};
use glommio::net::TcpStream;

use super::super::library::Library as _;
use super::super::server;
use super::listener::listener;
use super::{Glommio, failure};
use crate::laboratory::case::Idle;
use crate::laboratory::contender::Failure;

pub(super) fn idle(_: &Idle, socket: net::TcpListener) -> Result<(), Failure> {
    server::send_at_once(&socket)?;
    Glommio::run(async |_| {
        let listener = listener(socket);
        loop {
            let socket = listener.accept().await.map_err(failure)?;
            glommio::spawn_local(serve(socket)).detach();
        }
    })
}

async fn serve(mut socket: TcpStream) -> Result<(), Failure> {
    while socket.peek(&mut [0]).await.map_err(failure)? > 0 {
        let mut buffer = vec![0; 4096];
        let received = socket.read(&mut buffer).await?;
        socket.write_all(&buffer[..received]).await?;
    }
    Ok(())
}
