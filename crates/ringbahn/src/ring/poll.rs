//! The poll functions of handles and their halves, upon which the traits of three crates sit.
//!
//! | traits of | in | with the feature |
//! |---|---|---|
//! | futures-io | [`io_traits`](super::io_traits) | – |
//! | tokio | `tokio_traits` | `tokio` |
//! | hyper | `hyper_traits` | `hyper` |

use std::fs::File;
use std::io::{self, IoSlice, IoSliceMut, Seek, SeekFrom};
use std::task::{Context, Poll, ready};

use ringbahn_core::Drive;

use super::Ring;
use super::buffering::Buffering;
use super::halves::{OwnedReadHalf, OwnedWriteHalf, ReadHalf, WriteHalf};
use super::input::Input;
use super::object::{Object, Readable, StreamSocket, Writable};
use super::reader::READ_AHEAD;
use super::share::Handle;
use super::slot::get_mut;
use super::writer::Writer;

/// A handle's share in the object, and one of its sides.
type Parts<'a, T, D, S> = (&'a Handle<T, D>, &'a mut S);

/// What reads with poll functions: a handle, or a half that reads.
pub(crate) trait ReadSide {
    type Object: Readable;
    type Driver: Drive + Clone + Unpin;

    /// Waits until a read begins where it must.
    fn poll_before_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    fn reading(&mut self) -> Parts<'_, Self::Object, Self::Driver, Input<Self::Driver>>;

    /// Waits until there are unread bytes, or the end. Where nothing is in flight a read of at most
    /// `wanted` bytes is started.
    fn poll_fill(&mut self, wanted: usize, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_before_read(cx))?;
        let (handle, input) = self.reading();
        input.poll_fill(handle, wanted, cx)
    }

    /// Waits until there are bytes, and has `wanted` of them copied, or as many as there are. At
    /// the end of the stream, or where none are wanted, that is none.
    fn poll_copy(
        &mut self,
        wanted: usize,
        cx: &mut Context<'_>,
        copy: impl FnOnce(&[u8]),
    ) -> Poll<io::Result<usize>> {
        if wanted == 0 {
            return Poll::Ready(Ok(0));
        }
        ready!(self.poll_fill(wanted, cx))?;
        let reader = self.reading().1.reader();
        let unread = reader.unread();
        let count = wanted.min(unread.len());
        copy(&unread[..count]);
        reader.consume(count);
        Poll::Ready(Ok(count))
    }

    /// Waits until there are bytes, and reads as many into `bufs` as there are and have room. At
    /// the end of the stream, or where there is no room, that is none.
    fn poll_read_parts(
        &mut self,
        bufs: &mut [IoSliceMut<'_>],
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        let mut with_room = bufs.iter_mut().filter(|buf| !buf.is_empty());
        if let (Some(buf), None) = (with_room.next(), with_room.next()) {
            return self.poll_read_one(buf, cx);
        }
        let wanted = bufs.iter().map(|buf| buf.len()).fold(0, usize::saturating_add);
        self.poll_copy(wanted, cx, |mut bytes| {
            for buf in bufs {
                let (head, tail) = bytes.split_at(buf.len().min(bytes.len()));
                buf[..head.len()].copy_from_slice(head);
                bytes = tail;
            }
        })
    }

    /// The same for one buffer, which a socket may be received into straight.
    fn poll_read_one(&mut self, buf: &mut [u8], cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if buf.is_empty() {
            return Poll::Ready(Ok(0));
        }
        ready!(self.poll_before_read(cx))?;
        let (handle, input) = self.reading();
        input.poll_receive(handle, buf, cx)
    }

    /// Waits until there are unread bytes, or the end, and lets the caller see them.
    fn poll_unread(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        ready!(self.poll_fill(READ_AHEAD, cx))?;
        Poll::Ready(Ok(self.reading().1.reader().unread()))
    }

    /// Takes the first `count` of the unread bytes as read.
    fn consume_unread(&mut self, count: usize) {
        self.reading().1.reader().consume(count);
    }
}

/// What writes with poll functions: a handle, or a half that writes.
pub(crate) trait WriteSide {
    type Object: Writable;
    type Driver: Drive + Clone + Unpin;

