//! [`Object`] and [`Transfer`]: the IO objects that [`Ring`](crate::Ring) can hold.

use std::fs::File;
use std::io::{self, Seek, SeekFrom};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::UnixStream;

use ringbahn_core::event::{self, Position};
use ringbahn_core::{Drive, SharedFd, Slice};

use super::reader::Reading;
use super::writer::Writing;

/// An IO object of std that [`Ring`](crate::Ring) can hold.
///
/// Implemented for [`File`], [`TcpStream`], [`TcpListener`] and [`UnixStream`]; for others it
/// cannot be.
pub trait Object: AsFd + Into<OwnedFd> + Send + Sync + Sized + 'static + private::Object {}

/// An [`Object`] that bytes are read from and written to: what makes a `Ring` of it implement
/// `AsyncRead`, `AsyncBufRead` and `AsyncWrite`.
///
/// Implemented for [`File`], [`TcpStream`] and [`UnixStream`]; for others it cannot be.
pub trait Transfer: Object + private::Transfer {}

/// A stream socket: what makes a `Ring` of it receive and send with owned buffers.
///
/// Implemented for [`TcpStream`] and [`UnixStream`]; for others it cannot be.
pub trait StreamSocket: Transfer + From<OwnedFd> {}

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
    use super::{Drive, Nature, Position, Reading, SeekFrom, SharedFd, Slice, Writing, io};

    /// What `Ring` needs of an object.
    pub trait Object {
        /// Whether reads and writes may share a position, so that their order matters.
        const POSITIONED: bool = false;

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
    }

    /// How bytes are read and written.
    pub trait Transfer {
        fn reading<D: Drive>(fd: SharedFd, to: Slice<Vec<u8>>, at: Position, on: D) -> Reading<D>;

        fn writing<D: Drive>(fd: SharedFd, bytes: Vec<u8>, at: Position, on: D) -> Writing<D>;

        /// Tells the other side, if there is one, that nothing more will be written.
        fn end_writing(&self) -> io::Result<()> {
            Ok(())
        }
    }
}

impl Object for File {}
impl Transfer for File {}

impl private::Object for File {
    const POSITIONED: bool = true;

    fn nature(&self) -> Nature {
        // Devices and pipes opened as a file may answer a seek that means nothing to them.
        let kind = self.metadata().map(|metadata| metadata.file_type());
        let has_position = kind.is_ok_and(|kind| kind.is_file() || kind.is_block_device());
        if !has_position || self.seek_to(SeekFrom::Current(0)).is_err() {
            return Nature::Stream;
        }
        match rustix::fs::fcntl_getfl(self) {
            Ok(flags) if flags.contains(rustix::fs::OFlags::APPEND) => Nature::Appending,
            _ => Nature::Positioned,
        }
    }

    fn seek_to(&self, position: SeekFrom) -> io::Result<u64> {
        let mut file = self;
        file.seek(position)
    }
}

impl private::Transfer for File {
    fn reading<D: Drive>(fd: SharedFd, to: Slice<Vec<u8>>, at: Position, on: D) -> Reading<D> {
        Reading::File(on.submit(event::Read::new(fd, to, at)))
    }

    fn writing<D: Drive>(fd: SharedFd, bytes: Vec<u8>, at: Position, on: D) -> Writing<D> {
        Writing::File(on.submit(event::WriteAll::new(fd, bytes, at)))
    }
}

impl Object for TcpListener {}

impl private::Object for TcpListener {
    fn adopt(&self) {
        // In non-blocking mode the kernel would not wait. Where this fails accepts say so.
        let _ = self.set_nonblocking(false);
    }
}

/// A stream socket. The two kinds differ by name only.
macro_rules! stream {
    ($stream:ty) => {
        impl Object for $stream {}
        impl Transfer for $stream {}
        impl StreamSocket for $stream {}

        impl private::Object for $stream {
            fn adopt(&self) {
                // In non-blocking mode the kernel would not wait. Where this fails reads say so.
                let _ = self.set_nonblocking(false);
            }
        }

        impl private::Transfer for $stream {
            fn reading<D: Drive>(
                fd: SharedFd,
                to: Slice<Vec<u8>>,
                _at: Position,
                on: D,
            ) -> Reading<D> {
                Reading::Socket(on.submit(event::Recv::new(fd, to)))
            }

            fn writing<D: Drive>(fd: SharedFd, bytes: Vec<u8>, _at: Position, on: D) -> Writing<D> {
                Writing::Socket(on.submit(event::SendAll::new(fd, bytes)))
            }

            fn end_writing(&self) -> io::Result<()> {
                match self.shutdown(Shutdown::Write) {
                    // A peer that has reset the connection need not be told.
                    Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(()),
                    ended => ended,
                }
            }
        }
    };
}

stream!(TcpStream);
stream!(UnixStream);
