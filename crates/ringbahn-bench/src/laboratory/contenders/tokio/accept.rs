//! Connections that carry one byte there and back, by a task for each.

use std::io;
use std::net::TcpListener;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::Tokio;
use crate::laboratory::case::Accept;
use crate::laboratory::contender::Failure;

pub(super) fn accept<R: Tokio>(_: &Accept, listener: TcpListener) -> Result<(), Failure> {
    listener.set_nonblocking(true)?;
    R::new()?.serve(async move {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        loop {
            let (connection, _) = listener.accept().await?;
            tokio::spawn(serve(connection));
        }
    })
}

async fn serve(mut connection: TcpStream) -> io::Result<()> {
    connection.set_nodelay(true)?;
    let mut byte = [0];
    connection.read_exact(&mut byte).await?;
    connection.write_all(&byte).await
}
