//! Messages that are sent back, through the traits that streams have.

use std::io;
use std::net::TcpStream;

use ringbahn::{Drive, Ring};

/// Sends back what comes, by the traits of `futures`.
pub(super) async fn connection<D: Drive + Clone + Unpin>(
    mut stream: Ring<TcpStream, D>,
    length: usize,
) -> io::Result<()> {
    use futures::{AsyncReadExt as _, AsyncWriteExt as _};

    let mut buffer = vec![0; length];
    loop {
        let count = stream.read(&mut buffer).await?;
        if count == 0 {
            return Ok(());
        }
        stream.write_all(&buffer[..count]).await?;
    }
}

/// Sends back what comes, by the traits of tokio.
pub(super) async fn tokio_connection<D: Drive + Clone + Unpin>(
    mut stream: Ring<TcpStream, D>,
    length: usize,
) -> io::Result<()> {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    let mut buffer = vec![0; length];
    loop {
        let count = stream.read(&mut buffer).await?;
        if count == 0 {
            return Ok(());
        }
        stream.write_all(&buffer[..count]).await?;
    }
}
