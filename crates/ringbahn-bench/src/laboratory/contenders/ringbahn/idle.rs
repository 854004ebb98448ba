//! Connections that wait, and keep no more than they must meanwhile.

use std::io;
use std::net::TcpStream;

use futures::{AsyncBufReadExt as _, AsyncWriteExt as _};
use ringbahn::{Buffering, Drive, Ring};

/// Sends back what comes. There is a buffer only while there is something in it.
pub(super) async fn connection<D: Drive + Clone + Unpin, B: Buffering>(
    mut stream: Ring<TcpStream, D, B>,
) -> io::Result<()> {
    loop {
        let message = stream.fill_buf().await?.to_vec();
        if message.is_empty() {
            return Ok(());
        }
        stream.consume_unpin(message.len());
        stream.write_all(&message).await?;
        stream.flush().await?;
    }
}
