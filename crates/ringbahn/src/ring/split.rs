//! [`Ring::split`] and [`Ring::into_split`]: the two directions of a stream socket apart.

use std::error::Error;
use std::fmt;
use std::os::fd::AsFd;

use ringbahn_core::Drive;

use super::Ring;
use super::buffering::{Buffering, Heap};
use super::halves::{OwnedReadHalf, OwnedWriteHalf, ReadHalf, WriteHalf};
use super::object::StreamSocket;
use super::parking::Accepts;

impl<T: StreamSocket, D: Drive + Clone + Unpin, S: Buffering> Ring<T, D, S> {
    /// The half that reads and the half that writes, for two futures of one task.
    ///
    /// They share nothing that would have to be locked. For two tasks there is
    /// [`into_split`](Ring::into_split).
    ///
    /// The trait `futures::AsyncReadExt` has a `split` as well, which takes the handle by value and
    /// comes first where the trait is in scope. `Ring::split(&mut stream)` always is this one.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::os::unix::net::UnixStream;
    /// use ringbahn::{BufResultExt, Ring};
    ///
    /// # fn main() -> std::io::Result<()> {
    /// # if ringbahn::DefaultDriver::shared().is_err() { return Ok(()) }
    /// let (left, right) = UnixStream::pair()?;
    /// let (mut left, right) = (Ring::new(left), Ring::new(right));
    /// futures::executor::block_on(async {
    ///     let (reader, writer) = left.split();
    ///     let greet = async { writer.send_all("hello").await.both() };
    ///     let answer = async {
    ///         let (_count, greeting) = right.recv(Vec::with_capacity(64)).await.both()?;
    ///         right.send_all(greeting).await.both()
    ///     };
    ///     let echo = async { reader.recv(Vec::with_capacity(64)).await.both() };
    ///     let (sent, answered, echo) = futures::join!(greet, answer, echo);
    ///     (sent?, answered?);
    ///     assert_eq!(echo?.1, b"hello");
    ///     Ok(())
    /// })
    /// # }
    /// ```
    pub fn split(&mut self) -> (ReadHalf<'_, T, D>, WriteHalf<'_, T, D>) {
        let Ring { handle, input, writer, .. } = self;
        (ReadHalf { handle, input }, WriteHalf { handle, writer })
    }

    /// The half that reads and the half that writes, for two tasks, also on two threads.
    ///
    /// They share nothing that would have to be locked. What was in flight or buffered stays with
    /// its half. Dropping the writing half ends the writing side of the socket, when all that was
    /// accepted has been sent, so that the peer sees the end of the stream; the reading half goes
    /// on. The socket is closed when both have been dropped.
    ///
    /// A socket in a slot ([`Direct`](crate::Direct)) has no such halves: ending its writing side
    /// is an operation, and a drop can wait for none.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::{io, thread};
    /// use std::os::unix::net::UnixStream;
    /// use futures::executor::block_on;
    /// use ringbahn::{BufResultExt, Ring};
    ///
    /// # fn main() -> io::Result<()> {
    /// # if ringbahn::DefaultDriver::shared().is_err() { return Ok(()) }
    /// let (left, right) = UnixStream::pair()?;
    /// let (reader, writer) = Ring::new(left).into_split();
    /// let sender = thread::spawn(|| -> io::Result<_> {
    ///     block_on(writer.send_all("hello")).both()?;
    ///     Ok(writer)
    /// });
    /// let (_count, greeting) = block_on(Ring::new(right).recv(vec![0; 5])).both()?;
    /// assert_eq!(greeting, b"hello");
    /// let left = reader.reunite(sender.join().unwrap()?)?;
    /// # drop(left);
    /// # Ok(())
    /// # }
    /// ```
    pub fn into_split(self) -> (OwnedReadHalf<T, D, S>, OwnedWriteHalf<T, D>)
    where
        T: AsFd,
    {
        let Ring { handle, input, writer, buffering, .. } = self;
        let reading = OwnedReadHalf { handle: handle.part(), input, buffering };
        (reading, OwnedWriteHalf { handle, writer })
    }
}

impl<T: StreamSocket, D: Drive + Clone + Unpin, S: Buffering> OwnedReadHalf<T, D, S> {
    /// Puts the two halves of one socket together again.
    ///
    /// # Errors
    ///
    /// A [`ReuniteError`] with both halves, where they are not of the same socket.
    #[allow(clippy::result_large_err, reason = "it is as large as what there is otherwise")]
    pub fn reunite(
        self,
        writer: OwnedWriteHalf<T, D>,
    ) -> Result<Ring<T, D, S>, ReuniteError<T, D, S>> {
        if !self.handle.is_same(&writer.handle) {
            return Err(ReuniteError { reader: self, writer });
        }
        let OwnedWriteHalf { handle, writer } = writer;
        handle.join();
        let OwnedReadHalf { input, buffering, .. } = self;
        Ok(Ring { handle, input, writer, accepts: Accepts::new(), seek: None, buffering })
    }
}

/// The error of [`OwnedReadHalf::reunite`]: two halves that do not belong together.
///
/// Becomes an [`io::Error`](std::io::Error) under `?`, which drops both.
pub struct ReuniteError<T: StreamSocket, D: Drive + Unpin, B: Buffering = Heap> {
    /// The half that reads.
    pub reader: OwnedReadHalf<T, D, B>,
    /// The half that writes, of another socket.
    pub writer: OwnedWriteHalf<T, D>,
}

impl<T: StreamSocket, D: Drive + Unpin, S: Buffering> fmt::Display for ReuniteError<T, D, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(STRANGERS)
    }
}

const STRANGERS: &str = "the halves are of two sockets; reunite those of one";

impl<T: StreamSocket, D: Drive + Unpin, S: Buffering> fmt::Debug for ReuniteError<T, D, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReuniteError").finish_non_exhaustive()
    }
}

impl<T: StreamSocket, D: Drive + Unpin, S: Buffering> Error for ReuniteError<T, D, S> {}

impl<T: StreamSocket, D: Drive + Unpin, S: Buffering> From<ReuniteError<T, D, S>>
    for std::io::Error
{
    fn from(_: ReuniteError<T, D, S>) -> std::io::Error {
        std::io::Error::new(std::io::ErrorKind::InvalidInput, STRANGERS)
    }
}
