//! [`Ring`]: an IO object of std whose IO runs on a driver.
//!
//! | part | what it holds |
//! |---|---|
//! | [`share`] | the object, shared with the operations on it, and the driver |
//! | [`reader`] | the read in flight, and the bytes that have arrived |
//! | [`writer`] | the write in flight behind its caller |
//! | [`slot`] | what both have in common: one operation, and who waits for it |
//! | [`poll`] | the poll functions of all traits, made of reader and writer |
//! | [`inbox`], [`receive`] | receives into the caller's buffer, and what abandoned ones brought |
//! | [`input`] | the reader and the inbox together: all that reading needs |
//! | [`seldom`] | what few handles need, apart from them |
//! | [`buffering`] | where the buffers of reader and writer come from |
//! | [`parking`] | accepts that nobody waits for at the moment |
//! | [`message`], [`socket_options`] | what travels beside the bytes, and the options of sockets |
//! | [`direct`], [`direct_listener`] | objects in slots of the ring, listeners among them |
//! | [`slot_listener`], [`slot_accepts`], [`slot_connections`] | how connections get into slots |
//! | [`cancel_all`] | the end of all that is in flight |
//!
//! The poll functions have the handle to themselves, so they lock nothing. The methods that take
//! `&self` lock a part for a moment, never while a driver, a waker or an event is called.

use std::fmt;
use std::future::poll_fn;
use std::io::{self, SeekFrom};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Mutex;

use ringbahn_core::{Drive, event};

use crate::driver::DefaultDriver;

pub(crate) mod buffering;
mod cancel_all;
pub(crate) mod direct;
mod direct_listener;
mod file;
mod file_space;
pub(crate) mod halves;
#[cfg(feature = "hyper")]
mod hyper_traits;
mod inbox;
mod input;
mod into_inner;
mod io_traits;
mod listener;
pub(crate) mod message;
pub(crate) mod object;
mod parking;
mod poll;
mod reader;
pub(crate) mod receive;
pub(crate) mod reception;
mod seldom;
mod share;
mod slot;
pub(crate) mod slot_accepts;
pub(crate) mod slot_connections;
pub(crate) mod slot_listener;
mod socket_options;
mod split;
mod stream;
#[cfg(feature = "tokio")]
mod tokio_traits;
pub(crate) mod transfer;
mod udp;
mod unix_datagram;
pub(crate) mod waiters;
mod writer;

use buffering::{Buffering, Heap};
use input::Input;
pub use into_inner::IntoInnerError;
pub use listener::Incoming;
use object::Object;
use parking::Accepts;
use share::Handle;
use slot::poll_settled;
pub use split::ReuniteError;
use writer::Writer;

