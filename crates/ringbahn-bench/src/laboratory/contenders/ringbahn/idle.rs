//! Connections that wait, and keep no more than they must meanwhile.

use std::future::Future;
use std::io;
use std::net::TcpStream;

use futures::{AsyncBufReadExt as _, AsyncWriteExt as _};
use ringbahn::{Buffering, Drive, Ring};

/// Sends back what comes, from where it lies. A buffer is held only while something is in it.
#[expect(clippy::manual_async_fn, reason = "an `async fn` has two places for what it is given")]
pub(super) fn connection<D: Drive + Clone + Unpin, B: Buffering>(
    mut stream: Ring<TcpStream, D, B>,
) -> impl Future<Output = io::Result<()>> {
    async move {
        let (mut reader, mut writer) = Ring::split(&mut stream);
        loop {
            let message = reader.fill_buf().await?;
            if message.is_empty() {
                return Ok(());
            }
            writer.write_all(message).await?;
            let length = message.len();
            reader.consume_unpin(length);
            writer.flush().await?;
        }
    }
}
