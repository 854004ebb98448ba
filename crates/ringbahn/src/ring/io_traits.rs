//! The traits of futures-io: `AsyncRead`, `AsyncBufRead`, `AsyncWrite` and `AsyncSeek`.

use std::fs::File;
use std::io::{self, IoSlice, IoSliceMut, SeekFrom};
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_io::{AsyncBufRead, AsyncRead, AsyncSeek, AsyncWrite};
use ringbahn_core::Drive;

use super::Ring;
use super::buffering::Buffering;
use super::halves::{OwnedReadHalf, OwnedWriteHalf, ReadHalf, WriteHalf};
use super::object::{Readable, StreamSocket, Writable};
use super::poll::{ReadSide, WriteSide};

/// The traits of what reads. As in
/// `reading!(#[doc = "…"] [T: Readable, S: Buffering] Ring<T, D, S>)`.
macro_rules! reading {
    ($(#[$doc:meta])* [$($object:tt)*] $handle:ty) => {
        $(#[$doc])*
        impl<$($object)*, D: Drive + Clone + Unpin> AsyncRead for $handle {
            fn poll_read(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buf: &mut [u8],
            ) -> Poll<io::Result<usize>> {
                self.get_mut().poll_read_one(buf, cx)
            }

            fn poll_read_vectored(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                bufs: &mut [IoSliceMut<'_>],
            ) -> Poll<io::Result<usize>> {
                self.get_mut().poll_read_parts(bufs, cx)
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

reading! {
    /// Reads run on the driver, into a buffer of the handle.
    ///
    /// Of a stream socket what has arrived already is received straight into the caller's buffer,
    /// where the driver serves such things at once. No more than 2 KiB, or nothing at all where
    /// messages are longer, come by way of the handle's buffer then.
    ///
    /// Of a file no more is read than the caller has asked for, so the file's position is where the
    /// reader is; `fill_buf` reads 8 KiB ahead. One read moves at most 128 KiB.
    ///
    /// # Cancel safety
    ///
    /// Reading is cancel safe: the operation in flight and what it brings belong to the handle, and
    /// the next read gets it.
    [T: Readable, S: Buffering] Ring<T, D, S>
}

reading! {
    /// As for a [`Ring`].
    [T: StreamSocket] ReadHalf<'_, T, D>
}

reading! {
    /// As for a [`Ring`].
    [T: StreamSocket, S: Buffering] OwnedReadHalf<T, D, S>
}

/// The trait of what writes. As in
/// `writing!(#[doc = "…"] [T: Writable, S: Buffering] Ring<T, D, S>)`.
macro_rules! writing {
    ($(#[$doc:meta])* [$($object:tt)*] $handle:ty) => {
        $(#[$doc])*
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

            fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                self.get_mut().poll_written(cx)
            }

            fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                self.get_mut().poll_end(cx)
            }
        }
    };
}

writing! {
    /// Writes are write-behind: `write` copies the bytes, at most 128 KiB, starts the operation,
    /// and is done. There is one write in flight at a time, and the next one waits for it. What a
    /// stream socket has room for is sent straight from the caller's buffer, where the driver
    /// serves such things at once, and is not in flight at all.
    ///
    /// An error that comes later is reported once, by the next `write`, `flush`, `close` or `seek`.
    /// `flush` waits until everything has been given to the file or the socket; it does not wait
    /// for the disk, see [`sync_all`](Ring::sync_all). `close` flushes, and tells the peer of a
    /// socket that nothing more will come; that of a pipe learns it when the handle is dropped, or
    /// taken by [`Ring::close`].
    ///
    /// # Cancel safety
    ///
    /// Writing is cancel safe: a `write` that has not returned has accepted nothing, and what it
    /// has accepted is written whole and in order, also if the handle is dropped.
    [T: Writable, S: Buffering] Ring<T, D, S>
}

writing! {
    /// As for a [`Ring`].
    [T: StreamSocket] WriteHalf<'_, T, D>
}

writing! {
    /// As for a [`Ring`].
    [T: StreamSocket] OwnedWriteHalf<T, D>
}

/// The position moves when a read has ended and when a write begins. After a write that has failed
/// it is where the write began; how much of it was written is not known.
///
/// A seek waits for the write in flight, and takes what was read ahead as not read.
///
/// The system call itself is made at once, by the calling thread: it changes a number in memory.
/// Only `SeekFrom::End` on a network file system may ask a server.
///
/// # Cancel safety
///
/// Seeking is cancel safe: a `seek` that has not returned has not moved the position.
impl<D: Drive + Clone + Unpin, S: Buffering> AsyncSeek for Ring<File, D, S> {
    fn poll_seek(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pos: SeekFrom,
    ) -> Poll<io::Result<u64>> {
        self.get_mut().poll_seek_to(pos, cx)
    }
}
