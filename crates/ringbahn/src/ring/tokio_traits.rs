//! The traits of tokio: `AsyncRead`, `AsyncBufRead`, `AsyncWrite` and `AsyncSeek`.

use std::fs::File;
use std::io::{self, IoSlice, SeekFrom};
use std::pin::Pin;
use std::task::{Context, Poll};

use ringbahn_core::Drive;
use tokio::io::{AsyncBufRead, AsyncRead, AsyncSeek, AsyncWrite, ReadBuf};

use super::Ring;
use super::buffering::Buffering;
use super::halves::{OwnedReadHalf, OwnedWriteHalf, ReadHalf, WriteHalf};
use super::object::{Readable, StreamSocket, Writable};
use super::poll::{ReadSide, WriteSide};

/// The traits of what reads. As in `reading!([T: Readable, S: Buffering] Ring<T, D, S>)`.
macro_rules! reading {
    ([$($object:tt)*] $handle:ty) => {
        /// As the trait of the same name of futures-io. No runtime of tokio is needed.
        ///
        /// # Cancel safety
        ///
        /// Reading is cancel safe: the operation in flight and what it brings belong to the handle,
        /// and the next read gets it.
        impl<$($object)*, D: Drive + Clone + Unpin> AsyncRead for $handle {
            fn poll_read(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buf: &mut ReadBuf<'_>,
            ) -> Poll<io::Result<()>> {
                if buf.initialized().len() == buf.capacity() {
                    // To have it is to clear nothing.
                    let polled = self.get_mut().poll_read_one(buf.initialize_unfilled(), cx);
                    return polled.map_ok(|count| buf.advance(count));
                }
                let wanted = buf.remaining();
                self.get_mut().poll_copy(wanted, cx, |bytes| buf.put_slice(bytes)).map_ok(drop)
            }
        }

        /// # Cancel safety
        ///
        /// Reading is cancel safe: the operation in flight and what it brings belong to the handle,
        /// and the next read gets it.
        impl<$($object)*, D: Drive + Clone + Unpin> AsyncBufRead for $handle {
            fn poll_fill_buf(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
            ) -> Poll<io::Result<&[u8]>> {
                self.get_mut().poll_unread(cx)
            }

            fn consume(self: Pin<&mut Self>, amt: usize) {
                self.get_mut().consume_unread(amt);
            }
        }
    };
}

reading!([T: Readable, S: Buffering] Ring<T, D, S>);
reading!([T: StreamSocket] ReadHalf<'_, T, D>);
reading!([T: StreamSocket, S: Buffering] OwnedReadHalf<T, D, S>);

/// The trait of what writes. As in `writing!([T: Writable, S: Buffering] Ring<T, D, S>)`.
macro_rules! writing {
    ([$($object:tt)*] $handle:ty) => {
        /// As the trait of the same name of futures-io: write-behind, so `flush` or `shutdown`
        /// before you believe it. `shutdown` is what is called `close` there.
        ///
        /// # Cancel safety
        ///
        /// Writing is cancel safe: a `write` that has not returned has accepted nothing, and what
        /// it has accepted is written whole and in order, also if the handle is dropped.
        impl<$($object)*, D: Drive + Clone + Unpin> AsyncWrite for $handle {
            fn poll_write(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buf: &[u8],
            ) -> Poll<io::Result<usize>> {
                self.get_mut().poll_write_parts(&[IoSlice::new(buf)], cx)
            }

            fn poll_write_vectored(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                bufs: &[IoSlice<'_>],
            ) -> Poll<io::Result<usize>> {
                self.get_mut().poll_write_parts(bufs, cx)
            }

            fn is_write_vectored(&self) -> bool {
                true
            }

            fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                self.get_mut().poll_written(cx)
            }

            fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                self.get_mut().poll_end(cx)
            }
        }
    };
}

writing!([T: Writable, S: Buffering] Ring<T, D, S>);
writing!([T: StreamSocket] WriteHalf<'_, T, D>);
writing!([T: StreamSocket] OwnedWriteHalf<T, D>);

/// As the trait of the same name of futures-io.
///
/// # Cancel safety
///
/// Seeking is cancel safe where it is done with tokio's `seek`: one that has not returned has not
/// moved the position. A seek that was begun with `start_seek` is done in any case, by
/// `poll_complete` or before the next read, write or seek.
impl<D: Drive + Clone + Unpin, S: Buffering> AsyncSeek for Ring<File, D, S> {
    fn start_seek(self: Pin<&mut Self>, position: SeekFrom) -> io::Result<()> {
        let this = self.get_mut();
        if this.seek.is_some() {
            let reason = "a seek was started before and has not been completed: poll it first";
            return Err(io::Error::other(reason));
        }
        this.seek = Some(position);
        Ok(())
    }

    fn poll_complete(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<u64>> {
        // Any seek that was started comes first; the position is where it has led.
        self.get_mut().poll_seek_to(SeekFrom::Current(0), cx)
    }
}
