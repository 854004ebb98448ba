//! [`Object`] and its kin: the IO objects that [`Ring`](crate::Ring) can hold, and what they can.

use std::fs::File;
use std::io::{self, PipeReader, PipeWriter, SeekFrom, Stderr, Stdin, Stdout};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::SocketAddr as UnixAddress;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::process::{ChildStderr, ChildStdin, ChildStdout};

use ringbahn_core::event::{self, Interest, Position, WhenReady};
use ringbahn_core::{BufferGroup, OpenFile, SharedFd, Slice, SocketAddress};
use rustix::fs::{FileType, OFlags};

use super::buffering::Memory;
use super::reader::{ChosenReading, OwnReading};
use super::writer::{Writing, told};

/// An IO object of std that [`Ring`](crate::Ring) can hold.
///
/// Implemented for [`File`], [`TcpStream`], [`TcpListener`], [`UdpSocket`], [`UnixStream`],
/// [`UnixListener`], [`UnixDatagram`], [`PipeReader`], [`PipeWriter`], [`ChildStdin`],
/// [`ChildStdout`], [`ChildStderr`], [`Stdin`], [`Stdout`] and [`Stderr`], and for
/// [`Direct`](crate::Direct) of those that a descriptor can become; for others it cannot be.
pub trait Object: Send + Sync + Sized + 'static + private::Object {}

/// An [`Object`] that bytes are read from: what makes a `Ring` of it implement `AsyncRead` and
/// `AsyncBufRead`.
///
/// Implemented for [`File`], [`TcpStream`], [`UnixStream`], [`PipeReader`], [`ChildStdout`],
/// [`ChildStderr`] and [`Stdin`], and in slots for the first four; for others it cannot be.
pub trait Readable: Object + private::Readable {}

/// An [`Object`] that bytes are written to: what makes a `Ring` of it implement `AsyncWrite`.
///
/// Implemented for [`File`], [`TcpStream`], [`UnixStream`], [`PipeWriter`], [`ChildStdin`],
/// [`Stdout`] and [`Stderr`], and in slots for the first four; for others it cannot be.
pub trait Writable: Object + private::Writable {}

/// A file: what makes a `Ring` of it read and write owned buffers at any offset.
///
/// Implemented for [`File`], and one in a slot; for others it cannot be.
pub trait FileObject: Readable + Writable + private::FileObject {}

/// A stream socket: what makes a `Ring` of it receive and send with owned buffers, and be split in
/// halves.
///
/// Implemented for [`TcpStream`] and [`UnixStream`], and those in slots; for others it cannot be.
pub trait StreamSocket: Readable + Writable {}

/// A socket with a descriptor of the process: what makes a `Ring` of it have the options that all
/// sockets have.
///
/// Implemented for [`TcpStream`], [`TcpListener`], [`UdpSocket`], [`UnixStream`], [`UnixListener`]
/// and [`UnixDatagram`]; for others it cannot be.
pub trait SocketObject: Object + AsFd {}

/// A socket that connections arrive at.
///
/// Implemented for [`TcpListener`] and [`UnixListener`]; for others it cannot be.
pub trait Listener: Object + From<OwnedFd> + private::Listener {
    /// What a connection is.
    type Stream: StreamSocket + From<OwnedFd>;

    /// The address of a peer.
    type Address;
}

/// What an object is like, as far as its position goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nature {
    /// It has none.
    Stream,
    /// It has one, which reads and writes share.
    Positioned,
    /// It has one, which reads have to themselves: writes go to the end.
    Appending,
}

pub(crate) mod private {
    use super::{
        BufferGroup, ChosenReading, Memory, Nature, OpenFile, OwnReading, OwnedFd, Position,
        SeekFrom, SharedFd, Slice, SocketAddress, Writing, io,
    };

    /// What `Ring` needs of an object.
    pub trait Object {
        /// Whether reads and writes may share a position, so that their order matters.
        const POSITIONED: bool = false;

        /// What its operations name.
        fn file(&self) -> OpenFile<'_>;

        /// What this very object is like. Asked once per handle.
        fn nature(&self) -> Nature {
            Nature::Stream
        }

        /// Moves the position. Asked only of an object that has one.
        fn seek_to(&self, position: SeekFrom) -> io::Result<u64> {
            let _ = position;
            Err(io::ErrorKind::NotSeekable.into())
        }

        /// Makes an object ready that comes from elsewhere.
        fn adopt(&self) {}

        /// The descriptor to close; `None` where it is not ours to close, or a drop does.
        fn into_descriptor(self) -> Option<OwnedFd>;
    }