/// An IO object of std whose IO runs on a driver.
///
/// It works on any executor, and its futures are `Send`. With nothing said the driver is the one of
/// the process, [`DefaultDriver`]; the functions named `…_on_driver` take another.
///
/// There are two ways to do IO, which may be mixed:
///
/// - The traits of `futures-io` with borrowed buffers: `AsyncRead`, `AsyncBufRead`, `AsyncWrite`
///   and `AsyncSeek`; with features those of tokio and hyper as well. What has to wait goes through
///   a buffer of the handle, since a borrowed one cannot be left with the kernel; what a stream
///   socket has is received straight into the caller's, and what it has room for is sent straight
///   from there. One read and one write at a time.
/// - Methods with owned buffers, which take `&self`, may run at the same time and copy nothing:
///   [`read_at`](Ring::read_at), [`write_at`](Ring::write_at), [`recv`](Ring::recv),
///   [`send`](Ring::send), …
///
/// # What it holds
///
/// | object | traits | owned buffers |
/// |---|---|---|
/// | [`File`](std::fs::File) | read, write, seek | `read_at`, `write_at`, and their like |
/// | [`TcpStream`](std::net::TcpStream), [`UnixStream`] | read, write | `recv`, `send`, `peek`, …; [halves](Ring::split) |
/// | [`TcpListener`](std::net::TcpListener), [`UnixListener`] | – | yields connections: [`accept`](Ring::accept), [`incoming`](Ring::incoming) |
/// | [`UdpSocket`](std::net::UdpSocket), [`UnixDatagram`] | – | `recv`, `recv_from`, `send`, `send_to`, `peek`, … |
/// | [`PipeReader`](std::io::PipeReader), [`Stdin`](std::io::Stdin), [`ChildStdout`], [`ChildStderr`] | read | – |
/// | [`PipeWriter`](std::io::PipeWriter), [`Stdout`](std::io::Stdout), [`Stderr`](std::io::Stderr), [`ChildStdin`] | write | – |
///
/// Files, stream sockets, listeners and pipes may as well be in slots of the driver's ring instead
/// of descriptors of the process: a `Ring` of [`Direct`](crate::Direct) does the same, but for what
/// needs a descriptor. [`put_into_slot`](Ring::put_into_slot) moves one there that has a
/// descriptor.
///
/// From one to another of any kind [`io::copy`](crate::io::copy) copies.
///
/// [`UnixStream`]: std::os::unix::net::UnixStream
/// [`UnixListener`]: std::os::unix::net::UnixListener
/// [`UnixDatagram`]: std::os::unix::net::UnixDatagram
/// [`ChildStdin`]: std::process::ChildStdin
/// [`ChildStdout`]: std::process::ChildStdout
/// [`ChildStderr`]: std::process::ChildStderr
///
/// # Examples
///
/// ```
/// use std::{fs::File, io};
/// use futures::io::AsyncReadExt;
/// use ringbahn::Ring;
///
/// async fn read_on_ringbahn(file: File, buf: &mut [u8]) -> io::Result<usize> {
///     let mut file: Ring<File> = Ring::new(file);
///     file.read(buf).await
/// }
///
/// # fn main() -> io::Result<()> {
/// # if ringbahn::DefaultDriver::shared().is_err() { return Ok(()) }
/// let file = File::open("/dev/zero")?;
/// let mut buf = [1; 64];
/// assert_eq!(futures::executor::block_on(read_on_ringbahn(file, &mut buf))?, 64);
/// assert_eq!(buf, [0; 64]);
/// # Ok(())
/// # }
/// ```
///
/// # Pipes and standard streams
///
/// Both ends of a pipe are made by [`std::io::pipe`], or are those of a child process. A write that
/// nobody will read fails with `BrokenPipe`. The kernel sends a `SIGPIPE` along, and for a pipe
/// there is no flag against it as there is for sockets: Rust programs ignore the signal unless they
/// ask for it.
///
/// `Ring::new(std::io::stdin())` and its like work whatever the stream is: a pipe, a file, a
/// terminal, `/dev/null`. The buffers that std has for these streams are bypassed: what std has
/// read ahead already is not seen, and what is still in its buffer of `stdout` comes later, unless
/// it is flushed first. Have one handle per stream. Its end leaves the stream open.
///
/// Neither kind is ever put into another mode, which those would notice with whom it is shared;
/// where it is in non-blocking mode, it is waited for all the same.
///
/// ```
/// use futures::io::AsyncWriteExt;
/// use ringbahn::Ring;
///
/// # fn main() -> std::io::Result<()> {
/// # if ringbahn::DefaultDriver::shared().is_err() { return Ok(()) }
/// let mut output = Ring::new(std::io::stdout());
/// futures::executor::block_on(async {
///     output.write_all(b"hello\n").await?;
///     output.flush().await
/// })
/// # }
/// ```
///
/// # Files for direct IO
///
/// A file that is [opened](crate::fs::OpenOptions::custom_flags) with `O_DIRECT` is read and
/// written past the page cache. The drivers that serve at once what need not wait leave such a file
/// to the ring, since a call of theirs would wait for the disk. They find out by asking the kernel,
/// for reads of whole sectors once in 64: what they have heard of a descriptor is good for its next
/// 63.
///
/// So where a file becomes direct after it has been read through the page cache, by `fcntl(2)` or
/// because its number is another file's now, up to 63 reads may wait in the call that serves them,
/// and their thread with them. They read what they should all the same. A file that is to be direct
/// is best opened so; a driver with `serve_at_once(false)` never reads in this way.
///
/// # Buffers
///
/// Where the traits take their buffers from is a part of the type, and
/// [`buffered`](Ring::buffered) changes it. What they do is the same with all three:
///
/// | buffers | for whom | what a read that waits holds | what it costs |
/// |---|---|---|---|
/// | [`Heap`] | everybody: any object, any driver, also the fallback | as much as is read at once, 8 KiB where nothing else was said; of a stream socket 2 KiB, or nothing where much has come | nothing before the first read |
/// | [`Registered`](crate::Registered) | few handles with much traffic, files opened for direct IO | one of the registered buffers, of the heap where none is left | memory that stays locked |
/// | [`Provided`](crate::Provided) | thousands of connections that are idle most of the time | nothing | a copy more in [`copy`](crate::io::copy); reads wait where all buffers of the group are out |
///
/// An idle handle with nothing unread keeps at most 16 KiB of the heap for its next read and as
/// much for its next write, and nothing with `Provided`.
///
/// # Dropping a handle
///
/// Works anywhere: on any thread, outside of an executor, after the driver has been shut down. A
/// write in flight runs to its end, anything else is cancelled, and the object is closed when the
/// last operation on it has ended; at once, if there is none. An error of that last write is seen
/// by nobody, so `flush` or [`close`](Ring::close) where it matters. A peer that never reads what
/// is being written keeps a dropped socket open for as long;
/// [`shutdown`](std::net::TcpStream::shutdown) of the socket that [`get_ref`](Ring::get_ref)
/// yields ends it at once.
///
/// # Kernel
///
/// Linux 5.11 with the default driver; single methods may need more.
pub struct Ring<T, D: Drive + Unpin = DefaultDriver, B: Buffering = Heap> {
    handle: Handle<T, D>,
    input: Input<D>,
    writer: Mutex<Writer<D>>,
    accepts: Accepts<D>,
    /// A seek that was asked for and has not been done.
    seek: Option<SeekFrom>,
    /// Where reader and writer have their pools from.
    buffering: B,
}

