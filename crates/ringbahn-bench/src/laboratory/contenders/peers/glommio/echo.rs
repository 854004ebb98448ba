//! Messages that are sent back: a task for each connection.

use std::io;
use std::net;

use futures::{AsyncReadExt as _, AsyncWriteExt as _};
use glommio::net::TcpStream;

use super::super::library::Library as _;
use super::super::server;
use super::listener::listener;
use super::{Glommio, failure};
use crate::laboratory::case::Echo;
use crate::laboratory::contender::Failure;

pub(super) fn echo(case: &Echo, socket: net::TcpListener) -> Result<(), Failure> {
    server::send_at_once(&socket)?;
    Glommio::run(async |_| {
        let listener = listener(socket);
        loop {
            let socket = listener.accept().await.map_err(failure)?;
            glommio::spawn_local(serve(socket, case.buffer())).detach();
        }
    })
}

async fn serve(mut socket: TcpStream, length: usize) -> io::Result<()> {
    let mut buffer = vec![0; length];
    loop {
        let received = socket.read(&mut buffer).await?;
        if received == 0 {
            return Ok(());
        }
        socket.write_all(&buffer[..received]).await?;
    }
}
