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

pub(crate) mod private {
    use super::{Drive, Reading, SharedFd, Slice, Writing, io};

    /// What `Ring` needs of an object.
    pub trait Object {
        /// Whether reads and writes may share a position, so that their order matters.
        const POSITIONED: bool = false;

        /// Makes an object ready that comes from elsewhere.
        fn adopt(&self) {}

        /// Whether this very object has a position.
        fn has_position(&self) -> bool {
            false
        }

        /// Takes it that the last `count` bytes have not been read.
        fn give_back(&self, count: usize) -> io::Result<()> {
            let _ = count;
            Ok(())
        }
    }

    /// How bytes are read and written.
    pub trait Transfer {
        fn reading<D: Drive>(fd: SharedFd, buffer: Slice<Vec<u8>>, driver: D) -> Reading<D>;

        fn writing<D: Drive>(fd: SharedFd, bytes: Vec<u8>, driver: D) -> Writing<D>;

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

    fn has_position(&self) -> bool {
        // Devices and pipes opened as a file may answer a seek that means nothing to them.
        self.metadata().is_ok_and(|metadata| {
            let kind = metadata.file_type();
            kind.is_file() || kind.is_block_device()
        })
    }

    fn give_back(&self, count: usize) -> io::Result<()> {
        let mut file = self;
        // What was read is less than the buffer that it was read into.
        file.seek(SeekFrom::Current(-(count as i64))).map(drop)
    }
}

impl private::Transfer for File {
    fn reading<D: Drive>(fd: SharedFd, buffer: Slice<Vec<u8>>, driver: D) -> Reading<D> {
        Reading::File(driver.submit(event::Read::new(fd, buffer, Position::Current)))
    }

    fn writing<D: Drive>(fd: SharedFd, bytes: Vec<u8>, driver: D) -> Writing<D> {
        Writing::File(driver.submit(event::WriteAll::new(fd, bytes, Position::Current)))
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
            fn reading<D: Drive>(fd: SharedFd, buffer: Slice<Vec<u8>>, driver: D) -> Reading<D> {
                Reading::Socket(driver.submit(event::Recv::new(fd, buffer)))
            }

            fn writing<D: Drive>(fd: SharedFd, bytes: Vec<u8>, driver: D) -> Writing<D> {
                Writing::Socket(driver.submit(event::SendAll::new(fd, bytes)))
            }

            fn end_writing(&self) -> io::Result<()> {
                self.shutdown(Shutdown::Write)
            }
        }
    };
}

stream!(TcpStream);
stream!(UnixStream);