impl<T: Object> Ring<T> {
    /// A handle to `object`, on the driver of the process.
    ///
    /// Nothing is asked of the driver yet. A socket is put into blocking mode, in which the kernel
    /// waits instead of answering `WouldBlock`. Anything else stays in the mode it is in, which
    /// others may share; the poll functions wait in either.
    pub fn new(object: T) -> Ring<T> {
        Ring::new_on_driver(object, DefaultDriver)
    }
}

impl<T: Object, D: Drive + Unpin> Ring<T, D> {
    /// A handle to `object`, on `driver`.
    ///
    /// As [`new`](Ring::new), otherwise.
    pub fn new_on_driver(object: T, driver: D) -> Ring<T, D> {
        object.adopt();
        Ring::fresh(object, driver)
    }

    /// A handle to an object that is known to be in blocking mode.
    fn fresh(object: T, driver: D) -> Ring<T, D> {
        Ring {
            handle: Handle::new(object, driver),
            input: Input::new(T::POSITIONED),
            writer: Mutex::new(Writer::new(T::POSITIONED)),
            accepts: Accepts::new(),
            seek: None,
            buffering: Heap,
        }
    }
}

impl<T, D: Drive + Unpin, S: Buffering> Ring<T, D, S> {
    /// The object, for what is no IO: options and addresses of a socket, permissions of a file.
    ///
    /// Reading, writing or seeking it directly bypasses what the handle has in flight and what it
    /// has buffered.
    pub fn get_ref(&self) -> &T {
        self.handle.object()
    }

    /// The driver.
    pub fn driver(&self) -> &D {
        self.handle.driver()
    }

    /// The same handle, whose traits take their buffers from elsewhere from now on.
    ///
    /// Methods on owned buffers are not concerned: they take what they are given, also a
    /// [`RegisteredBuffer`](crate::RegisteredBuffer).
    pub fn buffered<B: Buffering>(self, buffering: B) -> Ring<T, D, B> {
        let Ring { handle, mut input, mut writer, accepts, seek, .. } = self;
        input.reader().take_from(buffering.pool());
        slot::get_mut(&mut writer).take_from(buffering.pool());
        Ring { handle, input, writer, accepts, seek, buffering }
    }

