//! [`Source`] and [`Sink`]: what bytes are copied from and to without a buffer in between.

use std::io;
use std::task::{Context, Poll, ready};

use ringbahn_core::Drive;

use super::Ring;
use super::buffering::{Buffer, Buffering};
use super::halves::{OwnedReadHalf, OwnedWriteHalf, ReadHalf, WriteHalf};
use super::object::{Readable, StreamSocket, Writable};
use super::poll::{ReadSide, WriteSide};

/// What [`copy`](crate::io::copy) reads from: a [`Ring`] of something that can be read, and the
/// reading halves of one. It cannot be implemented for others.
pub trait Source: private::Source {}

/// What [`copy`](crate::io::copy) writes to: a [`Ring`] of something that can be written, and the
/// writing halves of one. It cannot be implemented for others.
pub trait Sink: private::Sink {}

/// How many bytes are read at once for a copy. So much, twice, is what each direction holds.
const PIECE: usize = 64 * 1024;

pub(crate) mod private {
    use super::{Context, Poll, io};

    /// How bytes are taken from a handle. They stay with it until somebody else has them.
    pub trait Source {
        /// Waits for bytes. `false` at the end.
        fn poll_bytes(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<bool>>;

        /// Takes the bytes that have arrived.
        fn take_bytes(&mut self) -> Vec<u8>;

        /// Gives bytes back that were taken last.
        fn put_back(&mut self, bytes: Vec<u8>);

        /// Gives a buffer for the next read, while nothing has arrived and none is in flight.
        fn lend(&mut self, buffer: Vec<u8>);
    }

    /// How bytes are given to a handle.
    pub trait Sink {
        /// Waits until the write before has ended, and tells whether one has failed.
        fn poll_idle(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

        /// The buffer of the write before.
        fn take_spare(&mut self) -> Vec<u8>;

        /// Starts to write. Gives back the bytes that there is no room for at the moment; the task
        /// is woken then.
        fn start(&mut self, bytes: Vec<u8>, cx: &mut Context<'_>) -> io::Result<Option<Vec<u8>>>;

        /// Waits until all is written, and tells whether a write has failed.
        fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

        /// Tells the other side, if there is one, that nothing more will be written.
        fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;
    }
}

/// The reading side of a handle. As in `source!([T: Readable] Ring<T, D>)`.
macro_rules! source {
    ([$($object:tt)*] $handle:ty) => {
        impl<$($object)*, D: Drive + Clone + Unpin> Source for $handle {}

        impl<$($object)*, D: Drive + Clone + Unpin> private::Source for $handle {
            fn poll_bytes(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<bool>> {
                ready!(self.poll_fill(PIECE, cx))?;
                Poll::Ready(Ok(!self.input.reader().unread().is_empty()))
            }

            fn take_bytes(&mut self) -> Vec<u8> {
                self.input.reader().take_unread()
            }

            fn put_back(&mut self, bytes: Vec<u8>) {
                self.input.reader().put_back(bytes);
            }

            fn lend(&mut self, buffer: Vec<u8>) {
                self.input.reader().lend(buffer);
            }
        }
    };
}

source!([T: Readable, S: Buffering] Ring<T, D, S>);
source!([T: StreamSocket] ReadHalf<'_, T, D>);
source!([T: StreamSocket, S: Buffering] OwnedReadHalf<T, D, S>);

/// The writing side of a handle. As in `sink!([T: Writable] Ring<T, D>)`.
macro_rules! sink {
    ([$($object:tt)*] $handle:ty) => {
        impl<$($object)*, D: Drive + Clone + Unpin> Sink for $handle {}

        impl<$($object)*, D: Drive + Clone + Unpin> private::Sink for $handle {
            fn poll_idle(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                ready!(self.poll_before_write(cx))?;
                let (handle, writer) = self.writing();
                ready!(writer.poll_idle(handle, cx));
                Poll::Ready(writer.take_error())
            }

            fn take_spare(&mut self) -> Vec<u8> {
                self.writing().1.take_spare()
            }

            fn start(
                &mut self,
                bytes: Vec<u8>,
                cx: &mut Context<'_>,
            ) -> io::Result<Option<Vec<u8>>> {
                let (handle, writer) = self.writing();
                let left = writer.start(handle, bytes.into(), cx)?;
                Ok(left.map(Buffer::into_vec))
            }

            fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                self.poll_written(cx)
            }

            fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                WriteSide::poll_end(self, cx)
            }
        }
    };
}

sink!([T: Writable, S: Buffering] Ring<T, D, S>);
sink!([T: StreamSocket] WriteHalf<'_, T, D>);
sink!([T: StreamSocket] OwnedWriteHalf<T, D>);
