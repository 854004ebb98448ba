//! The poll functions of a handle, upon which the traits of three crates are implemented.
//!
//! | traits of | in | with the feature |
//! |---|---|---|
//! | futures-io | [`io_traits`](super::io_traits) | – |
//! | tokio | `tokio_traits` | `tokio` |
//! | hyper | `hyper_traits` | `hyper` |

use std::fs::File;
use std::io::{self, IoSlice, Seek, SeekFrom};
use std::task::{Context, Poll, ready};

use ringbahn_core::Drive;

use super::Ring;
use super::object::Transfer;
use super::reader::READ_AHEAD;
use super::slot::get_mut;

impl<T: Transfer, D: Drive + Clone + Unpin> Ring<T, D> {
    /// Waits until there are unread bytes, or the end. Where nothing is in flight a read of at most
    /// `wanted` bytes is started.
    fn poll_fill(&mut self, wanted: usize, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_sought(cx))?;
        let reader = get_mut(&mut self.reader);
        if reader.is_idle() {
            let writer = get_mut(&mut self.writer);
            // A read behind a write begins where the write ends.
            if T::POSITIONED && !writer.is_idle() && self.handle.has_position() {
                ready!(writer.poll_idle(&self.handle, cx));
            }
            if let Some(inbox) = self.inbox.get() {
                ready!(inbox.poll_settled(cx)).into_iter().for_each(|kept| reader.append(kept));
            }
        }
        reader.poll_fill(&self.handle, wanted, cx)
    }

    /// Waits until there are bytes, and has `wanted` of them copied, or as many as there are. At
    /// the end of the stream, or where none are wanted, that is none.
    pub(super) fn poll_copy(
        &mut self,
        wanted: usize,
        cx: &mut Context<'_>,
        copy: impl FnOnce(&[u8]),
    ) -> Poll<io::Result<usize>> {
        if wanted == 0 {
            return Poll::Ready(Ok(0));
        }
        ready!(self.poll_fill(wanted, cx))?;
        let reader = get_mut(&mut self.reader);
        let unread = reader.unread();
        let count = wanted.min(unread.len());
        copy(&unread[..count]);
        reader.consume(count);
        Poll::Ready(Ok(count))
    }

    /// Waits until there are unread bytes, or the end, and lets the caller see them.
    pub(super) fn poll_unread(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        ready!(self.poll_fill(READ_AHEAD, cx))?;
        Poll::Ready(Ok(get_mut(&mut self.reader).unread()))
    }

    /// Takes the first `count` of the unread bytes as read.
    pub(super) fn consume_unread(&mut self, count: usize) {
        get_mut(&mut self.reader).consume(count);
    }

    /// Takes it that what has been read ahead has not been read, where reads and writes share a
    /// position.
    fn poll_rewound(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let reader = get_mut(&mut self.reader);
        if T::POSITIONED && !reader.is_idle() && self.handle.has_position() {
            ready!(reader.poll_stop(cx));
            reader.rewind(self.handle.object())?;
        }
        Poll::Ready(Ok(()))
    }

    /// Accepts as many bytes of `parts` as are copied at once.
    pub(super) fn poll_write_parts(
        &mut self,
        parts: &[IoSlice<'_>],
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_sought(cx))?;
        ready!(self.poll_rewound(cx))?;
        get_mut(&mut self.writer).poll_write(&self.handle, parts, cx)
    }

    /// Waits until nothing that was written is in flight, and tells whether it has failed.
    pub(super) fn poll_written(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        get_mut(&mut self.writer).poll_flush(&self.handle, cx)
    }

    /// As [`poll_written`](Ring::poll_written), and tells the other side that nothing more will
    /// come.
    pub(super) fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_written(cx))?;
        Poll::Ready(self.handle.object().end_writing())
    }

    /// Does the seek that was asked for and has not been done, if there is one.
    fn poll_sought(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if T::POSITIONED && self.seek.is_some() {
            ready!(self.poll_at_rest(cx))?;
            if let Some(position) = self.seek.take() {
                self.handle.object().seek_to(position)?;
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Waits until the position stands still, where the caller believes it to be.
    fn poll_at_rest(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_written(cx))?;
        self.poll_rewound(cx)
    }
}

impl<D: Drive + Clone + Unpin> Ring<File, D> {
    /// Moves the position as soon as it stands still.
    pub(super) fn poll_seek_to(
        &mut self,
        position: SeekFrom,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<u64>> {
        ready!(self.poll_sought(cx))?;
        ready!(self.poll_at_rest(cx))?;
        let mut file = self.handle.object();
        Poll::Ready(file.seek(position))
    }
}
