//! The poll traits of [`Ring`]: `AsyncRead`, `AsyncBufRead`, `AsyncWrite` and `AsyncSeek`.

use std::fs::File;
use std::io::{self, IoSlice, IoSliceMut, Seek, SeekFrom};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_io::{AsyncBufRead, AsyncRead, AsyncSeek, AsyncWrite};
use ringbahn_core::Drive;

use super::Ring;
use super::object::{Object, Readable, Writable};
use super::slot::get_mut;

impl<T: Readable, D: Drive + Clone + Unpin> Ring<T, D> {
    /// Waits until a read begins where it must: behind the write before it.
    pub(crate) fn poll_before_read(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if T::POSITIONED && self.input.reader().is_idle() {
            let writer = get_mut(&mut self.writer);
            if !writer.is_idle() && self.handle.has_position() {
                ready!(writer.poll_idle(&self.handle, cx));
            }
        }
        Poll::Ready(())
    }
}

impl<T: Object, D: Drive + Clone + Unpin> Ring<T, D> {
    /// Takes it that what has been read ahead has not been read, where reads and writes share a
    /// position.
    pub(crate) fn poll_unread(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let reader = self.input.reader();
        if T::POSITIONED && !reader.is_idle() && self.handle.has_position() {
            ready!(reader.poll_stop(cx));
            reader.rewind(self.handle.object())?;
        }
        Poll::Ready(Ok(()))
    }
}

impl<T: Writable, D: Drive + Clone + Unpin> Ring<T, D> {
    fn poll_write_parts(
        &mut self,
        parts: &[IoSlice<'_>],
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_unread(cx))?;
        get_mut(&mut self.writer).poll_write(&self.handle, parts, cx)
    }
}

/// Reads run on the driver, into a buffer of the handle.
///
/// Of a file no more is read than the caller has asked for, so the file's position is where the
/// reader is; `fill_buf` reads 8 KiB ahead. One read moves at most 128 KiB.
///
/// # Cancel safety
///
/// Reading is cancel safe: the operation in flight and what it brings belong to the handle, and
/// the next read gets it.
impl<T: Readable, D: Drive + Clone + Unpin> AsyncRead for Ring<T, D> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_read_vectored(cx, &mut [IoSliceMut::new(buf)])
    }

    fn poll_read_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        ready!(this.poll_before_read(cx));
        this.input.poll_read(&this.handle, bufs, cx)
    }
}

/// # Cancel safety
///
/// Reading is cancel safe: the operation in flight and what it brings belong to the handle, and
/// the next read gets it.
impl<T: Readable, D: Drive + Clone + Unpin> AsyncBufRead for Ring<T, D> {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let this = self.get_mut();
        ready!(this.poll_before_read(cx));
        this.input.poll_fill_buf(&this.handle, cx)
    }

    fn consume(self: Pin<&mut Self>, amt: usize) {
        self.get_mut().input.reader().consume(amt);
    }
}

/// Writes are write-behind: `write` copies the bytes, at most 128 KiB, starts the operation, and
/// is done. There is one write in flight at a time, and the next one waits for it.
///
/// An error that comes later is reported once, by the next `write`, `flush`, `close` or `seek`.
/// `flush` waits until everything has been given to the file or the socket; it does not wait for
/// the disk, see [`sync_all`](Ring::sync_all). `close` flushes, and tells the peer of a socket
/// that nothing more will come; that of a pipe learns it when the handle is dropped, or taken by
/// [`Ring::close`].
///
/// # Cancel safety
///
/// Writing is cancel safe: a `write` that has not returned has accepted nothing, and what it has
/// accepted is written whole and in order, also if the handle is dropped.
impl<T: Writable, D: Drive + Clone + Unpin> AsyncWrite for Ring<T, D> {
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
        let this = self.get_mut();
        get_mut(&mut this.writer).poll_flush(&this.handle, cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(get_mut(&mut this.writer).poll_flush(&this.handle, cx))?;
        Poll::Ready(this.handle.object().end_writing())
    }
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
impl<D: Drive + Clone + Unpin> AsyncSeek for Ring<File, D> {
    fn poll_seek(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pos: SeekFrom,
    ) -> Poll<io::Result<u64>> {
        let this = self.get_mut();
        ready!(get_mut(&mut this.writer).poll_flush(&this.handle, cx))?;
        ready!(this.poll_unread(cx))?;
        let mut file = this.handle.object();
        Poll::Ready(file.seek(pos))
    }
}
