//! Connections that carry one byte there and back.

use std::io;
use std::net;

use futures::{AsyncReadExt as _, AsyncWriteExt as _};
use glommio::net::TcpStream;

use super::super::library::Library as _;
use super::super::server;
use super::listener::listener;
use super::{Glommio, failure};
use crate::laboratory::case::Accept;
use crate::laboratory::contender::Failure;

pub(super) fn accept(_: &Accept, socket: net::TcpListener) -> Result<(), Failure> {
    server::send_at_once(&socket)?;
    Glommio::run(async |_| {
        let listener = listener(socket);
        loop {
            let socket = listener.accept().await.map_err(failure)?;
            glommio::spawn_local(serve(socket)).detach();
        }
    })
}

async fn serve(mut socket: TcpStream) -> io::Result<()> {
    let mut byte = [0];
    if socket.read(&mut byte).await? == 1 {
        socket.write_all(&byte).await?;
    }
    Ok(())
}
