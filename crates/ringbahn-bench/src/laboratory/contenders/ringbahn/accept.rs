//! Connections that carry one byte there and back and are closed.

use std::io;
use std::net::TcpStream;

use ringbahn::{BufResultExt as _, Drive, Ring};

/// Sends a byte back, and closes the connection.
pub(super) async fn connection<D: Drive + Clone + Unpin>(
    stream: Ring<TcpStream, D>,
) -> io::Result<()> {
    let (count, byte) = stream.recv([0]).await.both()?;
    if count > 0 {
        stream.send_all(byte).await.both()?;
    }
    stream.close().await
}
