//! The next item of a stream that the kernel fills: a connection, or a message.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;

use a10::AsyncFd;
use a10::io::ReadBuf;
use a10::net::{MultishotAccept, MultishotRecv};

/// The next connection; `None` if the stream of them has ended.
pub(super) async fn next_connection(
    stream: &mut MultishotAccept<'_>,
) -> Option<io::Result<AsyncFd>> {
    poll_fn(|cx| Pin::new(&mut *stream).poll_next(cx)).await
}

/// The next message; `None` if the stream of them has ended.
pub(super) async fn next_message(stream: &mut MultishotRecv<'_>) -> Option<io::Result<ReadBuf>> {
    poll_fn(|cx| Pin::new(&mut *stream).poll_next(cx)).await
}
