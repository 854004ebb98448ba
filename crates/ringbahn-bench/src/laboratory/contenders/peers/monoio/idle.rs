//! Connections that wait, without a buffer until there is something to receive.

use std::io;
use std::net;

use monoio::io::{AsyncReadRent as _, AsyncWriteRentExt as _};
use monoio::net::{TcpListener, TcpStream};

use super::super::server;
use super::Runtime;
use crate::laboratory::case::Idle;
use crate::laboratory::contender::Failure;

pub(super) fn idle<M: Runtime>(_: &Idle, listener: net::TcpListener) -> Result<(), Failure> {
    server::send_at_once(&listener)?;
    M::run(async |_| {
        let listener = TcpListener::from_std(listener)?;
        loop {
            let (socket, _) = listener.accept().await?;
            monoio::spawn(serve(socket));
        }
    })
}

async fn serve(mut socket: TcpStream) -> io::Result<()> {
    loop {
        socket.readable(false).await?;
        let (received, message) = socket.read(Vec::with_capacity(4096)).await;
        if received? == 0 {
            return Ok(());
        }
        let (sent, _) = socket.write_all(message).await;
        sent?;
    }
}
