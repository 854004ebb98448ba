//! Messages that are sent back, by a task for each connection.

use std::io;
use std::net::TcpListener;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::Tokio;
use crate::laboratory::case::Echo;
use crate::laboratory::contender::Failure;

pub(super) fn echo<R: Tokio>(case: &Echo, listener: TcpListener) -> Result<(), Failure> {
    let length = case.buffer();
    listener.set_nonblocking(true)?;
    R::new()?.serve(async move {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        loop {
            let (connection, _) = listener.accept().await?;
            tokio::spawn(serve(connection, length));
        }
    })
}

/// Sends back what comes.
async fn serve(mut connection: TcpStream, length: usize) -> io::Result<()> {
    connection.set_nodelay(true)?;
    let mut buffer = vec![0; length];
    loop {
        let received = connection.read(&mut buffer).await?;
        if received == 0 {
            return Ok(());
        }
        connection.write_all(&buffer[..received]).await?;
    }
}