    /// How bytes are read.
    pub trait Readable {
        /// Whether what is there may be received straight into memory that is lent for a call.
        const STRAIGHT: bool = false;

        fn reading(fd: SharedFd, to: Slice<Memory>, at: Position) -> OwnReading;

        /// The same without a buffer, from what has no position.
        fn reading_chosen(fd: SharedFd, from: &BufferGroup) -> ChosenReading;
    }

    /// How bytes are written.
    pub trait Writable {
        /// Whether what there is room for may be sent straight from memory that is lent for a call.
        const STRAIGHT: bool = false;

        /// Whether there may be a half that writes, whose end is told to the other side.
        const HALVES: bool = false;

        /// Whether it takes an operation to tell the other side that nothing more will be written.
        const ENDS_BY_OPERATION: bool = false;

        fn writing(fd: SharedFd, bytes: Memory, at: Position) -> Writing;

        /// Tells the other side, if there is one, that nothing more will be written.
        fn end_writing(&self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What a file can do besides.
    pub trait FileObject {
        /// How long it is, in bytes; zero where nobody knows.
        fn length(&self) -> u64;

        /// Makes it so many bytes long, where the kernel has no operation for that.
        fn cut(&self, length: u64) -> io::Result<()>;
    }

    /// How addresses are told.
    pub trait Listener: super::Object {
        /// Where it listens.
        fn local(&self) -> io::Result<<Self as super::Listener>::Address>
        where
            Self: super::Listener;

        /// Who has connected.
        fn peer(address: &SocketAddress) -> io::Result<<Self as super::Listener>::Address>
        where
            Self: super::Listener;
    }
}

/// What a file, or what may be one, is like.
fn nature_of(file: BorrowedFd<'_>) -> Nature {
    // Devices and pipes opened as a file may answer a seek that means nothing to them.
    let kind = rustix::fs::fstat(file).map(|status| FileType::from_raw_mode(status.st_mode));
    let has_position = matches!(kind, Ok(FileType::RegularFile | FileType::BlockDevice));
    if !has_position || seek_in(file, SeekFrom::Current(0)).is_err() {
        return Nature::Stream;
    }
    match rustix::fs::fcntl_getfl(file) {
        Ok(flags) if flags.contains(OFlags::APPEND) => Nature::Appending,
        _ => Nature::Positioned,
    }
}

fn seek_in(file: BorrowedFd<'_>, position: SeekFrom) -> io::Result<u64> {
    let position = match position {
        SeekFrom::Start(offset) => rustix::fs::SeekFrom::Start(offset),
        SeekFrom::End(offset) => rustix::fs::SeekFrom::End(offset),
        SeekFrom::Current(offset) => rustix::fs::SeekFrom::Current(offset),
    };
    Ok(rustix::fs::seek(file, position)?)
}

/// An event on a file. One on a stream waits also where the description is in non-blocking mode,
/// which somebody may have set with whom it is shared.
fn patient<E: event::Event>(
    at: Position,
    fd: SharedFd,
    interest: Interest,
    event: impl FnOnce(SharedFd) -> E,
) -> WhenReady<E> {
    match at {
        Position::At(_) => WhenReady::at_once(event(fd)),
        Position::Current => WhenReady::new(event(fd.clone()), fd, interest),
    }
}

/// An object that may have a position. Given what it can, as in `file!(Stdin: Readable)`.
macro_rules! file {
    ($file:ty, $close:ident: $($direction:ident),*) => {
        impl Object for $file {}

        impl private::Object for $file {
            const POSITIONED: bool = true;

            fn file(&self) -> OpenFile<'_> {
                OpenFile::Descriptor(self.as_fd())
            }

            fn nature(&self) -> Nature {
                nature_of(self.as_fd())
            }

            fn seek_to(&self, position: SeekFrom) -> io::Result<u64> {
                seek_in(self.as_fd(), position)
            }

            fn into_descriptor(self) -> Option<OwnedFd> {
                $close(self)
            }
        }

        $(file!($direction for $file);)*
    };
    (Readable for $file:ty) => {
        impl Readable for $file {}

        impl private::Readable for $file {
            fn reading(fd: SharedFd, to: Slice<Memory>, at: Position) -> OwnReading {
                let read = |fd| event::Read::new(fd, to, at);
                OwnReading::first(patient(at, fd, Interest::READABLE, read))
            }

            fn reading_chosen(fd: SharedFd, from: &BufferGroup) -> ChosenReading {
                let at = Position::Current;
                let read = |fd| event::ReadProvided::new(fd, from, at);
                ChosenReading::first(patient(at, fd, Interest::READABLE, read))
            }
        }
    };
    (Writable for $file:ty) => {
        impl Writable for $file {}

        impl private::Writable for $file {
            fn writing(fd: SharedFd, bytes: Memory, at: Position) -> Writing {
                let write = |fd| event::WriteAll::new(fd, bytes, at);
                Writing::first(patient(at, fd, Interest::WRITABLE, write))
            }
        }
    };
}

fn own<T: Into<OwnedFd>>(object: T) -> Option<OwnedFd> {
    Some(object.into())
}

/// The descriptors of the standard streams belong to the process.
fn of_the_process<T>(_stream: T) -> Option<OwnedFd> {
    None
}

file!(File, own: Readable, Writable);
file!(Stdin, of_the_process: Readable);
file!(Stdout, of_the_process: Writable);
file!(Stderr, of_the_process: Writable);

impl FileObject for File {}

impl private::FileObject for File {
    fn length(&self) -> u64 {
        self.metadata().map_or(0, |metadata| metadata.len())
    }

