//! Connections that carry one byte there and back.

use std::io;
use std::net;

use tokio_uring::net::{TcpListener, TcpStream};

use super::super::library::Library;
use super::super::server;
use crate::laboratory::case::Accept;
use crate::laboratory::contender::Failure;

pub(super) fn accept<U: Library>(_: &Accept, listener: net::TcpListener) -> Result<(), Failure> {
    server::send_at_once(&listener)?;
    U::run(async |_| {
        let listener = TcpListener::from_std(listener);
        loop {
            let (socket, _) = listener.accept().await?;
            tokio_uring::spawn(serve(socket));
        }
    })
}

async fn serve(socket: TcpStream) -> io::Result<()> {
    let (received, byte) = socket.read(Vec::with_capacity(1)).await;
    if received? == 0 {
        return Ok(());
    }
    socket.write_all(byte).await.0
}