    /// Waits until a write begins where it must.
    fn poll_before_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    fn writing(&mut self) -> Parts<'_, Self::Object, Self::Driver, Writer<Self::Driver>>;

    /// Accepts as many bytes of `parts` as are sent straight, and as are copied of the rest.
    fn poll_write_parts(
        &mut self,
        parts: &[IoSlice<'_>],
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_before_write(cx))?;
        let (handle, writer) = self.writing();
        writer.poll_write(handle, parts, cx)
    }

    /// Waits until nothing that was written is in flight, and tells whether it has failed.
    fn poll_written(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let (handle, writer) = self.writing();
        writer.poll_flush(handle, cx)
    }

    /// As [`poll_written`](WriteSide::poll_written), and tells the other side that nothing more
    /// will come.
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_written(cx))?;
        let (handle, writer) = self.writing();
        writer.poll_end(handle, cx)
    }
}

impl<T: Readable, D: Drive + Clone + Unpin, S: Buffering> ReadSide for Ring<T, D, S> {
    type Object = T;
    type Driver = D;

    /// A read comes after the seek that was asked for, and behind the write before it.
    fn poll_before_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_sought(cx))?;
        if T::POSITIONED && self.input.reader().is_idle() {
            let writer = get_mut(&mut self.writer);
            if !writer.is_idle() && self.handle.has_position() {
                ready!(writer.poll_idle(&self.handle, cx));
            }
        }
        Poll::Ready(Ok(()))
    }

    fn reading(&mut self) -> Parts<'_, T, D, Input<D>> {
        (&self.handle, &mut self.input)
    }
}

impl<T: Writable, D: Drive + Clone + Unpin, S: Buffering> WriteSide for Ring<T, D, S> {
    type Object = T;
    type Driver = D;

    /// A write comes after the seek that was asked for, and begins where the reader is.
    fn poll_before_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_sought(cx))?;
        self.poll_rewound(cx)
    }

    fn writing(&mut self) -> Parts<'_, T, D, Writer<D>> {
        (&self.handle, get_mut(&mut self.writer))
    }
}

impl<T: Object, D: Drive + Clone + Unpin, S: Buffering> Ring<T, D, S> {
    /// Takes it that what has been read ahead has not been read, where reads and writes share a
    /// position.
    fn poll_rewound(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let reader = self.input.reader();
        if T::POSITIONED && !reader.is_idle() && self.handle.has_position() {
            ready!(reader.poll_stop(cx));
            reader.rewind(self.handle.object())?;
        }
        Poll::Ready(Ok(()))
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
        ready!(get_mut(&mut self.writer).poll_flush(&self.handle, cx))?;
        self.poll_rewound(cx)
    }
}

impl<D: Drive + Clone + Unpin, S: Buffering> Ring<File, D, S> {
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

/// A half that reads: there is nothing its reads must come after. As in
/// `reading_half!([S: Buffering] OwnedReadHalf<T, D, S>)`.
macro_rules! reading_half {
    ([$($more:tt)*] $half:ty) => {
        impl<T: StreamSocket, D: Drive + Clone + Unpin, $($more)*> ReadSide for $half {
            type Object = T;
            type Driver = D;

            fn poll_before_read(&mut self, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                Poll::Ready(Ok(()))
            }

            fn reading(&mut self) -> Parts<'_, T, D, Input<D>> {
                (&self.handle, &mut self.input)
            }
        }
    };
}

reading_half!([] ReadHalf<'_, T, D>);
reading_half!([S: Buffering] OwnedReadHalf<T, D, S>);

/// A half that writes: there is nothing its writes must come after. As in
/// `writing_half!(OwnedWriteHalf<T, D>)`.
macro_rules! writing_half {
    ($half:ty) => {
        impl<T: StreamSocket, D: Drive + Clone + Unpin> WriteSide for $half {
            type Object = T;
            type Driver = D;

            fn poll_before_write(&mut self, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                Poll::Ready(Ok(()))
            }

            fn writing(&mut self) -> Parts<'_, T, D, Writer<D>> {
                (&self.handle, get_mut(&mut self.writer))
            }
        }
    };
}

writing_half!(WriteHalf<'_, T, D>);
writing_half!(OwnedWriteHalf<T, D>);