    /// Where the traits take their buffers from.
    pub fn buffering(&self) -> &S {
        &self.buffering
    }
}

impl<T: Object, D: Drive + Clone + Unpin, S: Buffering> Ring<T, D, S> {
    /// Waits for the write in flight, so that what comes next comes after it.
    async fn written(&self) -> io::Result<()> {
        poll_fn(|cx| poll_settled(&self.writer, cx)).await;
        slot::lock(&self.writer).take_error()
    }

    /// Gives the object back when nothing is in flight any more.
    ///
    /// Waits for the write in flight, stops the read in flight, and then waits for the operations
    /// that were started with this handle and still run, those that [`read_at`](Ring::read_at) and
    /// its like have returned included. What was read from a file and not taken is given back to
    /// it, so its position is where the reader was. Accepts that are parked in a listener are
    /// cancelled, and connections they have accepted are closed.
    ///
    /// # Errors
    ///
    /// What a write has failed with and nobody has been told, or `Other` where bytes were read
    /// from a stream that nobody has taken. The error holds the object, and the bytes.
    ///
    /// # Cancel safety
    ///
    /// It is not cancel safe, use it where it runs to its end: dropping the future drops the
    /// handle.
    pub async fn into_inner(self) -> Result<T, IntoInnerError<T>> {
        let Remains { object, unread, written } = self.dismantle().await;
        let error = match written {
            Ok(()) if unread.is_empty() => return Ok(object),
            Ok(()) => io::Error::other("bytes were read from the stream that nobody has taken"),
            Err(error) => error,
        };
        Err(IntoInnerError { error, object, unread })
    }

    /// Closes the object, and tells whether everything has worked.
    ///
    /// As [`into_inner`](Ring::into_inner), it waits until nothing is in flight. Bytes that nobody
    /// has taken are dropped.
    ///
    /// # Errors
    ///
    /// What a write has failed with and nobody has been told, and what `close(2)` says: some file
    /// systems report there that an earlier write has failed. Of a file in a slot the kernel does
    /// not say that; [`sync_all`](Ring::sync_all) does. The object is closed in any case.
    ///
    /// # Cancel safety
    ///
    /// It is not cancel safe, use it where it runs to its end: dropping the future closes the
    /// object as well, but nobody learns of an error.
    pub async fn close(self) -> io::Result<()> {
        let driver = self.driver().clone();
        let Remains { object, written, .. } = self.dismantle().await;
        let closed = match object.into_descriptor() {
            Some(descriptor) => driver.submit(event::Close::new(descriptor)).await,
            None => Ok(()),
        };
        written.and(closed)
    }

    async fn dismantle(self) -> Remains<T> {
        let Ring { handle, mut input, mut writer, accepts, seek, .. } = self;
        let writer = slot::get_mut(&mut writer);
        let mut written = poll_fn(|cx| writer.poll_flush(&handle, cx)).await;
        writer.stop_ending();
        poll_fn(|cx| input.reader().poll_stop(cx)).await;
        poll_fn(|cx| input.poll_collect(cx)).await;
        drop(accepts);
        let reader = input.reader();
        if handle.has_position() {
            // It cannot fail where it has been sought in before; otherwise the bytes are unread.
            let _ = reader.rewind(handle.object());
            let sought = seek.map(|position| handle.object().seek_to(position));
            written = written.and(sought.transpose().map(drop));
        }
        let unread = reader.take_unread();
        let object = handle.into_object().await;
        Remains { object, unread, written }
    }
}

/// What is left of a handle when nothing is in flight any more.
struct Remains<T> {
    object: T,
    unread: Vec<u8>,
    written: io::Result<()>,
}

impl<T: AsFd, D: Drive + Unpin, S: Buffering> AsFd for Ring<T, D, S> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.get_ref().as_fd()
    }
}

impl<T: Object, D: Drive + Default + Unpin> From<T> for Ring<T, D> {
    fn from(object: T) -> Ring<T, D> {
        Ring::new_on_driver(object, D::default())
    }
}

impl<T: fmt::Debug, D: Drive + Unpin, S: Buffering> fmt::Debug for Ring<T, D, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ring").field("object", self.get_ref()).finish_non_exhaustive()
    }
}
