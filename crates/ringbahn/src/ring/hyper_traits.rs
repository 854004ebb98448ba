//! The IO traits of hyper: `Read` and `Write`. A connection of hyper wants both of one value, so
//! there is nothing a half could be used for.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::rt::{Read, ReadBufCursor, Write};
use ringbahn_core::Drive;

use super::Ring;
use super::buffering::Buffering;
use super::object::{Readable, Writable};
use super::poll::{ReadSide, WriteSide};

/// As `AsyncRead` of futures-io.
///
/// # Cancel safety
///
/// Reading is cancel safe: the operation in flight and what it brings belong to the handle, and
/// the next read gets it.
impl<T: Readable, D: Drive + Clone + Unpin, S: Buffering> Read for Ring<T, D, S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let wanted = buf.remaining();
        self.get_mut().poll_copy(wanted, cx, |bytes| buf.put_slice(bytes)).map_ok(drop)
    }
}

/// As `AsyncWrite` of futures-io. hyper flushes what it has written before it waits for the peer.
///
/// # Cancel safety
///
/// Writing is cancel safe: what was accepted is written whole and in order, also if the handle is
/// dropped.
impl<T: Writable, D: Drive + Clone + Unpin, S: Buffering> Write for Ring<T, D, S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.get_mut().poll_write_parts(&[IoSlice::new(buf)], cx)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().poll_written(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().poll_end(cx)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.get_mut().poll_write_parts(bufs, cx)
    }
}