    fn cut(&self, length: u64) -> io::Result<()> {
        self.set_len(length)
    }
}

/// One end of a pipe, which has no position. As in `pipe!(PipeReader: Readable)`.
macro_rules! pipe {
    ($pipe:ty: $direction:ident) => {
        impl Object for $pipe {}

        impl private::Object for $pipe {
            fn file(&self) -> OpenFile<'_> {
                OpenFile::Descriptor(self.as_fd())
            }

            fn into_descriptor(self) -> Option<OwnedFd> {
                own(self)
            }
        }

        file!($direction for $pipe);
    };
}

pipe!(PipeReader: Readable);
pipe!(PipeWriter: Writable);
pipe!(ChildStdin: Writable);
pipe!(ChildStdout: Readable);
pipe!(ChildStderr: Readable);

/// A socket. The kinds differ by name only.
macro_rules! socket {
    ($($socket:ty),*) => {$(
        impl Object for $socket {}
        impl SocketObject for $socket {}

        impl private::Object for $socket {
            fn file(&self) -> OpenFile<'_> {
                OpenFile::Descriptor(self.as_fd())
            }

            fn adopt(&self) {
                // In non-blocking mode the kernel would not wait. Where this fails IO says so.
                let _ = self.set_nonblocking(false);
            }

            fn into_descriptor(self) -> Option<OwnedFd> {
                own(self)
            }
        }
    )*};
}

socket!(TcpListener, TcpStream, UdpSocket, UnixDatagram, UnixListener, UnixStream);

/// A stream socket. The kinds differ by name only.
macro_rules! stream {
    ($($stream:ty),*) => {$(
        impl Readable for $stream {}
        impl Writable for $stream {}
        impl StreamSocket for $stream {}

        impl private::Readable for $stream {
            const STRAIGHT: bool = true;

            fn reading(fd: SharedFd, to: Slice<Memory>, _at: Position) -> OwnReading {
                OwnReading::second(event::Recv::new(fd, to))
            }

            fn reading_chosen(fd: SharedFd, from: &BufferGroup) -> ChosenReading {
                ChosenReading::second(event::RecvProvided::new(fd, from))
            }
        }

        impl private::Writable for $stream {
            const STRAIGHT: bool = true;
            const HALVES: bool = true;

            fn writing(fd: SharedFd, bytes: Memory, _at: Position) -> Writing {
                Writing::second(event::SendAll::new(fd, bytes))
            }

            fn end_writing(&self) -> io::Result<()> {
                told(self.shutdown(Shutdown::Write))
            }
        }
    )*};
}

stream!(TcpStream, UnixStream);

impl Listener for TcpListener {
    type Stream = TcpStream;
    type Address = SocketAddr;
}

impl private::Listener for TcpListener {
    fn local(&self) -> io::Result<SocketAddr> {
        self.local_addr()
    }

    fn peer(address: &SocketAddress) -> io::Result<SocketAddr> {
        let stranger = || io::Error::other("a connection that is not of the internet");
        address.as_inet().ok_or_else(stranger)
    }
}

impl Listener for UnixListener {
    type Stream = UnixStream;
    type Address = UnixAddress;
}

impl private::Listener for UnixListener {
    fn local(&self) -> io::Result<UnixAddress> {
        self.local_addr()
    }

    fn peer(address: &SocketAddress) -> io::Result<UnixAddress> {
        let stranger = || io::Error::other("a connection that is not of a Unix socket");
        address.as_unix().ok_or_else(stranger)
    }
}
