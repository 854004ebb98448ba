//! Connections that carry one byte there and back.

use std::io;
use std::net;

use monoio::io::{AsyncReadRent as _, AsyncWriteRentExt as _};
use monoio::net::{TcpListener, TcpStream};

use super::super::server;
use super::Runtime;
use crate::laboratory::case::Accept;
use crate::laboratory::contender::Failure;

pub(super) fn accept<M: Runtime>(_: &Accept, listener: net::TcpListener) -> Result<(), Failure> {
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
    let (received, byte) = socket.read(Vec::with_capacity(1)).await;
    if received? == 0 {
        return Ok(());
    }
    socket.write_all(byte).await.0?;
    Ok(())
}
