//! Messages that are sent back: a task for each connection.

use std::io;
use std::net;

use monoio::io::{AsyncReadRent as _, AsyncWriteRentExt as _};
use monoio::net::{TcpListener, TcpStream};

use super::super::server;
use super::Runtime;
use crate::laboratory::case::Echo;
use crate::laboratory::contender::Failure;

pub(super) fn echo<M: Runtime>(case: &Echo, listener: net::TcpListener) -> Result<(), Failure> {
    server::send_at_once(&listener)?;
    M::run(async |_| {
        let listener = TcpListener::from_std(listener)?;
        loop {
            let (socket, _) = listener.accept().await?;
            monoio::spawn(serve(socket, case.buffer()));
        }
    })
}

async fn serve(mut socket: TcpStream, length: usize) -> io::Result<()> {
    let mut buffer = Vec::with_capacity(length);
    loop {
        let (received, message) = socket.read(buffer).await;
        if received? == 0 {
            return Ok(());
        }
        let (sent, message) = socket.write_all(message).await;
        sent?;
        buffer = message;
        buffer.clear();
    }
}
